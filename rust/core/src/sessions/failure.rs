//! What a frame that does not open means (extensions section 4, "Nack" and "Re-key").
//!
//! | the frame | verdict | consequence |
//! |---|---|---|
//! | of a session that was erased | `Erased` | nack |
//! | its key was used, or its chain was evicted | `Used` | nack |
//! | names no open bundle, a session never held, or a ratchet key never received | `Lost` | re-key, if a friend sent it |
//! | opens, but contradicts itself or its session | `Rejected` | quarantine |
//!
//! Only the first sight of a frame has consequences: the verdict is kept with its hash.

/// Why a frame under a valid tag did not become a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The session is gone, its id is kept.
    Erased,
    /// A key of a chain we have received on, used or dropped.
    Used,
    /// The two sides do not hold the same session.
    Lost,
    /// Never honest.
    Rejected,
}

/// Quarantine codes below are those of [`crate::unseal::Unsealable`].
const QUARANTINED_FRAME: i64 = 100;
/// Code of a frame that became a message.
pub(super) const TAKEN: i64 = 0;

impl Failure {
    /// Stable number under which the frame's hash keeps the verdict.
    pub(super) fn code(self) -> i64 {
        match self {
            Self::Erased => 1,
            Self::Used => 2,
            Self::Lost => 3,
            Self::Rejected => 4,
        }
    }

    /// Whether a friend's frame is kept for a newer engine to try: the sender is not asked for the
    /// message itself.
    pub(crate) fn kept(self) -> bool {
        matches!(self, Self::Lost | Self::Rejected)
    }

    /// Whether a quarantine code is that of a frame.
    pub(crate) fn was(code: i64) -> bool {
        (QUARANTINED_FRAME..QUARANTINED_FRAME + 100).contains(&code)
    }

    /// Stable number under which the quarantine keeps the frame.
    pub(crate) fn quarantine_code(self) -> i64 {
        QUARANTINED_FRAME + self.code()
    }
}
