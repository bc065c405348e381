//! Which session to send on (extensions section 4, "Pair epoch").
//!
//! Both sides rank sessions alike, by what is the same for both: the epoch of the bundle, then the
//! id of the account that made it, the lower one first. So crossing bundles end in one session.

use super::pair::{Pair, Session, Side};

/// Higher is better: the epoch, then whether the bundle's owner has the lower id.
pub(super) type Rank = (u64, bool);

impl Pair {
    /// The session to send on: the highest-ranked one that we initiated or have received on.
    pub fn preferred(&self) -> Option<&Session> {
        self.sessions
            .iter()
            .filter(|session| session.owner == Side::Theirs || session.received)
            .max_by_key(|session| self.rank(session.epoch, session.owner))
    }

    /// Where a session made from a bundle stands.
    pub(super) fn rank(&self, epoch: u64, owner: Side) -> Rank {
        (epoch, (owner == Side::Ours) == self.own_lower)
    }

    /// Whether a session made from a bundle would become the preferred one.
    pub(super) fn outranks(&self, epoch: u64, owner: Side) -> bool {
        self.preferred()
            .is_none_or(|session| self.rank(epoch, owner) > self.rank(session.epoch, session.owner))
    }
}
