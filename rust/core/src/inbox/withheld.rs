//! Which replica owes which message (extensions section 2: "compare over time, not once").
//!
//! Honest nodes replicate late, so a message that one replica handed out and another did not is a
//! debt at first; only if it is still owed when that replica is read a minute later does it count.

use std::collections::{BTreeMap, BTreeSet};

use starling_protocol::NodeKey;

use crate::input::Now;

/// Time a replica has to catch up: one minute.
const PATIENCE_MS: u64 = 60_000;
/// Debts remembered per replica.
const MOST_DEBTS: usize = 64;

/// Messages that replicas owe. Volatile.
#[derive(Default)]
pub(super) struct Debts {
    owed: BTreeMap<NodeKey, BTreeMap<String, u64>>,
}

impl Debts {
    /// `handed_out` is what each replica of one poll handed out beyond its cursor. Returns the
    /// replicas that owe something for too long; those debts are written off.
    pub(super) fn compare(
        &mut self,
        handed_out: &BTreeMap<NodeKey, BTreeSet<String>>,
        new: &BTreeSet<String>,
        now: Now,
    ) -> Vec<NodeKey> {
        let mut late = Vec::new();
        for (node, theirs) in handed_out {
            let owed = self.owed.entry(*node).or_default();
            owed.retain(|hash, _| !theirs.contains(hash));
            let before = owed.len();
            owed.retain(|_, since| now.boot_ms.saturating_sub(*since) < PATIENCE_MS);
            if owed.len() < before {
                late.push(*node);
            }
            let room = MOST_DEBTS.saturating_sub(owed.len());
            owed.extend(new.difference(theirs).take(room).map(|hash| (hash.clone(), now.boot_ms)));
        }
        late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(answers: &[(u8, &[&str])]) -> BTreeMap<NodeKey, BTreeSet<String>> {
        let set = |hashes: &[&str]| hashes.iter().map(|hash| (*hash).to_owned()).collect();
        answers.iter().map(|(n, hashes)| (NodeKey([*n; 32]), set(hashes))).collect()
    }

    fn at(boot_ms: u64) -> Now {
        Now { boot_ms, wall_ms: 0 }
    }

    #[test]
    fn a_replica_that_catches_up_within_a_minute_is_not_blamed() {
        let mut debts = Debts::default();
        let new: BTreeSet<String> = ["a".to_owned()].into();
        assert!(debts.compare(&poll(&[(1, &["a"]), (2, &[])]), &new, at(0)).is_empty());
        assert!(debts.compare(&poll(&[(2, &["a"])]), &BTreeSet::new(), at(90_000)).is_empty());
    }

    #[test]
    fn a_replica_that_still_owes_after_a_minute_is_blamed_once() {
        let mut debts = Debts::default();
        let new: BTreeSet<String> = ["a".to_owned()].into();
        debts.compare(&poll(&[(1, &["a"]), (2, &[])]), &new, at(0));
        assert!(debts.compare(&poll(&[(2, &[])]), &BTreeSet::new(), at(30_000)).is_empty(), "too early");
        let late = debts.compare(&poll(&[(2, &[])]), &BTreeSet::new(), at(60_000));
        assert_eq!(late, vec![NodeKey([2; 32])]);
        assert!(debts.compare(&poll(&[(2, &[])]), &BTreeSet::new(), at(120_000)).is_empty());
    }
}
