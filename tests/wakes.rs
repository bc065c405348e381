//! Wakes over HTTPS while service nodes accept connections and never answer: each comes back, says
//! what it did not do, and the next one does it.
//!
//! `STARLING_WAKES` says how many wakes there are for each of the two plights, a few by default.
//! `STARLING_WAKES_REPORT` names a file for how late they were. How late is not judged here: that
//! says as much about the machine; the simulator judges it in virtual time.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use starling_engine::{Driver, Engine, EngineConfig, SeedNode, WakeReport};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, AccountKeys, Seed};
use starling_simnet::Policy;
use starling_simnet::devnet::{Config, Devnet, Fault};
use starling_store::StoreKey;
use tokio::task::JoinSet;

/// Engines that live at the same time: more would measure the processor rather than the engine.
const MOST_ENGINES: usize = 50;
/// The longest budget that a system gives, in seconds; as many engines try all whole seconds.
const LONGEST_S: usize = 30;
/// For a wake that nothing keeps from its work.
const AMPLE: Duration = Duration::from_secs(20);
/// Rounds of ample wakes after which whatever is left is stuck.
const PATIENCE: usize = 20;

/// What keeps the nodes from answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plight {
    ThreeHang,
    AllHang,
}

/// One wake.
struct Woken {
    report: WakeReport,
    /// Milliseconds from the deadline to the answer; negative before it.
    late_ms: f64,
    /// The same of a bare timer that ran beside: the machine's own lateness.
    timer_late_ms: f64,
}

/// Milliseconds since `begun` beyond `budget`.
fn beyond(begun: Instant, budget: Duration) -> f64 {
    (begun.elapsed().as_secs_f64() - budget.as_secs_f64()) * 1_000.0
}

/// One account that is only ever woken.
struct Sleeper {
    engine: Engine,
    number: usize,
    random: ChaCha20Rng,
}

impl Sleeper {
    async fn new(place: &Path, seed_node: &str, number: usize) -> Self {
        let key = StoreKey::from_bytes([1; 32]);
        let seed_node = SeedNode { url: seed_node.to_owned(), address_kind: AddressKind::Loopback };
        let mut config = EngineConfig::new(place.join(number.to_string()), key, vec![seed_node]);
        config.proof_threads = 1;
        let mut random = ChaCha20Rng::seed_from_u64(u64::try_from(number).unwrap());
        let (seed, friends) = (Seed::generate(&mut random), [recipient().account_id()]);
        starling_tests::inhabit(&config.directory, config.key.clone(), &seed, &friends).unwrap();
        let engine = Engine::open(config, Driver::system().unwrap()).unwrap();
        Self { engine, number, random }
    }

    /// All whole seconds once if there are engines enough, then 1 to 3 seconds.
    fn budget(&mut self, round: usize, longest: bool) -> Duration {
        if longest && round == 0 && self.number < LONGEST_S {
            return Duration::from_secs(u64::try_from(self.number + 1).unwrap());
        }
        Duration::from_millis(1_000 + self.random.next_u64() % 2_000)
    }

    async fn send(&self) {
        self.engine.send(recipient().account_id(), "Are you there?".into()).await.unwrap();
    }

    async fn wake(&self, budget: Duration) -> Woken {
        let begun = Instant::now();
        let timer = tokio::spawn(async move {
            tokio::time::sleep(budget).await;
            beyond(begun, budget)
        });
        let report = self.engine.wake(budget).await.unwrap();
        let late_ms = beyond(begun, budget);
        Woken { report, late_ms, timer_late_ms: timer.await.unwrap() }
    }

    /// Wakes with ample time until nothing is left to send.
    async fn catch_up(&self) {
        for _ in 0..PATIENCE {
            if self.engine.wake(AMPLE).await.unwrap().outbox_left == 0 {
                return;
            }
        }
        panic!("engine {} cannot send, though nothing is in its way", self.number);
    }

    /// One new message and some wakes, some of them in vain.
    async fn suffer(&mut self, plight: Plight, rounds: usize, longest: bool) -> Vec<Woken> {
        self.send().await;
        let mut woken = Vec::new();
        for round in 0..rounds {
            let budget = self.budget(round, longest);
            woken.push(self.wake(budget).await);
        }
        for Woken { report, .. } in &woken {
            if plight == Plight::AllHang {
                assert_eq!((report.new_messages, report.replicas_read), (0, 0), "nobody answered");
                assert!(report.outbox_left > 0, "a message is gone");
            }
        }
        woken
    }
}

/// Who gets all the messages; never looks.
fn recipient() -> AccountKeys {
    AccountKeys::from_seed(&Seed::from_bytes(&[9; 16]).unwrap())
}

/// Does the same to all at once.
async fn all<T, F>(sleepers: Vec<Sleeper>, each: impl Fn(Sleeper) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let tasks: JoinSet<T> = sleepers.into_iter().map(each).collect();
    tasks.join_all().await
}

