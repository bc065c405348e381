//! Writes the seeds of every fuzz target, made from valid messages: `cargo run -p starling-fuzz-bodies --example
//! seeds`. Running it again changes nothing; files with other names (finds) are left alone. What the ratchet makes is
//! random: it is written if there is no `seeds/pickle`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod machine;
mod message;
mod onion;
mod ratchet;
mod rpc;

use std::path::Path;

/// A seed: its body, its name, its bytes.
type Seed = (&'static str, &'static str, Vec<u8>);

fn main() -> std::io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds");
    let random = if directory.join("pickle").exists() { Vec::new() } else { ratchet::random_seeds() };
    let seeds = [account::seeds(), message::seeds(), ratchet::seeds(), random];
    let seeds = seeds.into_iter().chain([onion::seeds(), rpc::seeds(), machine::seeds()]);
    for (body, name, bytes) in seeds.flatten() {
        std::fs::create_dir_all(directory.join(body))?;
        std::fs::write(directory.join(body).join(name), bytes)?;
    }
    Ok(())
}
