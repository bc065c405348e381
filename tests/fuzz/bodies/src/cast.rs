//! Who takes part: the same accounts, nodes and keys in every body, so that a seed stays what it is.

use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::{AccountKeys, Seed, ServiceNode};
use starling_simnet::{Identity, NetworkView};
use x25519_dalek::{PublicKey, StaticSecret};

/// The account that everything is sent to.
pub static OURS: LazyLock<AccountKeys> = LazyLock::new(|| account(1));

/// An account that writes to us.
pub static FRIEND: LazyLock<AccountKeys> = LazyLock::new(|| account(2));

/// The onion key of the node that is asked.
pub static NODE: LazyLock<StaticSecret> = LazyLock::new(|| StaticSecret::from([7; 32]));

/// The nodes of the network around the core, and their view of it: three swarms of four.
pub static NETWORK: LazyLock<(Vec<Identity>, Arc<NetworkView>)> = LazyLock::new(|| {
    let identities: Vec<Identity> =
        (0..12).map(|n| Identity::from_secrets([n + 1; 32], [n + 101; 32])).collect();
    let listed = |(identity, n): (&Identity, u8)| ServiceNode {
        key: identity.key(),
        x25519: identity.x25519(),
        ip: Ipv4Addr::new(127, 0, 0, n + 1),
        port: 22_021,
        swarm_id: u64::from(n % 3) << 62,
    };
    let view = NetworkView::new(identities.iter().zip(0..).map(listed).collect());
    (identities, Arc::new(view))
});

/// The seed of an account of the cast.
pub fn seed(number: u8) -> Seed {
    Seed::from_bytes(&[number; 16]).unwrap()
}

/// An account of the cast.
pub fn account(number: u8) -> AccountKeys {
    AccountKeys::from_seed(&seed(number))
}

/// Public half of an X25519 secret.
pub fn public(secret: &StaticSecret) -> [u8; 32] {
    PublicKey::from(secret).to_bytes()
}

/// Dice that always fall the same way.
pub fn dice() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(9)
}

/// The first byte, which chooses how a body treats the rest, and the rest.
pub(crate) fn mode(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(mode, rest)| (*mode, rest))
}
