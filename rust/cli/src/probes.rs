//! Small pure calculations, for comparing this implementation with another one.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use starling_protocol::pow::{Nonce, Puzzle, Search};
use starling_protocol::{AccountId, hash, swarm};

use crate::failure::Failure;
use crate::output::Output;

/// Largest data file `hash` reads: nodes store 76,800 bytes, this leaves room for experiments.
const MAX_DATA_FILE: u64 = 10 * 1024 * 1024;

/// Which swarm an account belongs to (network-protocol section 2).
#[derive(Args, Debug)]
pub(crate) struct SwarmOf {
    /// Account id, 66 hex digits
    #[arg(long)]
    account: AccountId,
    /// Swarm ids as decimal numbers, separated by commas, in any order
    #[arg(long, value_delimiter = ',', required = true)]
    swarm_ids: Vec<u64>,
}

/// Finds a proof of work (network-protocol section 5) over exactly the strings given.
#[derive(Args, Debug)]
pub(crate) struct Pow {
    /// Timestamp as sent, milliseconds
    #[arg(long)]
    timestamp: String,
    /// Time to live as sent, milliseconds
    #[arg(long)]
    ttl: String,
    /// Recipient's account id as sent
    #[arg(long)]
    account: String,
    /// The message as sent: base64 text
    #[arg(long)]
    data: String,
    /// Difficulty the node asks for
    #[arg(long)]
    difficulty: u64,
}

/// The hash under which nodes keep a message (network-protocol section 4.4).
#[derive(Args, Debug)]
pub(crate) struct Hash {
    /// Recipient's account id
    #[arg(long)]
    account: AccountId,
    /// Namespace of the message
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    namespace: i16,
    /// File with the raw bytes of the message, that is `data` after base64 decoding
    #[arg(long, value_name = "FILE")]
    data_file: PathBuf,
}

#[derive(Serialize)]
struct SwarmAnswer {
    /// Decimal string: swarm ids do not fit into the numbers of many JSON readers.
    swarm_id: String,
    swarm_space: String,
}

#[derive(Serialize)]
struct PowAnswer {
    nonce: String,
    hash: String,
    tries: u64,
}

#[derive(Serialize)]
struct HashAnswer {
    hash: String,
}

/// `starling swarm-of`
pub(crate) fn swarm_of(arguments: SwarmOf, output: Output) -> Result<(), Failure> {
    let mut ids = arguments.swarm_ids;
    ids.retain(|id| *id != swarm::UNASSIGNED);
    ids.sort_unstable();
    ids.dedup();
    let space = swarm::space(&arguments.account);
    let nearest = swarm::nearest(space, &ids)
        .ok_or_else(|| Failure::Usage("none of the swarm ids is that of a swarm".to_owned()))?;
    let answer = SwarmAnswer { swarm_id: nearest.to_string(), swarm_space: space.to_string() };
    output.answer(&answer, || answer.swarm_id.clone())
}

/// `starling pow`
pub(crate) fn pow(arguments: &Pow, output: Output) -> Result<(), Failure> {
    let puzzle = Puzzle::new(
        &arguments.timestamp,
        &arguments.ttl,
        &arguments.account,
        &arguments.data,
        arguments.difficulty,
    )
    .map_err(|error| Failure::Usage(error.to_string()))?;
    if !output.is_json() {
        output.line(&format!("expecting about {} tries", puzzle.expected_tries()))?;
    }
    let search = Search::new(puzzle.clone());
    let nonce = solve(&search).ok_or_else(|| Failure::Other("no nonce satisfies this target".to_owned()))?;
    let digest = puzzle
        .check(nonce.0)
        .ok_or_else(|| Failure::Other("the nonce found does not satisfy the target".to_owned()))?;
    let answer = PowAnswer { nonce: nonce.to_base64(), hash: hex::encode(digest), tries: search.tries() };
    output
        .answer(&answer, || format!("nonce {}\nhash  {}\ntries {}", answer.nonce, answer.hash, answer.tries))
}

/// Searches on every core.
fn solve(search: &Search) -> Option<Nonce> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| search.work());
        }
    });
    search.found()
}

/// `starling hash`
pub(crate) fn hash(arguments: &Hash, output: Output) -> Result<(), Failure> {
    let path = &arguments.data_file;
    let mut data = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| Failure::file(path, &error))?;
    file.take(MAX_DATA_FILE + 1).read_to_end(&mut data).map_err(|error| Failure::file(path, &error))?;
    if data.len() as u64 > MAX_DATA_FILE {
        return Err(Failure::Usage(format!("{}: more than {MAX_DATA_FILE} bytes", path.display())));
    }
    let answer = HashAnswer { hash: hash::message_hash(&arguments.account, arguments.namespace, &data) };
    output.answer(&answer, || answer.hash.clone())
}
