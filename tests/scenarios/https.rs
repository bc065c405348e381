//! The most telling scenarios over HTTPS: the engine as it ships, against a network of real service
//! nodes on loopback. Every wait is for an event; the time limits only end a test that has failed.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use starling_engine::{ActivityFeed, Driver, Engine, EngineConfig, Purpose, RequestEnd, SeedNode, What};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, AccountKeys, NodeKey, Seed};
use starling_simnet::devnet::{Config, Devnet, Fault};
use starling_simnet::{Lie, Policy};
use starling_store::{Event, FailureReason, MessageRow, MessageState, StoreKey};
use tempfile::TempDir;

/// After this a wait has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// An engine with an account of its own.
struct Party {
    engine: Engine,
    account: AccountId,
    _directory: TempDir,
}

impl Party {
    /// Number 1 or 2; each has the other for a friend.
    async fn join(devnet: &Devnet, number: u8) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let seed_node = SeedNode { url: devnet.seed_url(), address_kind: AddressKind::Loopback };
        let key = StoreKey::from_bytes([number; 32]);
        let mut config = EngineConfig::new(directory.path().to_path_buf(), key, vec![seed_node]);
        // A node that hangs is noticed sooner, yet long after honest ones gave up waiting for it.
        config.core.request_timeout_ms = 8_000;
        let (seed, friend) = (seed(number), AccountKeys::from_seed(&seed(3 - number)).account_id());
        starling_tests::inhabit(&config.directory, config.key.clone(), &seed, &[friend]).unwrap();
        let engine = Engine::open(config, Driver::system().unwrap()).unwrap();
        let account = engine.account_id().unwrap();
        Self { engine, account, _directory: directory }
    }

    async fn send(&self, to: &Party, body: &str) -> MessageRow {
        self.engine.send(to.account, body.to_owned()).await.unwrap().message
    }

    /// The state of a message, once it is an end.
    async fn outcome(&self, row: MessageRow) -> MessageState {
        let settled = async {
            let mut seen = 0;
            loop {
                seen = self.engine.events_changed(seen).await.unwrap();
                let state = self.engine.message(row).await.unwrap().unwrap().state;
                if !matches!(state, MessageState::Queued | MessageState::Working) {
                    return state;
                }
            }
        };
        in_time("a message to be stored", settled).await
    }

    /// The texts received, once there are this many; each was announced by one event.
    async fn received(&self, count: usize) -> Vec<String> {
        let all = async {
            let (mut seen, mut texts) = (0, Vec::new());
            loop {
                seen = self.engine.events_changed(seen).await.unwrap();
                for (seq, event) in self.engine.next_events(100).await.unwrap() {
                    if let Event::MessageReceived { message, .. } = event {
                        texts.push(self.engine.message(message).await.unwrap().unwrap().body);
                    }
                    self.engine.ack_events(seq).await.unwrap();
                }
                if texts.len() >= count {
                    return texts;
                }
            }
        };
        in_time("messages to be received", all).await
    }
}

fn seed(number: u8) -> Seed {
    Seed::from_bytes(&[number; 16]).unwrap()
}

/// Whether a message has arrived, or its recipient has even said so.
fn has_arrived(state: MessageState) -> bool {
    matches!(state, MessageState::Stored { .. } | MessageState::Delivered)
}

async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Two parties in the foreground on a network whose nodes follow `policy`.
async fn stage(policy: Policy) -> (Devnet, Party, Party) {
    stage_on(Config { policy, ..Config::default() }).await
}

/// The same on a network of three swarms of three: every member is asked in every round.
async fn stage_of_threes(policy: Policy) -> (Devnet, Party, Party) {
    stage_on(Config { swarms: 3, swarm_size: 3, policy, ..Config::default() }).await
}

async fn stage_on(config: Config) -> (Devnet, Party, Party) {
    let (hop_timeout, peer_timeout) = (Duration::from_secs(5), Duration::from_secs(1));
    let devnet = Devnet::start(Config { hop_timeout, peer_timeout, ..config }).await.unwrap();
    let (alice, bob) = (Party::join(&devnet, 1).await, Party::join(&devnet, 2).await);
    alice.engine.start().await.unwrap();
    bob.engine.start().await.unwrap();
    (devnet, alice, bob)
}

fn work(difficulty: u64) -> Policy {
    Policy { difficulty: Some(difficulty), ..Policy::default() }
}

fn swarm(devnet: &Devnet, party: &Party) -> Vec<NodeKey> {
    let view = devnet.view();
    view.members(view.swarm_of(&party.account).unwrap()).to_vec()
}

