-- `*_ms` columns are milliseconds, of device wall-clock time unless they say "network"; `*_s` columns are seconds.
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
    account_id BLOB NOT NULL CHECK (length(account_id) = 33),
    name       TEXT -- the display name that requests and accepts carry
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
    swarm_checked_ms INTEGER,
    -- The peer's stream something was received in last: the one our acknowledgements name.
    inbound_stream   INTEGER
) STRICT;

-- What a conversation's peer is to us, one row for each conversation.
CREATE TABLE contacts (
    conversation      INTEGER PRIMARY KEY REFERENCES conversations (id),
    relation          INTEGER NOT NULL DEFAULT 0,
    -- The list of the host's it is in, from relation and blocked: 0 none, 1 friends, 2 incoming requests,
    -- 3 outgoing requests, 4 blocked.
    list              INTEGER NOT NULL DEFAULT 0,
    -- Whether texts go out; closed, they wait.
    open              INTEGER NOT NULL DEFAULT 0,
    blocked           INTEGER NOT NULL DEFAULT 0,
    until_s           INTEGER, -- network time
    asked_epoch       INTEGER,
    ratchet_floor     INTEGER NOT NULL DEFAULT 0,
    seen_epoch        INTEGER NOT NULL DEFAULT 0,
    accepted_epoch    INTEGER NOT NULL DEFAULT 0,
    rekeyed_s         INTEGER, -- network time
    ed25519           BLOB CHECK (length(ed25519) = 32),
    name              TEXT,
    upgrade_offered_s INTEGER, -- network time
    ack_due_ms        INTEGER,
    reacked_ms        INTEGER,
    session_listed    INTEGER NOT NULL DEFAULT 0,
    asked_bundle      BLOB
) STRICT;
CREATE INDEX contacts_list ON contacts (list, conversation) WHERE list <> 0;
CREATE INDEX contacts_until ON contacts (until_s) WHERE until_s IS NOT NULL;
CREATE INDEX contacts_ack_due ON contacts (ack_due_ms) WHERE ack_due_ms IS NOT NULL;

-- When a peer was blocked, in network time; open at its end while it is.
CREATE TABLE blocks (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    from_ms      INTEGER NOT NULL,
    until_ms     INTEGER,
    PRIMARY KEY (conversation, from_ms)
) STRICT, WITHOUT ROWID;

-- Incoming requests without an answer, and the bytes kept for them: triggers count, so that a flood of
-- strangers costs no counting.
CREATE TABLE pending_requests (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    requests INTEGER NOT NULL,
    bytes    INTEGER NOT NULL
) STRICT;
INSERT INTO pending_requests VALUES (1, 0, 0);
CREATE TRIGGER contacts_asked AFTER UPDATE OF list, asked_bundle ON contacts
WHEN (old.list = 2) <> (new.list = 2) OR old.asked_bundle IS NOT new.asked_bundle BEGIN
    UPDATE pending_requests SET requests = requests + (new.list = 2) - (old.list = 2),
        bytes = bytes + ifnull(length(new.asked_bundle), 0) - ifnull(length(old.asked_bundle), 0);
END;

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
    kind         INTEGER NOT NULL,
    body         TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_identity ON messages (conversation, direction, message_id);
-- What the host sees: texts and introductions (kinds 0 and 1).
CREATE INDEX messages_display ON messages (conversation, clock, sender_rank, id)
WHERE held = 0 AND kind <= 1 AND body <> '';
-- direction 0: our own. Covers the search for the lowest message a peer may still get.
CREATE INDEX messages_sent ON messages (conversation, sent_ms, seq) WHERE direction = 0 AND stream IS NOT NULL;
CREATE INDEX messages_held ON messages (conversation, stream, seq) WHERE held = 1;
-- held 2: back with a request that nobody answered.
CREATE INDEX messages_pending ON messages (conversation, clock, sender_rank, id) WHERE held = 2;
CREATE TRIGGER messages_pending_added AFTER INSERT ON messages WHEN new.held = 2 BEGIN
    UPDATE pending_requests SET bytes = bytes + octet_length(new.body);
END;
CREATE TRIGGER messages_pending_shown AFTER UPDATE OF held ON messages WHEN old.held = 2 AND new.held <> 2 BEGIN
    UPDATE pending_requests SET bytes = bytes - octet_length(new.body);
END;
CREATE TRIGGER messages_pending_dropped AFTER DELETE ON messages WHEN old.held = 2 BEGIN
    UPDATE pending_requests SET bytes = bytes - octet_length(old.body);
END;

