//! The database library itself: SQLCipher as compiled here, reached through the bindings of `rusqlite`.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, ErrorCode};
use starling_sqlcipher as _;
use tempfile::TempDir;

const KEY: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222222222222222222222222222";
const SALT: &str = "33333333333333333333333333333333";

fn open(path: &Path, key: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    let pragmas = format!("PRAGMA key = \"x'{key}{SALT}'\"; PRAGMA cipher_plaintext_header_size = 32;");
    connection.execute_batch(&pragmas).unwrap();
    connection
}

/// A database with a thousand searchable rows.
fn create(path: &Path) {
    let connection = open(path, KEY);
    connection.execute_batch("PRAGMA journal_mode = WAL; CREATE VIRTUAL TABLE t USING fts5 (body);").unwrap();
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         INSERT INTO t SELECT 'unmistakable ' || i FROM n";
    connection.execute(rows, []).unwrap();
}

fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM t WHERE t MATCH 'unmistakable'", [], |row| row.get(0))
}

fn broken_pages(connection: &Connection) -> Vec<String> {
    let mut check = connection.prepare("PRAGMA cipher_integrity_check").unwrap();
    check.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn text(connection: &Connection, sql: &str) -> String {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_library_is_the_one_that_is_pinned() {
    let directory = TempDir::new().unwrap();
    let connection = open(&directory.path().join("t.db"), KEY);
    assert!(text(&connection, "PRAGMA cipher_version").starts_with("4.20.0"));
    assert_eq!(text(&connection, "PRAGMA cipher_provider"), "rustcrypto");
    // SQLite promises that older bindings fit a newer library; the reverse it does not.
    assert!(rusqlite::version_number() >= rusqlite::ffi::SQLITE_VERSION_NUMBER);
}

#[test]
fn the_right_key_reads_what_was_written() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    create(&path);
    let connection = open(&path, KEY);
    assert_eq!(count(&connection).unwrap(), 1000);
    assert_eq!(broken_pages(&connection), Vec::<String>::new());
    assert_eq!(text(&connection, "PRAGMA journal_mode"), "wal");
}

#[test]
fn a_wrong_key_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    create(&path);
    let error = count(&open(&path, OTHER)).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase));
}

#[test]
fn only_the_header_is_plaintext() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    create(&path);
    let bytes = fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    assert_eq!(bytes[20], 80);
    for plain in ["unmistakable", "CREATE", "sqlite_", "fts5"] {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain.as_bytes()), "{plain}");
    }
}

#[test]
fn a_flipped_bit_is_found_on_every_page() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("t.db");
    create(&path);
    let intact = fs::read(&path).unwrap();
    assert!(intact.len() / 4096 > 5);
    for page in 0..intact.len() / 4096 {
        let mut damaged = intact.clone();
        damaged[page * 4096 + 2000] ^= 1;
        fs::write(&path, &damaged).unwrap();
        let connection = open(&path, KEY);
        assert_eq!(broken_pages(&connection).len(), 1, "page {}", page + 1);
    }
}

#[test]
fn threads_share_the_library() {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(|| {
                let directory = TempDir::new().unwrap();
                let path = directory.path().join("t.db");
                create(&path);
                count(&open(&path, KEY)).unwrap()
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 1000);
    }
}
