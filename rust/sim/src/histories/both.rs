//! Something that each of the two devices has.

/// One for device 0, one for device 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Both<T> {
    first: T,
    second: T,
}

impl<T: Clone> Both<T> {
    /// The same for both.
    pub(super) fn same(of_both: T) -> Self {
        Self { first: of_both.clone(), second: of_both }
    }
}

impl<T> Both<T> {
    pub(super) fn of(&self, device: usize) -> &T {
        if device == 0 { &self.first } else { &self.second }
    }

    pub(super) fn of_mut(&mut self, device: usize) -> &mut T {
        if device == 0 { &mut self.first } else { &mut self.second }
    }
}
