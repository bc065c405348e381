//! What a node demands, and how it misbehaves when told to.

/// A node's rules, and the faults inside it that both shells can switch. Faults of the network
/// (loss, delay, silence) belong to the shells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Proof of work asked for every `store`; `None`, as on today's network: none
    /// (extensions section 1).
    pub difficulty: Option<u64>,
    /// Whether proofs are checked. If not, work is an oracle: the number inside the nonce *is* the
    /// difficulty it was worked to. The simulator's short cut.
    pub verify_proofs: bool,
    /// Whether `store`, `delete` and `expire` reach the other members of the swarm. Off, it shows
    /// whether clients rely on it. Data still moves when swarms change.
    pub replication: bool,
    /// How far the node's clock is ahead, ms.
    pub clock_offset_ms: i64,
    /// Whether and how it lies about stored messages.
    pub lie: Option<Lie>,
    /// Answers every `retrieve` with an empty page.
    pub withhold: bool,
    /// Answers every request 503.
    pub refuse: bool,
    /// Its database fails: it can neither store nor delete nor change anything.
    pub broken: bool,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            difficulty: None,
            verify_proofs: true,
            replication: true,
            clock_offset_ms: 0,
            lie: None,
            withhold: false,
            refuse: false,
            broken: false,
        }
    }
}

/// How a node lies about `store`. A liar neither keeps nor forwards the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lie {
    /// Signs the receipt all the same.
    Discard,
    /// Signs a receipt for another hash.
    WrongHash,
    /// Invents receipts of the whole swarm, with signatures that do not verify.
    ForgeReceipts,
}
