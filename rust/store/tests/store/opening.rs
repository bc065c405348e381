//! Opening: every reason for a refusal is told apart, and a refusal changes no byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use starling_store::*;
use tempfile::TempDir;

use crate::fixture::*;

/// Every file of a directory; `-shm` is scratch that SQLite rebuilds, the lock file is empty.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let files =
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
    files.filter(|(name, _)| !name.ends_with("-shm") && !name.ends_with(".lock")).collect()
}

/// Asserts that opening fails with `expected` and leaves every file as it was.
fn assert_refused(options: Options, expected: OpenError) {
    let before = files(&options.directory);
    let directory = options.directory.clone();
    assert_eq!(Store::open(options).err(), Some(expected));
    let after = files(&directory);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a file changed");
}

fn wrong(directory: &TempDir) -> Options {
    Options { key: StoreKey::from_bytes([8; 32]), ..options(directory) }
}

/// A closed store with one conversation and three messages.
fn closed() -> TempDir {
    let OnDisk { directory, mut store } = on_disk();
    let conversation = open_with(&mut store, 1);
    for number in 0..3 {
        enqueue(&mut store, conversation, number);
    }
    drop(store);
    directory
}

/// The same as a crash leaves it: with a write-ahead log that holds the latest commits.
fn crashed() -> TempDir {
    let OnDisk { directory, mut store } = on_disk();
    let conversation = open_with(&mut store, 1);
    for number in 0..3 {
        enqueue(&mut store, conversation, number);
    }
    let copy = TempDir::new().unwrap();
    for (name, bytes) in files(directory.path()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    assert!(fs::metadata(copy.path().join("starling.db-wal")).unwrap().len() > 10_000);
    copy
}

fn raw(directory: &TempDir, key: &str) -> Connection {
    let connection = Connection::open(directory.path().join("starling.db")).unwrap();
    connection.execute_batch(key).unwrap();
    connection
}

/// The store's own key with the salt it has on disk, for looking at the file past the store.
fn unlocked(directory: &TempDir) -> Connection {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = <Hmac<sha2::Sha256> as KeyInit>::new_from_slice(&[7; 32]).unwrap();
    mac.update(b"starling store salt");
    let salt = hex::encode(&mac.finalize().into_bytes()[..16]);
    raw(
        directory,
        &format!("PRAGMA key = \"x'{}{salt}'\"; PRAGMA cipher_plaintext_header_size = 32", "07".repeat(32)),
    )
}

/// Every page of a closed store's file decrypted, free ones included: the initialisation vector stands in
/// the reserved bytes at a page's end.
pub(crate) fn plaintext(directory: &TempDir) -> Vec<u8> {
    use cbc::cipher::{Array, BlockModeDecrypt, KeyIvInit};
    let mut bytes = fs::read(directory.path().join("starling.db")).unwrap();
    for (number, page) in bytes.chunks_exact_mut(4096).enumerate() {
        let (content, reserved) = page.split_at_mut(4016);
        let content = &mut content[if number == 0 { 32 } else { 0 }..];
        let mut cipher = cbc::Decryptor::<aes::Aes256>::new_from_slices(&[7; 32], &reserved[..16]).unwrap();
        cipher.decrypt_blocks(Array::slice_as_chunks_mut(content).0);
    }
    bytes
}

#[test]
fn what_was_committed_is_there_again() {
    let directory = closed();
    let store = Store::open(options(&directory)).unwrap();
    assert_eq!(store.read(|view| view.dump()).unwrap().len(), 3);
    assert_eq!(store.read(|view| view.account()).unwrap().unwrap().as_slice(), SEED);
    // One commit for the account, one for the conversation, three for the messages.
    assert_eq!(store.commit_counter(), 5);
}

#[test]
fn a_crash_loses_nothing_that_was_committed() {
    let directory = crashed();
    let store = Store::open(options(&directory)).unwrap();
    assert_eq!(store.read(|view| view.dump()).unwrap().len(), 3);
}

#[test]
fn a_wrong_key_is_told() {
    assert_refused(wrong(&closed()), OpenError::WrongKey);
    assert_refused(wrong(&crashed()), OpenError::WrongKey);
}

#[test]
fn a_wrong_key_is_told_without_the_sidecar_too() {
    for directory in [closed(), crashed()] {
        fs::remove_file(directory.path().join("starling.id")).unwrap();
        assert_refused(wrong(&directory), OpenError::WrongKey);
        // With the right key the sidecar comes back.
        drop(Store::open(options(&directory)).unwrap());
        assert_eq!(Store::salvage(&options(&directory)).unwrap().unwrap().peers.len(), 1);
    }
}

#[test]
fn other_files_are_told() {
    let directory = closed();
    let path = directory.path().join("starling.db");
    for other in [b"short".to_vec(), b"long enough, but no database of anybody".repeat(100)] {
        fs::write(&path, other).unwrap();
        assert_refused(options(&directory), OpenError::NotADatabase);
    }
    fs::remove_file(&path).unwrap();
    raw(&directory, "CREATE TABLE plain (x)");
    assert_refused(options(&directory), OpenError::NotADatabase);
}

#[test]
fn a_newer_format_is_told() {
    let directory = closed();
    unlocked(&directory).execute_batch("PRAGMA user_version = 2").unwrap();
    assert_refused(options(&directory), OpenError::NewerVersion { found: 2, supported: 1 });
}

#[test]
fn a_newer_format_in_the_log_is_told() {
    let directory = closed();
    let connection = unlocked(&directory);
    connection.execute_batch("PRAGMA user_version = 9").unwrap();
    let copy = TempDir::new().unwrap();
    for (name, bytes) in files(directory.path()) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    assert!(copy.path().join("starling.db-wal").exists());
    assert_refused(options(&copy), OpenError::NewerVersion { found: 9, supported: 1 });
}

#[test]
fn a_newer_sidecar_is_told() {
    let directory = closed();
    let path = directory.path().join("starling.id");
    let mut bytes = fs::read(&path).unwrap();
    bytes[16] = 2;
    fs::write(&path, bytes).unwrap();
    assert_refused(options(&directory), OpenError::NewerVersion { found: 2, supported: 1 });
}

#[test]
fn a_second_store_is_told() {
    let OnDisk { directory, mut store } = on_disk();
    assert_refused(options(&directory), OpenError::InUse);
    // The first one is none the worse for it.
    open_with(&mut store, 1);
}

#[test]
fn damage_is_told_and_the_identity_saved() {
    let directory = closed();
    let path = directory.path().join("starling.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[3000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let before = files(directory.path());
    assert!(matches!(Store::open(options(&directory)), Err(OpenError::Damaged { .. })));
    assert!(before == files(directory.path()), "a file changed");
    let identity = Store::salvage(&options(&directory)).unwrap().unwrap();
    assert_eq!(identity.seed.as_slice(), SEED);
    let friend = KnownPeer { id: peer(1), relation: Relation::Friend, blocked: false, ed25519: None };
    assert_eq!(identity.peers, [friend]);
    assert!(matches!(Store::salvage(&wrong(&directory)), Err(OpenError::WrongKey)));
}

#[test]
fn damage_found_later_is_told() {
    let directory = closed();
    let path = directory.path().join("starling.db");
    let mut bytes = fs::read(&path).unwrap();
    // Past the first page, which the schema needs to be read, everything is broken.
    for page in 12..bytes.len() / 4096 {
        bytes[page * 4096 + 100] ^= 1;
    }
    fs::write(&path, bytes).unwrap();
    let failure = match Store::open(options(&directory)) {
        Err(error) => matches!(error, OpenError::Damaged { .. }),
        Ok(store) => matches!(store.read(|view| view.dump()), Err(StoreError::Damaged { .. })),
    };
    assert!(failure);
}

#[test]
fn a_missing_database_is_not_replaced() {
    let directory = closed();
    fs::remove_file(directory.path().join("starling.db")).unwrap();
    assert_refused(options(&directory), OpenError::DatabaseMissing);
    assert_eq!(Store::salvage(&options(&directory)).unwrap().unwrap().peers.len(), 1);
}

#[test]
fn a_creation_that_was_cut_off_is_finished() {
    let directory = TempDir::new().unwrap();
    drop(Store::open(options(&directory)).unwrap());
    fs::write(directory.path().join("starling.db"), b"").unwrap();
    drop(Store::open(options(&directory)).unwrap());
    fs::remove_file(directory.path().join("starling.db")).unwrap();
    drop(Store::open(options(&directory)).unwrap());
}

#[test]
fn a_broken_sidecar_is_mended() {
    let directory = closed();
    let path = directory.path().join("starling.id");
    let intact = fs::read(&path).unwrap();
    let mut flipped = intact.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for broken in [flipped, intact[..60].to_vec(), intact[..10].to_vec(), b"something else".repeat(20)] {
        fs::write(&path, &broken).unwrap();
        assert_eq!(Store::salvage(&options(&directory)).unwrap(), None);
        drop(Store::open(options(&directory)).unwrap());
        assert_eq!(Store::salvage(&options(&directory)).unwrap().unwrap().seed.as_slice(), SEED);
    }
}

#[test]
fn a_sidecar_that_cannot_be_written_fails_no_step() {
    let OnDisk { directory, mut store } = on_disk();
    let in_the_way = directory.path().join("starling.new");
    fs::create_dir(&in_the_way).unwrap();
    open_with(&mut store, 1);
    let kept = || Store::salvage(&options(&directory)).unwrap().unwrap().peers;
    assert_eq!(kept(), []);
    fs::remove_dir(&in_the_way).unwrap();
    // Any later commit makes up for it.
    store.transact(|tx| tx.set_number(Setting::Difficulty, 1)).unwrap();
    assert_eq!(kept().len(), 1);
}

#[test]
fn no_file_shows_a_secret() {
    let directory = crashed();
    for (name, bytes) in files(directory.path()) {
        for secret in [&SEED[..], &[7; 32], &peer(1).as_bytes()[1..], b"message"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret), "{name}");
        }
    }
}

#[test]
fn a_directory_that_cannot_be_is_an_io_error() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let inside = Options { directory: file.join("store"), key: key() };
    assert!(matches!(Store::open(inside), Err(OpenError::Io { .. })));
}

#[test]
fn a_path_with_uri_characters_is_a_path() {
    let outer = TempDir::new().unwrap();
    let directory = outer.path().join("a?b=c&d #%41 é");
    let options = Options { directory: directory.clone(), key: key() };
    drop(Store::open(options.clone()).unwrap());
    drop(Store::open(options).unwrap());
    assert!(directory.join("starling.db").exists());
}
