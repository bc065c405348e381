//! Every body over its committed seeds and over thousands of mutations of them: what the fuzz targets do for
//! hours, for seconds and always the same.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use starling_fuzz_bodies::{BODIES, Body};

/// Most seeds of one body: they are examples, not a collection.
const MOST_SEEDS: usize = 30;
/// What decoders trip over.
const TOKENS: &[&[u8]] = &[
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"18446744073709551616",
    b"\"\"",
    b"{}",
    b"[]",
    b"\\u0000",
    b"\\ud800",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\0\0\0\0\0\0\0\0",
    b"=",
    b"\n",
];

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).expect("the directory is there");
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn seeds(body: &Body) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = fuzz().join("seeds").join(body.name);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).expect("a body has seeds").map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Runs a body; what breaks it is kept and named.
fn run(body: &Body, data: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (body.run)(data))).unwrap_or_else(|_| {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", body.name));
        std::fs::write(&kept, data).unwrap();
        panic!("{} breaks a promise over {} bytes, kept as {}", body.name, data.len(), kept.display());
    })
}

fn below(rng: &mut ChaCha20Rng, end: usize) -> usize {
    (rng.next_u64() % end.max(1) as u64) as usize
}

/// One small change, as fuzzers make them.
fn mutate(data: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha20Rng) {
    let place = below(rng, data.len() + 1);
    let end = (place + 1 + below(rng, 16)).min(data.len());
    match below(rng, 8) {
        0 if place < data.len() => data[place] ^= 1 << below(rng, 8),
        1 if place < data.len() => data[place] = rng.next_u64() as u8,
        2 => drop(data.drain(place..end)),
        3 => data.truncate(place),
        4 => {
            let again = data[place..end].to_vec();
            data.splice(place..place, again);
        }
        5 => {
            data.truncate(place);
            data.extend(&other[below(rng, other.len() + 1)..]);
        }
        6 => drop(data.splice(place..end, TOKENS[below(rng, TOKENS.len())].iter().copied())),
        _ => data.insert(place, rng.next_u64() as u8),
    }
}

fn run_mutations(body: &Body) {
    let seeds = seeds(body);
    assert!((1..=MOST_SEEDS).contains(&seeds.len()), "{} has {} seeds", body.name, seeds.len());
    let accepted = seeds.iter().filter(|(_, seed)| run(body, seed)).count();
    assert!(accepted * 2 > seeds.len(), "{} accepts {accepted} of its {} seeds", body.name, seeds.len());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for _ in 0..body.mutations {
        let (_, seed) = &seeds[below(&mut rng, seeds.len())];
        let (_, other) = &seeds[below(&mut rng, seeds.len())];
        let mut data = seed.clone();
        for _ in 0..=below(&mut rng, 4) {
            mutate(&mut data, other, &mut rng);
        }
        run(body, &data);
    }
}

#[test]
fn every_body_keeps_its_promises() {
    // Two at a time: the bodies are independent, and the core's is as long as all others together.
    let (others, machine): (Vec<_>, Vec<_>) = BODIES.iter().partition(|body| body.name != "machine");
    std::thread::scope(|scope| {
        scope.spawn(|| machine.into_iter().for_each(run_mutations));
        others.into_iter().for_each(run_mutations);
    });
}

#[test]
fn every_body_has_a_target_and_seeds() {
    let bodies: BTreeSet<String> = BODIES.iter().map(|body| body.name.to_owned()).collect();
    assert_eq!(bodies.len(), BODIES.len());
    assert_eq!(names(&fuzz().join("targets")), bodies);
    assert_eq!(names(&fuzz().join("seeds")), bodies);
}
