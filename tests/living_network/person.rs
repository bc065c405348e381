//! Somebody with an engine, its account, and a witness of everything it asks the network.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use starling_engine::{
    Answered, BoxFuture, Driver, Engine, EngineConfig, Network, OnionHttp, Outcome, Request, Route, SeedNode,
    SystemClock,
};
use starling_protocol::rpc::AddressKind;
use starling_protocol::{AccountId, AccountKeys, NodeKey, Seed};
use starling_store::{Event, MessageRow, MessageState, Options, Store, StoreKey};
use tempfile::TempDir;

/// Far longer than anything here takes: only a test that hangs meets it.
pub(crate) const HANG: Duration = Duration::from_secs(120);

/// The real network, and what went over it.
pub(crate) struct Witness {
    network: OnionHttp,
    exchanges: Arc<Mutex<Vec<(Request, Outcome)>>>,
}

impl Network for Witness {
    fn request(&self, request: Request) -> BoxFuture<Answered> {
        let (exchanges, answer) = (Arc::clone(&self.exchanges), self.network.request(request.clone()));
        Box::pin(async move {
            let answered = answer.await;
            exchanges.lock().unwrap().push((request, answered.outcome.clone()));
            answered
        })
    }

    fn network_changed(&self) {
        self.network.network_changed();
    }
}

fn seed(number: u8) -> Seed {
    Seed::from_bytes(&[number; 16]).unwrap()
}

pub(crate) struct Person {
    pub(crate) engine: Engine,
    pub(crate) id: AccountId,
    pub(crate) keys: AccountKeys,
    key: StoreKey,
    witness: Arc<Witness>,
    place: TempDir,
}

impl Person {
    /// A new account, number 1 or 2, that has the other one for a friend and knows nothing of the network
    /// but this seed.
    pub(crate) async fn new(number: u8, seed_url: String) -> Person {
        let place = tempfile::tempdir().unwrap();
        let seed_node = SeedNode { url: seed_url, address_kind: AddressKind::Loopback };
        let key = StoreKey::from_bytes([number; 32]);
        let config = EngineConfig::new(place.path().join("data"), key.clone(), vec![seed_node]);
        let witness = Arc::new(Witness { network: OnionHttp::new().unwrap(), exchanges: Arc::default() });
        let driver =
            Driver { network: Arc::clone(&witness) as Arc<dyn Network>, clock: Arc::new(SystemClock) };
        let (seed, friend) = (seed(number), AccountKeys::from_seed(&seed(3 - number)).account_id());
        starling_tests::inhabit(&config.directory, config.key.clone(), &seed, &[friend]).unwrap();
        let engine = Engine::open(config, driver).unwrap();
        Person {
            id: engine.account_id().unwrap(),
            key,
            keys: AccountKeys::from_seed(&seed),
            engine,
            witness,
            place,
        }
    }

    /// Sends a text; how it stands once more than half of the swarm has it.
    pub(crate) async fn say(&self, to: &Person, text: &str) -> (u32, u32) {
        let sent = self.engine.send(to.id, text.to_owned()).await.unwrap();
        self.engine.start().await.unwrap();
        self.stored(sent.message).await
    }

    /// Waits until more than half of the swarm has the message.
    pub(crate) async fn stored(&self, message: MessageRow) -> (u32, u32) {
        let settled = async {
            let mut seen = 0;
            loop {
                match self.state(message).await {
                    MessageState::Stored { k, n } if 2 * k > n => return (k, n),
                    MessageState::Delivered => panic!("delivered before it was seen to be stored"),
                    MessageState::Failed(reason) => panic!("failed: {reason:?}"),
                    _ => seen = self.engine.events_changed(seen).await.unwrap(),
                }
            }
        };
        tokio::time::timeout(HANG, settled).await.unwrap()
    }

    pub(crate) async fn state(&self, message: MessageRow) -> MessageState {
        self.engine.message(message).await.unwrap().unwrap().state
    }

    /// Polls until this many texts have come, at least once; the texts in order.
    pub(crate) async fn hear(&self, count: usize) -> Vec<String> {
        let heard = async {
            let mut texts = self.poll().await;
            // A poll that had begun before the text was stored may miss it.
            while texts.len() < count {
                texts.extend(self.poll().await);
            }
            texts
        };
        tokio::time::timeout(HANG, heard).await.unwrap()
    }

    async fn poll(&self) -> Vec<String> {
        self.engine.wake(HANG).await.unwrap();
        let events = self.engine.next_events(1_000).await.unwrap();
        let mut texts = Vec::new();
        for (_, event) in &events {
            if let Event::MessageReceived { message, .. } | Event::MessageInserted { message, .. } = event {
                texts.push(self.engine.message(*message).await.unwrap().unwrap().body);
            }
        }
        if let Some((last, _)) = events.last() {
            self.engine.ack_events(*last).await.unwrap();
        }
        texts
    }

    /// Ends the engine; its database.
    pub(crate) async fn database(&self) -> Store {
        self.engine.shutdown().await.unwrap();
        Store::open(Options { directory: self.place.path().join("data"), key: self.key.clone() }).unwrap()
    }

    /// Everything asked of nodes so far, with the node and its answer.
    pub(crate) fn asked(&self) -> Vec<(NodeKey, starling_protocol::rpc::Request, Outcome)> {
        let exchanges = self.witness.exchanges.lock().unwrap();
        let of_node = |(request, outcome): &(Request, Outcome)| match &request.route {
            Route::Seed(_) => None,
            Route::Direct(node) | Route::Onion { destination: node, .. } => {
                Some((node.key, request.body.clone(), outcome.clone()))
            }
        };
        exchanges.iter().filter_map(of_node).collect()
    }
}