CREATE VIRTUAL TABLE message_search USING fts5 (
    body, content = 'messages', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
-- What is held back with a request may be deleted again, so it is indexed only when it is shown: the index
-- never holds the words of a text that was declined.
CREATE TRIGGER messages_indexed AFTER INSERT ON messages
WHEN new.kind <= 1 AND new.held <> 2 AND new.body <> '' BEGIN
    INSERT INTO message_search (rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER messages_indexed_later AFTER UPDATE OF held ON messages
WHEN old.held = 2 AND new.held <> 2 AND new.kind <= 1 AND new.body <> '' BEGIN
    INSERT INTO message_search (rowid, body) VALUES (new.id, new.body);
END;

-- One row for every outgoing message that is not finished.
CREATE TABLE outbox (
    message      INTEGER PRIMARY KEY REFERENCES messages (id),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    -- 0: in order, while the contact is open; 1: at once, past everything.
    lane         INTEGER NOT NULL,
    seq          INTEGER NOT NULL, -- 0 for what has no place in the stream
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
CREATE INDEX outbox_order ON outbox (lane, conversation, seq, stage, due_ms, message);
CREATE INDEX outbox_express ON outbox (conversation, due_ms, seq, message) WHERE lane = 1;

-- Our bundles whose secrets exist: who takes one can open a session with us.
CREATE TABLE prekeys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    epoch        INTEGER NOT NULL,
    request_id   BLOB    NOT NULL CHECK (length(request_id) = 16),
    one_time_key BLOB    NOT NULL UNIQUE CHECK (length(one_time_key) = 32),
    bundle_hash  BLOB    NOT NULL CHECK (length(bundle_hash) = 32),
    expires_s    INTEGER NOT NULL, -- network time
    carrier      INTEGER NOT NULL,
    bundle       BLOB    NOT NULL,
    kem_seed     BLOB    NOT NULL CHECK (length(kem_seed) = 64),
    account      BLOB    NOT NULL
) STRICT;
CREATE INDEX prekeys_of_conversation ON prekeys (conversation, epoch, id);
CREATE INDEX prekeys_expiry ON prekeys (expires_s, conversation);

-- Ratchet sessions. Erased ones keep their id, so that a late frame of theirs is known for what it is.
CREATE TABLE sessions (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation     INTEGER NOT NULL REFERENCES conversations (id),
    session_id       BLOB    NOT NULL UNIQUE CHECK (length(session_id) = 32),
    epoch            INTEGER NOT NULL,
    -- Whether it was opened with a bundle of ours.
    owned            INTEGER NOT NULL,
    received         INTEGER NOT NULL,
    sending_key      BLOB CHECK (length(sending_key) = 32),
    sending_chain    INTEGER NOT NULL DEFAULT 0,
    sent_count       INTEGER NOT NULL DEFAULT 0,
    created_s        INTEGER NOT NULL, -- network time
    retired_s        INTEGER, -- network time
    erased           INTEGER NOT NULL DEFAULT 0,
    -- NULL once erased.
    send_key         BLOB CHECK (length(send_key) = 32),
    receive_key      BLOB CHECK (length(receive_key) = 32),
    -- What our prekey frames repeat; NULL for a session of our own bundle and after the first reply.
    ratchet_identity BLOB CHECK (length(ratchet_identity) = 32),
    bundle_hash      BLOB CHECK (length(bundle_hash) = 32),
    accept_signature BLOB CHECK (length(accept_signature) = 64),
    kem_ciphertext   BLOB,
    pickle           BLOB
) STRICT;
CREATE INDEX sessions_live ON sessions (conversation, epoch, id) WHERE erased = 0;
CREATE INDEX sessions_retired ON sessions (retired_s, conversation) WHERE erased = 0 AND retired_s IS NOT NULL;

-- Ratchet keys a session has received under, in the order of their first frame.
CREATE TABLE received_chains (
    session     INTEGER NOT NULL REFERENCES sessions (id),
    ratchet_key BLOB    NOT NULL CHECK (length(ratchet_key) = 32),
    ordinal     INTEGER NOT NULL,
    next_index  INTEGER NOT NULL,
    holes       INTEGER NOT NULL, -- skipped below it and not received
    PRIMARY KEY (session, ratchet_key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX received_chains_order ON received_chains (session, ordinal);

-- One row for every durable message that was sealed and that the peer has not acknowledged. It outlives the
-- outbox row.
CREATE TABLE sealed (
    message        INTEGER PRIMARY KEY REFERENCES messages (id),
    conversation   INTEGER NOT NULL REFERENCES conversations (id),
    stream         INTEGER NOT NULL,
    seq            INTEGER NOT NULL,
    session        INTEGER REFERENCES sessions (id), -- NULL: the Session protocol
    chain          INTEGER NOT NULL,
    chain_index    INTEGER NOT NULL,
    frame_hash     BLOB UNIQUE CHECK (length(frame_hash) = 32), -- NULL: the Session protocol
    -- Network time, all of them.
    sealed_ms      INTEGER NOT NULL,
    last_stored_ms INTEGER,
    restore_ms     INTEGER,
    expires_ms     INTEGER NOT NULL,
    ttl_ms         INTEGER NOT NULL,
    restored       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sealed_place ON sealed (conversation, stream, seq);
CREATE INDEX sealed_chain ON sealed (session, chain) WHERE session IS NOT NULL;
CREATE INDEX sealed_restore ON sealed (restore_ms) WHERE restore_ms IS NOT NULL;
CREATE INDEX sealed_expiry ON sealed (expires_ms);

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

-- SHA-256 of every ratchet frame that was handled, and what came of it.
CREATE TABLE frames (
    hash         BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    message_id   BLOB CHECK (length(message_id) = 16),
    verdict      INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL -- network time
) STRICT, WITHOUT ROWID;
CREATE INDEX frames_expiry ON frames (expires_ms);

-- Frames that would skip too many keys: they wait for what lies before them.
CREATE TABLE parked (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    bytes        INTEGER NOT NULL,
    parked_ms    INTEGER NOT NULL,
    hash         BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    frame        BLOB    NOT NULL
) STRICT;
CREATE INDEX parked_of_conversation ON parked (conversation, id);
CREATE INDEX parked_bytes ON parked (bytes);
CREATE INDEX parked_age ON parked (parked_ms);

-- Hashes of frames the peer is to seal again.
CREATE TABLE nacks (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    UNIQUE (conversation, hash)
) STRICT;

CREATE TABLE cursors (
    node      BLOB    NOT NULL CHECK (length(node) = 32),
    namespace INTEGER NOT NULL,
    hash      TEXT    NOT NULL,
    PRIMARY KEY (node, namespace)
) STRICT, WITHOUT ROWID;

CREATE TABLE inbound_streams (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    stream       INTEGER NOT NULL,
    -- What is shown next.
    next_seq     INTEGER NOT NULL,
    -- Committed without a gap up to here, shown or not; NULL before anything was noted.
    through      INTEGER,
    PRIMARY KEY (conversation, stream)
) STRICT, WITHOUT ROWID;

-- Committed above `through`.
CREATE TABLE inbound_received (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    stream       INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    message_id   BLOB    NOT NULL CHECK (length(message_id) = 16),
    PRIMARY KEY (conversation, stream, seq)
) STRICT, WITHOUT ROWID;

-- Places of a stream whose message came before, at another place: not gaps.
CREATE TABLE inbound_filled (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    stream       INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    PRIMARY KEY (conversation, stream, seq)
) STRICT, WITHOUT ROWID;

-- What could not be read: for diagnosis, and for another try by a version that knows more.
CREATE TABLE quarantine (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER REFERENCES conversations (id),
    bytes        INTEGER NOT NULL,
    hash         TEXT    NOT NULL,
    reason       INTEGER NOT NULL,
    received_ms  INTEGER NOT NULL,
    data         TEXT    NOT NULL
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
-- kind 12: the list of requests changed.
CREATE UNIQUE INDEX events_digest ON events (kind) WHERE kind = 12;

-- Messages of ours that left in the Session protocol: a contact who gets a ratchet is told of them.
CREATE TABLE unprotected (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    message_id   BLOB    NOT NULL CHECK (length(message_id) = 16),
    sent_ms      INTEGER NOT NULL, -- network time
    PRIMARY KEY (conversation, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unprotected_newest ON unprotected (conversation, sent_ms);

-- Messages of the Session protocol that a contact who has a ratchet still vouches for.
CREATE TABLE vouched (
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    message_id   BLOB    NOT NULL CHECK (length(message_id) = 16),
    expires_ms   INTEGER NOT NULL,
    PRIMARY KEY (conversation, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX vouched_expiry ON vouched (expires_ms);

-- Invite codes that we gave away.
CREATE TABLE invites (
    code       BLOB    PRIMARY KEY CHECK (length(code) = 16),
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Invite codes that requests of ours carry.
CREATE TABLE request_invites (
    message_id BLOB PRIMARY KEY CHECK (length(message_id) = 16),
    code       BLOB NOT NULL CHECK (length(code) = 16)
) STRICT, WITHOUT ROWID;
