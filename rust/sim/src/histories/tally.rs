//! What came of histories, added up.

use std::fmt;

use crate::checker::Violation;

/// What came of one history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The seed.
    pub seed: u64,
    /// What happened in it.
    pub tally: Tally,
    /// Every broken promise.
    pub violations: Vec<Violation>,
    /// SHA-256 of the decision trace, hex.
    pub trace_digest: String,
}

/// What happened, added up. None of these may be zero if histories are to mean anything, except the last
/// four, which must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Histories.
    pub histories: u64,
    /// Texts and introductions accepted from hosts.
    pub messages: u64,
    /// Friend requests.
    pub requests: u64,
    /// Friend requests that a user accepted.
    pub accepts: u64,
    /// Stores destroyed and restored from the phrase.
    pub restores: u64,
    /// Bundles sent because a frame could not be opened.
    pub rekeys: u64,
    /// Bundles sent because a session was old.
    pub renewals: u64,
    /// Processes killed.
    pub kills: u64,
    /// Messages stored again because 80 % of their life had passed.
    pub restored_messages: u64,
    /// Messages that expired.
    pub expiries: u64,
    /// Gap events.
    pub gaps: u64,
    /// Messages lost.
    pub lost: u64,
    /// Messages doubled.
    pub duplicates: u64,
    /// Messages out of order.
    pub out_of_order: u64,
    /// Seeds that broke a promise.
    pub failing: Vec<u64>,
}

impl Tally {
    /// Adds one history.
    pub fn add(&mut self, told: &Told) {
        let other = &told.tally;
        self.histories += other.histories;
        self.messages += other.messages;
        self.requests += other.requests;
        self.accepts += other.accepts;
        self.restores += other.restores;
        self.rekeys += other.rekeys;
        self.renewals += other.renewals;
        self.kills += other.kills;
        self.restored_messages += other.restored_messages;
        self.expiries += other.expiries;
        self.gaps += other.gaps;
        self.lost += other.lost;
        self.duplicates += other.duplicates;
        self.out_of_order += other.out_of_order;
        if !told.violations.is_empty() {
            let place = self.failing.partition_point(|seed| *seed < told.seed);
            self.failing.insert(place, told.seed);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} histories, {} messages: {} lost, {} doubled, {} out of order; {} requests, {} accepts, \
             {} restores, {} re-keys, {} renewals, {} kills, {} re-stores, {} expiries, {} gaps",
            self.histories,
            self.messages,
            self.lost,
            self.duplicates,
            self.out_of_order,
            self.requests,
            self.accepts,
            self.restores,
            self.rekeys,
            self.renewals,
            self.kills,
            self.restored_messages,
            self.expiries,
            self.gaps
        )
    }
}