async fn caught_up(sleepers: Vec<Sleeper>) -> Vec<Sleeper> {
    all(sleepers, async |sleeper| {
        sleeper.catch_up().await;
        sleeper
    })
    .await
}

async fn suffer(
    sleepers: Vec<Sleeper>,
    plight: Plight,
    rounds: usize,
    longest: bool,
) -> (Vec<Sleeper>, Vec<Woken>) {
    let suffered = all(sleepers, move |mut sleeper| async move {
        let woken = sleeper.suffer(plight, rounds, longest).await;
        (sleeper, woken)
    })
    .await;
    let (sleepers, woken): (Vec<_>, Vec<_>) = suffered.into_iter().unzip();
    (sleepers, woken.into_iter().flatten().collect())
}

/// Messages for `account` that lie on any node.
fn held(devnet: &Devnet, account: &AccountId) -> usize {
    let messages = devnet.dump().into_iter().flat_map(|node| node.messages);
    let hashes: BTreeSet<String> =
        messages.filter(|message| message.account == *account).map(|message| message.hash).collect();
    hashes.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_wake_does_not_do_the_next_one_does() {
    let wanted: Option<usize> = std::env::var("STARLING_WAKES").ok().map(|number| number.parse().unwrap());
    let wakes = wanted.unwrap_or(4);
    let engines = (wakes / 100).clamp(2, MOST_ENGINES);
    let rounds = wakes.div_ceil(engines);
    // As on the network today: no proof of work.
    let policy = Policy { difficulty: None, ..Policy::default() };
    let devnet = Devnet::start(Config { policy, ..Config::default() }).await.unwrap();
    let place = tempfile::tempdir().unwrap();
    let mut sleepers = Vec::new();
    for number in 0..engines {
        let sleeper = Sleeper::new(place.path(), &devnet.seed_url(), number).await;
        sleeper.send().await;
        sleepers.push(sleeper);
    }
    let mut sleepers = caught_up(sleepers).await;
    assert_eq!(held(&devnet, &recipient().account_id()), engines);

    let mut figures = Vec::new();
    for (plight, hanging) in [(Plight::ThreeHang, 3), (Plight::AllHang, devnet.nodes().len())] {
        for node in &devnet.nodes()[..hanging] {
            devnet.inject(&node.key, Fault::Drop).unwrap();
        }
        let woken;
        (sleepers, woken) = suffer(sleepers, plight, rounds, wanted.is_some()).await;
        figures.push(woken);
    }
    for node in devnet.nodes() {
        devnet.heal(&node.key).unwrap();
    }
    let sleepers = caught_up(sleepers).await;
    assert_eq!(held(&devnet, &recipient().account_id()), 3 * engines, "one of each, in good and bad times");

    if let Ok(path) = std::env::var("STARLING_WAKES_REPORT") {
        let report = report(engines, &figures[0], &figures[1]);
        std::fs::write(path, format!("{report:#}\n")).unwrap();
    }
    drop(sleepers);
    devnet.shutdown().await;
}

fn report(engines: usize, three: &[Woken], all: &[Woken]) -> Value {
    let both: Vec<&Woken> = three.iter().chain(all).collect();
    json!({
        "command": "./test long wakes",
        "profile": if cfg!(debug_assertions) { "dev" } else { "release" },
        "processors": std::thread::available_parallelism().unwrap().get(),
        "engines": engines,
        "budget_s": { "most": [1, 3], "also": [1, LONGEST_S] },
        "both": figures(&both),
        "three_of_ten_hang": figures(&three.iter().collect::<Vec<_>>()),
        "all_hang": figures(&all.iter().collect::<Vec<_>>()),
    })
}

/// Lateness is the time of the answer minus the deadline.
fn figures(woken: &[&Woken]) -> Value {
    let count = |did: fn(&WakeReport) -> bool| woken.iter().filter(|woken| did(&woken.report)).count();
    json!({
        "wakes": woken.len(),
        "after_the_deadline": woken.iter().filter(|woken| woken.late_ms > 0.0).count(),
        "lateness_ms": percentiles(woken.iter().map(|woken| woken.late_ms).collect()),
        "bare_timer_lateness_ms": percentiles(woken.iter().map(|woken| woken.timer_late_ms).collect()),
        "cut_short": count(|report| report.cut_short),
        "read_a_replica": count(|report| report.replicas_read > 0),
        "left_nothing_to_send": count(|report| report.outbox_left == 0),
        "requests": woken.iter().map(|woken| woken.report.requests).sum::<u64>(),
    })
}

fn percentiles(mut values: Vec<f64>) -> Value {
    values.sort_by(f64::total_cmp);
    let at = |per_mille: usize| {
        let rank = (values.len() * per_mille).div_ceil(1_000).max(1) - 1;
        values.get(rank).map(|value| (value * 10.0).round() / 10.0)
    };
    json!({ "p50": at(500), "p99": at(990), "p99_9": at(999), "max": at(1_000) })
}