/// Timestamp, nonce and data of a stored message.
type Copied = (u64, Option<String>, String);

/// Nodes that hold something for a party, and the distinct messages they hold.
fn copies(devnet: &Devnet, party: &Party) -> (BTreeSet<NodeKey>, BTreeSet<Copied>) {
    let (mut holders, mut copies) = (BTreeSet::new(), BTreeSet::new());
    for node in devnet.dump() {
        for message in node.messages.into_iter().filter(|message| message.account == party.account) {
            holders.insert(node.node);
            copies.insert((message.timestamp, message.nonce, message.data));
        }
    }
    (holders, copies)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_replication_exactly_three_members_hold_the_same_message() {
    let policy = Policy { replication: false, ..work(1) };
    let (devnet, alice, bob) = stage(policy).await;
    // Bob does not poll, so nothing but Alice's send touches his swarm.
    bob.engine.suspend(Duration::ZERO).await.unwrap();
    let row = alice.send(&bob, "three times").await;
    assert_eq!(alice.outcome(row).await, MessageState::Stored { k: 3, n: 5 });
    let (holders, copies) = copies(&devnet, &bob);
    assert_eq!((holders.len(), copies.len()), (3, 1));
    assert!(copies.iter().all(|(_, nonce, _)| nonce.is_some()), "work was asked for and done");
    assert!(holders.iter().all(|holder| swarm(&devnet, &bob).contains(holder)));
    bob.engine.resume().await.unwrap();
    assert_eq!(bob.received(1).await, ["three times"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lying_node_costs_no_message() {
    let (devnet, alice, bob) = stage(work(1)).await;
    let liar = swarm(&devnet, &bob)[0];
    devnet.inject(&liar, Fault::Lie(Lie::WrongHash)).unwrap();
    let mut texts = Vec::new();
    for number in 0..10 {
        texts.push(format!("message {number}"));
        let row = alice.send(&bob, &texts[number]).await;
        let state = alice.outcome(row).await;
        let MessageState::Stored { k, n: 5 } = state else { panic!("{state:?}") };
        // Every store reaches the liar by replication, so without its lie there would be five.
        assert!((1..=4).contains(&k), "the liar is not counted: {k}");
        assert!(!copies(&devnet, &bob).0.contains(&liar), "it keeps nothing");
    }
    assert_eq!(bob.received(10).await, texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_receipts_are_not_counted() {
    let policy = Policy { replication: false, lie: Some(Lie::ForgeReceipts), ..work(1) };
    let (devnet, alice, bob) = stage(policy).await;
    // One member is honest; of any three that are asked, two forge receipts of everybody.
    let honest = swarm(&devnet, &bob)[0];
    devnet.heal(&honest).unwrap();
    devnet.inject(&honest, Fault::Diverge).unwrap();
    let mut feed = alice.engine.activity();
    let row = alice.send(&bob, "who has it?").await;
    let state = alice.outcome(row).await;
    let MessageState::Stored { k, n: 5 } = state else { panic!("{state:?}") };
    alice.engine.shutdown().await.unwrap();
    let mut answered = BTreeSet::new();
    while let Some(activity) = feed.next().await {
        let What::RequestFinished { purpose: Purpose::Store(_), destination, end, .. } = activity.what else {
            continue;
        };
        if end == (RequestEnd::Answered { status: 200 }) {
            answered.extend(destination);
        }
    }
    assert!(answered.iter().any(|node| *node != honest), "a forger was asked");
    // A forger signs for itself, which nobody can see through; for its peers it cannot.
    assert_eq!(k as usize, answered.len(), "receipts of {answered:?}");
    assert!(k < 5, "nobody else was counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_node_delays_and_stops_nothing() {
    let (devnet, alice, bob) = stage(work(1)).await;
    let row = alice.send(&bob, "before").await;
    alice.outcome(row).await;
    for node in &swarm(&devnet, &bob)[..2] {
        devnet.inject(node, Fault::Drop).unwrap();
    }
    let mut feed = alice.engine.activity();
    let mut texts = vec!["before".to_owned()];
    for number in 0..5 {
        texts.push(format!("message {number}"));
        let row = alice.send(&bob, &texts[number + 1]).await;
        let state = alice.outcome(row).await;
        assert!(has_arrived(state), "{state:?}");
    }
    alice.engine.shutdown().await.unwrap();
    let mut failed = 0;
    while let Some(activity) = feed.next().await {
        if let What::RequestFinished { end, .. } = activity.what {
            failed += usize::from(!matches!(end, RequestEnd::Answered { .. }));
        }
    }
    assert!(failed > 0, "something met a hanging node");
    assert_eq!(bob.received(6).await, texts);
}

/// More than any client will do.
const ABSURD: u64 = 1_000_000;

/// What an engine that was shut down had done for proof of work: the members that asked for it, and the
/// difficulties it worked to.
async fn demands_and_work(mut feed: ActivityFeed) -> (BTreeSet<NodeKey>, Vec<u64>) {
    let (mut demanded, mut worked) = (BTreeSet::new(), Vec::new());
    while let Some(activity) = feed.next().await {
        match activity.what {
            What::ProofStarted { difficulty, .. } => worked.push(difficulty),
            What::RequestFinished {
                purpose: Purpose::Store(_),
                destination,
                end: RequestEnd::Answered { status: 432 },
                ..
            } => demanded.extend(destination),
            _ => {}
        }
    }
    (demanded, worked)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_difficulty_is_refused_without_work() {
    let (devnet, alice, bob) = stage(work(ABSURD)).await;
    let feed = alice.engine.activity();
    let row = alice.send(&bob, "too hard").await;
    assert_eq!(alice.outcome(row).await, MessageState::Failed(FailureReason::TooHard));
    assert!(copies(&devnet, &bob).0.is_empty());
    alice.engine.shutdown().await.unwrap();
    let (demanded, worked) = demands_and_work(feed).await;
    assert!(demanded.len() >= 2, "{demanded:?}");
    assert!(worked.is_empty(), "{worked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_difficulty_of_one_member_burns_no_work_and_stops_no_message() {
    let (devnet, alice, bob) = stage_of_threes(work(2)).await;
    let greedy = swarm(&devnet, &bob)[0];
    devnet.inject(&greedy, Fault::Demand(ABSURD)).unwrap();
    let feed = alice.engine.activity();
    let row = alice.send(&bob, "worth two").await;
    let state = alice.outcome(row).await;
    assert!(has_arrived(state), "{state:?}");
    assert_eq!(bob.received(1).await, ["worth two"]);
    alice.engine.shutdown().await.unwrap();
    let (demanded, worked) = demands_and_work(feed).await;
    assert!(demanded.contains(&greedy), "the greedy member was asked");
    assert!(!worked.is_empty() && worked.iter().all(|difficulty| *difficulty == 2), "{worked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absurd_difficulty_of_two_members_is_a_typed_failure_and_burns_no_work() {
    let (devnet, alice, bob) = stage_of_threes(work(2)).await;
    let greedy = &swarm(&devnet, &bob)[..2];
    for member in greedy {
        devnet.inject(member, Fault::Demand(ABSURD)).unwrap();
    }
    let feed = alice.engine.activity();
    let row = alice.send(&bob, "too hard for two").await;
    assert_eq!(alice.outcome(row).await, MessageState::Failed(FailureReason::TooHard));
    assert!(copies(&devnet, &bob).0.is_empty());
    alice.engine.shutdown().await.unwrap();
    let (demanded, worked) = demands_and_work(feed).await;
    assert!(greedy.iter().all(|member| demanded.contains(member)), "{demanded:?}");
    assert!(worked.is_empty(), "{worked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guard_that_dies_in_the_middle_of_a_conversation_is_replaced() {
    let (devnet, alice, bob) = stage(work(1)).await;
    let row = alice.send(&bob, "before").await;
    alice.outcome(row).await;
    let paths = alice.engine.status().status.paths;
    let dead = paths[0][0];
    devnet.inject(&dead, Fault::Down).unwrap();
    let mut feed = alice.engine.activity();
    let mut texts = vec!["before".to_owned()];
    for number in 0..8 {
        texts.push(format!("message {number}"));
        let row = alice.send(&bob, &texts[number + 1]).await;
        let state = alice.outcome(row).await;
        assert!(has_arrived(state), "{state:?}");
    }
    let avoided = async {
        let mut version = 0;
        loop {
            let latest = alice.engine.status_changed(version).await.unwrap();
            version = latest.version;
            if latest.status.paths.iter().all(|path| path[0] != dead) {
                return;
            }
        }
    };
    in_time("another guard", avoided).await;
    alice.engine.shutdown().await.unwrap();
    let mut met = 0;
    while let Some(activity) = feed.next().await {
        if let What::RequestFinished { hops, end: RequestEnd::Unreachable, .. } = activity.what {
            met += usize::from(hops.first() == Some(&dead));
        }
    }
    assert!(met > 0, "requests met the dead guard");
    assert_eq!(bob.received(9).await, texts);
}
