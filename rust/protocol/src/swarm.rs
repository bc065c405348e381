//! Which swarm serves an account (network-protocol section 2).

use crate::account::AccountId;

/// The number of a swarm. Beyond 2^53, so never through a floating-point number.
pub type SwarmId = u64;

/// The swarm id of nodes without a swarm (decommissioned): they never serve clients.
pub const UNASSIGNED: SwarmId = u64::MAX;

/// The position of an account among the swarms: the four big-endian words of its key, XORed.
pub fn space(account: &AccountId) -> u64 {
    let key = account.x25519();
    let (words, _) = key.as_chunks::<8>();
    words.iter().fold(0, |space, word| space ^ u64::from_be_bytes(*word))
}

/// The swarm nearest to a position on the ring of 64-bit numbers; a tie goes to the left neighbour.
///
/// `sorted_ids` ascends without duplicates; [`UNASSIGNED`] at its end is ignored. `None` without swarms.
pub fn nearest(space: u64, sorted_ids: &[SwarmId]) -> Option<SwarmId> {
    let ids = sorted_ids.strip_suffix(&[UNASSIGNED]).unwrap_or(sorted_ids);
    let (smallest, largest) = (*ids.first()?, *ids.last()?);
    let split = ids.partition_point(|id| *id < space);
    let right = ids.get(split).copied().unwrap_or(smallest);
    let left = split.checked_sub(1).and_then(|index| ids.get(index)).copied().unwrap_or(largest);
    let (to_right, to_left) = (right.wrapping_sub(space), space.wrapping_sub(left));
    Some(if to_right < to_left { right } else { left })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn few_swarms() {
        assert_eq!(nearest(7, &[]), None);
        assert_eq!(nearest(7, &[UNASSIGNED]), None);
        assert_eq!(nearest(7, &[500]), Some(500));
        assert_eq!(nearest(u64::MAX - 1, &[500, UNASSIGNED]), Some(500));
        assert_eq!(nearest(u64::MAX, &[0, u64::MAX - 19]), Some(0));
    }

    proptest! {
        #[test]
        fn no_swarm_is_nearer(space: u64, ids in prop::collection::btree_set(0..UNASSIGNED, 1..20)) {
            let ids: Vec<u64> = ids.into_iter().collect();
            let ring = |id: u64| id.wrapping_sub(space).min(space.wrapping_sub(id));
            let found = nearest(space, &ids).unwrap();
            prop_assert!(ids.contains(&found));
            prop_assert_eq!(ring(found), ids.iter().copied().map(ring).min().unwrap());
        }
    }
}
