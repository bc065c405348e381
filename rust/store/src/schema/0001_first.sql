-- Times are milliseconds. `*_ms` columns hold device wall-clock time unless they say "network".
-- Enumerations are integers with the codes of the Rust types that write them.

-- How often anything was committed: tells a resumed process whether another one was here meanwhile.
CREATE TABLE commits (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    counter INTEGER NOT NULL
) STRICT;
INSERT INTO commits VALUES (1, 0);

CREATE TABLE settings (
    id    INTEGER PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

CREATE TABLE account (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    seed       BLOB NOT NULL,
    account_id BLOB NOT NULL CHECK (length(account_id) = 33)
) STRICT;

CREATE TABLE conversations (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    peer             BLOB    NOT NULL UNIQUE CHECK (length(peer) = 33),
    security         INTEGER NOT NULL,
    created_ms       INTEGER NOT NULL,
    -- Whether our own id sorts before the peer's: settles the order of equal clocks.
    own_first        INTEGER NOT NULL,
    stream           INTEGER,
    next_seq         INTEGER NOT NULL DEFAULT 1,
    clock            INTEGER NOT NULL DEFAULT 0,
    swarm_checked_ms INTEGER
) STRICT;

CREATE TABLE messages (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    direction    INTEGER NOT NULL,
    message_id   BLOB    NOT NULL CHECK (length(message_id) = 16),
    stream       INTEGER,
    seq          INTEGER,
    clock        INTEGER NOT NULL,
    -- 0 for the sender with the lower account id, 1 for the other one.
    sender_rank  INTEGER NOT NULL,
    sent_ms      INTEGER NOT NULL,
    received_ms  INTEGER,
    state        INTEGER NOT NULL,
    stored_count INTEGER,
    swarm_size   INTEGER,
    failure      INTEGER,
    held         INTEGER NOT NULL DEFAULT 0,
    body         TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_identity ON messages (conversation, direction, message_id);
CREATE INDEX messages_display ON messages (conversation, clock, sender_rank, id) WHERE held = 0;
-- direction 0: our own. Covers the search for the lowest message a peer may still get.
CREATE INDEX messages_sent ON messages (conversation, sent_ms, seq) WHERE direction = 0 AND stream IS NOT NULL;
CREATE INDEX messages_held ON messages (conversation, stream, seq) WHERE held = 1;

CREATE VIRTUAL TABLE message_search USING fts5 (
    body, content = 'messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
CREATE TRIGGER messages_indexed AFTER INSERT ON messages BEGIN
    INSERT INTO message_search (rowid, body) VALUES (new.id, new.body);
END;

-- One row for every outgoing message that is not finished.
CREATE TABLE outbox (
    message      INTEGER PRIMARY KEY REFERENCES messages (id),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    seq          INTEGER NOT NULL,
    stage        INTEGER NOT NULL,
    hash         TEXT,
    timestamp    INTEGER, -- network time
    ttl_ms       INTEGER NOT NULL,
    nonce        TEXT,
    difficulty   INTEGER NOT NULL DEFAULT 0,
    recomputed   INTEGER NOT NULL DEFAULT 0,
    rounds       INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    due_ms       INTEGER NOT NULL,
    expires_ms   INTEGER, -- network time
    data         TEXT
) STRICT;
CREATE INDEX outbox_order ON outbox (conversation, seq, stage, due_ms, message);

-- Members of the recipient's swarm that proved to hold the data with the outbox row's hash.
CREATE TABLE receipts (
    message INTEGER NOT NULL REFERENCES outbox (message) ON DELETE CASCADE,
    node    BLOB    NOT NULL CHECK (length(node) = 32),
    PRIMARY KEY (message, node)
) STRICT, WITHOUT ROWID;

-- Which member was asked to store which message, and what came of it: for `explain`, never for decisions.
CREATE TABLE visits (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL REFERENCES messages (id),
    at_ms   INTEGER NOT NULL,
    node    BLOB    NOT NULL CHECK (length(node) = 32),
    relays  BLOB    NOT NULL CHECK (length(relays) % 32 = 0),
    verdict INTEGER NOT NULL,
    detail  INTEGER NOT NULL
) STRICT;
CREATE INDEX visits_of_message ON visits (message, id);

-- Dedupe marks. They outlive the messages, so they refer to none.
CREATE TABLE seen_messages (
    sender     BLOB    NOT NULL,
    message_id BLOB    NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (sender, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_messages_expiry ON seen_messages (expires_ms);

CREATE TABLE seen_hashes (
    hash       TEXT PRIMARY KEY,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_hashes_expiry ON seen_hashes (expires_ms);

CREATE TABLE cursors (
    node      BLOB    NOT NULL CHECK (length(node) = 32),
    namespace INTEGER NOT NULL,
    hash      TEXT    NOT NULL,
    PRIMARY KEY (node, namespace)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbound_streams (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    stream       INTEGER NOT NULL,
    next_seq     INTEGER NOT NULL,
    PRIMARY KEY (conversation, stream)
) STRICT, WITHOUT ROWID;

-- Places of a stream whose message came before, at another place: not gaps.
CREATE TABLE inbound_filled (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    stream       INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, stream, seq)
) STRICT, WITHOUT ROWID;

-- What could not be read, for diagnosis only.
CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    bytes       INTEGER NOT NULL,
    hash        TEXT    NOT NULL,
    reason      INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    data        TEXT    NOT NULL
) STRICT;
CREATE INDEX quarantine_bytes ON quarantine (bytes);

CREATE TABLE nodes (
    key    BLOB    PRIMARY KEY CHECK (length(key) = 32),
    x25519 BLOB    NOT NULL CHECK (length(x25519) = 32),
    ip     INTEGER NOT NULL,
    port   INTEGER NOT NULL,
    swarm  INTEGER NOT NULL -- the unsigned 64-bit id, bit for bit
) STRICT, WITHOUT ROWID;

CREATE TABLE guards (
    position INTEGER PRIMARY KEY,
    node     BLOB NOT NULL UNIQUE CHECK (length(node) = 32)
) STRICT;

CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         INTEGER NOT NULL,
    conversation INTEGER,
    message      INTEGER,
    from_seq     INTEGER,
    to_seq       INTEGER
) STRICT;
-- kind 4: the state of a message changed.
CREATE UNIQUE INDEX events_state_of_message ON events (message) WHERE kind = 4;
