//! The two sides the pipeline is made of, without a pipeline.

use std::hint::black_box;
use std::time::Duration;

use rusqlite::{Connection, params};
use starling_protocol::session;
// Defines the `sqlite3_*` symbols `rusqlite` declares.
use starling_sqlcipher as _;

use super::cpu;
use super::mailbox::Mailbox;

const SCHEMA: &str = include_str!("../../../store/src/schema/0001_first.sql");
const KEY: &str = "x'0707070707070707070707070707070707070707070707070707070707070707\
                   09090909090909090909090909090909'";

/// Opens every message: the cryptography alone.
pub(crate) fn open_all(mailbox: &Mailbox) -> Duration {
    let begun = cpu();
    for ciphertext in &mailbox.ciphertexts {
        black_box(session::open(ciphertext, &mailbox.owner).unwrap());
    }
    cpu() - begun
}

/// Writes the rows the pipeline leaves, in as many transactions, with statements prepared once.
pub(crate) fn write_all(mailbox: &Mailbox, commits: u64) -> Duration {
    let directory = tempfile::tempdir().unwrap();
    let connection = Connection::open(directory.path().join("bare.db")).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA key = \"{KEY}\"; PRAGMA cipher_plaintext_header_size = 32; PRAGMA journal_mode = WAL; \
             PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; {SCHEMA}"
        ))
        .unwrap();
    let peer = mailbox.sender.account_id();
    connection
        .execute(
            "INSERT INTO conversations (peer, security, created_ms, own_first) VALUES (?1, 0, 0, 1)",
            [peer.as_bytes()],
        )
        .unwrap();
    let per_commit = mailbox.texts.len().div_ceil(commits as usize);
    let begun = cpu();
    for (batch, texts) in mailbox.texts.chunks(per_commit).enumerate() {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        write(&connection, mailbox, texts, (batch * per_commit) as i64);
        connection.execute_batch("COMMIT").unwrap();
    }
    cpu() - begun
}

fn write(connection: &Connection, mailbox: &Mailbox, texts: &[starling_protocol::Text], before: i64) {
    let prepared = |sql| connection.prepare_cached(sql).unwrap();
    let peer = mailbox.sender.account_id();
    let mut message = prepared(
        "INSERT INTO messages (conversation, direction, message_id, stream, seq, clock, sender_rank, sent_ms, \
         received_ms, state, held, kind, body) VALUES (1, 1, ?1, 1, ?2, ?2, 1, ?3, ?3, 9, 0, 0, ?4)",
    );
    let mut hash = prepared("INSERT INTO seen_hashes VALUES (?1, ?2)");
    let mut seen = prepared("INSERT INTO seen_messages VALUES (?1, ?2, ?3)");
    let mut event = prepared("INSERT INTO events (kind, conversation, message) VALUES (1, 1, ?1)");
    let mut last = before;
    for text in texts {
        last += 1;
        let placement = text.placement.unwrap();
        let sent_ms = text.sent_ms as i64;
        // As long and as random as a real one.
        let name = format!("{:043}", placement.seq.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        hash.execute(params![name, sent_ms]).unwrap();
        seen.execute(params![peer.as_bytes(), placement.message_id, sent_ms]).unwrap();
        message.execute(params![placement.message_id, last, sent_ms, text.body]).unwrap();
        event.execute([last]).unwrap();
    }
    prepared("UPDATE conversations SET clock = ?1").execute([last]).unwrap();
    prepared("INSERT OR REPLACE INTO inbound_streams VALUES (1, 1, ?1, ?1 - 1)").execute([last + 1]).unwrap();
    for node in 0..3 {
        prepared("INSERT OR REPLACE INTO cursors VALUES (?1, 0, 'hash')").execute([[node; 32]]).unwrap();
    }
    prepared("UPDATE commits SET counter = counter + 1").execute([]).unwrap();
}
