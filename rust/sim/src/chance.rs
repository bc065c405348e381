//! Randomness by role: one stream of one seed for each part of the world, so that one more draw in the
//! network does not change what a device does.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng as _};

/// Who draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Keys, addresses and swarms of nodes.
    Topology,
    /// Latency, loss, duplication.
    Network,
    /// What breaks and when.
    Faults,
    /// Who sends what and when.
    Plan,
    /// The engine on a device.
    Device(usize),
    /// The host app and the clock of a device.
    Host(usize),
}

impl Role {
    fn stream(self) -> u64 {
        match self {
            Self::Topology => 0,
            Self::Network => 1,
            Self::Faults => 2,
            Self::Plan => 3,
            Self::Device(index) => 1_000 + 2 * index as u64,
            Self::Host(index) => 1_001 + 2 * index as u64,
        }
    }

    /// The role's generator in the world of a seed.
    pub(crate) fn rng(self, seed: u64) -> ChaCha20Rng {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(self.stream());
        rng
    }
}

/// A number from `low` to `high`, both included; `low` if the range is empty.
pub(crate) fn between(rng: &mut ChaCha20Rng, low: u64, high: u64) -> u64 {
    let span = high.saturating_sub(low).saturating_add(1);
    low + rng.next_u64() % span
}

/// True in `per_mille` of 1,000 draws.
pub(crate) fn chance(rng: &mut ChaCha20Rng, per_mille: u32) -> bool {
    rng.next_u64() % 1_000 < u64::from(per_mille)
}

/// One of the elements, `None` if there are none.
pub(crate) fn one_of<'a, T>(rng: &mut ChaCha20Rng, of: &'a [T]) -> Option<&'a T> {
    if of.is_empty() {
        return None;
    }
    of.get((rng.next_u64() % of.len() as u64) as usize)
}

/// Shuffles in place (Fisher-Yates).
pub(crate) fn shuffle<T>(rng: &mut ChaCha20Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        items.swap(last, between(rng, 0, last as u64) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_draw_from_streams_of_their_own() {
        let first = |role: Role| role.rng(7).next_u64();
        let roles = [Role::Topology, Role::Network, Role::Faults, Role::Plan];
        let roles = roles.into_iter().chain((0..3).flat_map(|i| [Role::Device(i), Role::Host(i)]));
        let draws: Vec<u64> = roles.map(first).collect();
        let mut distinct = draws.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), draws.len());
        assert_eq!(first(Role::Network), first(Role::Network));
    }
}
