//! Our client against the living network: unmodified storage servers 2.8.0 over HTTPS, which ask for no
//! proof of work and know nothing of our extensions.
//!
//! The nodes are the devnet with [`Config::storage_server`]. That it answers exactly as those servers
//! do is tested beside it, in `rust/simnet/tests/storage_server`; here are engines that use it. The
//! tables say which test holds which line; `every_test_in_the_tables_exists` keeps them true.
//!
//! # Seen on running storage servers (network-protocol section 14)
//!
//! | line | tests |
//! |---|---|
//! | flags of forwarded members are 1, the entry node's own `true` | `only_the_answering_nodes_flags_are_booleans`, `loose_receipts_are_read` |
//! | `store` is 200 though every member failed, without top-level `hash` | `a_store_that_failed_everywhere_is_a_success_without_a_hash`, `members_that_failed_are_not_counted`, `a_swarm_that_fails_everywhere_has_stored_nothing` |
//! | `expiration`; `port` text, `port_https` (and `port_omq`, `port_quic`) number; `swarm` hex, `swarm_id` u64 | `numbers_have_the_networks_types_and_names`, `loose_swarms_are_read`, `useless_nodes_are_dropped` |
//! | no `hf`, `t` in `get_expiries` and around `batch` | `a_batch_is_a_success_of_codes_and_bodies_unless_one_part_is_malformed`, `clock_and_hard_fork_stand_where_nodes_write_them` |
//! | errors are text, 421 is JSON | `errors_are_text_and_a_wrong_swarm_is_json`, `the_destination_answers_through_the_onion` |
//! | `batch`: code and body each, 400 for all if one is malformed, at most 20 | `a_batch_is_a_success_of_codes_and_bodies_unless_one_part_is_malformed`, `bad_replies_are_typed_errors` |
//! | base64 padded or not, not URL-safe; ms within 60 s; integers | `signatures_are_checked_as_loosely_and_as_strictly`, `only_the_owner_reads_and_only_now` |
//! | `05` needs `pubkey_ed25519`; namespace 0 signs as nothing; unsigned 401 or 400; public stores unchecked | `signatures_are_checked_as_loosely_and_as_strictly` |
//! | `03` ids must not send `pubkey_ed25519` | does not apply: we have no groups; `bad_ids_are_told_apart` |
//! | members sign the ASCII hash | `receipts`, `every_member_keeps_and_signs`, `a_lying_hash_counts_for_nothing` |
//! | delete confirmations | `a_deleted_message_is_gone_everywhere` |
//! | 429 for direct requests, not for onions | `direct_requests_are_rationed_and_onion_requests_are_not`, `a_node_that_rations_direct_requests_still_answers_and_relays` |
//! | over 10 MiB: 413 | `http_is_bounded`, `refusals_of_a_node` |
//! | unknown `last_hash` returns everything, a wrong length is 400 | `an_unknown_last_hash_returns_everything`, `signatures_are_checked_as_loosely_and_as_strictly`, `copies_are_shown_once` |
//! | order is each node's own | `order_is_each_nodes_own`, `two_accounts_that_know_only_a_seed_talk` |
//! | 5 s with a dead member, then `failed` and `timeout` | `a_dead_member_costs_the_whole_wait`, `a_dead_member_delays_a_store_and_nothing_else` |
//! | a member back late lacks the message for good, one back soon gets it late | `a_member_that_is_back_late_lacks_the_message_for_good`, `a_member_that_is_back_soon_gets_the_message_late`, `a_member_that_withholds_and_one_that_lags_are_made_up_for` |
//! | no `enc_type` is aes-gcm; key and place of the nonce of xchacha20 | `nodes_answer`, `onion_layer`, `onion_full_path` |
//! | an x25519 key as destination: 502 | `path_errors_arrive_in_the_nodes_words`, `path_errors_have_the_networks_words` |
//! | one encryption of the answer, by the last hop | `every_relay_learns_the_next_node_and_the_answer_comes_back`, `nodes_answer` |
//! | path errors in plain text: 502, 503, 400, 504 | `path_errors_arrive_in_the_nodes_words`, `faults_on_the_way_have_the_networks_words` |
//! | a 504 does not say which hop is dead | `a_silent_path_is_probed_hop_by_hop_and_the_first_dead_hop_is_barred` |
//! | RSA-2048, v3, `CN=localhost`, serial 1, no SAN; TLS 1.2 and 1.3, no ALPN | `tls_is_1_2_or_1_3_without_alpn_and_the_certificate_names_nobody` |
//! | identity is not bound to TLS | `the_onion_alone_tells_who_answers` |
//! | HTTP/1.1 only; any address of 127/8 | `nodes_speak_http_1_1_at_addresses_of_their_own` |
//! | idle connections close after 8 to 12 s | `idle_connections_close_after_about_ten_seconds`, `http_is_bounded`, `connections_that_the_nodes_closed_are_opened_again` |
//! | pipelined requests are dropped without an answer | `pipelined_requests_are_dropped_without_an_answer`; we send none: `a_second_request_does_not_follow_the_first_into_its_connection` |
//! | chunked bodies and `Expect: 100-continue` work | `chunked_bodies_and_expect_continue_work` |
//!
//! # Traps (network-protocol section 12)
//!
//! | trap | tests |
//! |---|---|
//! | 1 to 4: work over seconds, big-endian nonce first, strict comparison, base64 text | no work on today's network: `two_accounts_that_know_only_a_seed_talk`, `nobody_asks_for_work`; else `pow_digest_and_target`, `pow_invalid_variants`, `pow_ttl_and_targets`, `starling_reads` |
//! | 5: 432 wants a new timestamp; dedupe by content | `nodes_that_ask_for_work_get_it`, `copies_are_shown_once` |
//! | 6, 34: the same bytes and time to every member, built once | `two_accounts_that_know_only_a_seed_talk`, `without_replication_exactly_three_members_hold_the_same_message` |
//! | 7, 8: HMAC keyed with "LOKI"; little-endian length of the ciphertext alone | `onion_layer`, `onion_outer_frame`, `nodes_answer` |
//! | 9: `headers` marks the last layer | `the_destination_is_known_by_the_key_headers_alone` |
//! | 10: route by ed25519, encrypt to the listed x25519 | `path_errors_arrive_in_the_nodes_words`, `nodes_answer` |
//! | 11: open the answer with the innermost key | `onion_full_path`, `every_relay_learns_the_next_node_and_the_answer_comes_back` |
//! | 12: two statuses, the inner body is JSON in a string | `the_destination_answers_through_the_onion`, `answers_are_read_bare_wrapped_and_unpadded` |
//! | 13, 14: wrap mod 2^64, skip swarm 2^64-1, no doubles | `swarm_space`, `nearest_swarm_current`, `accounts_map_to_the_nearest_swarm_and_unassigned_nodes_to_none`, `numbers_have_the_networks_types_and_names` |
//! | 15: drop 0.0.0.0 | `useless_nodes_are_dropped`, `loose_swarms_are_read` |
//! | 16: `last_hash` belongs to one node | `two_accounts_that_know_only_a_seed_talk`, `cursors_are_kept_for_each_node_and_namespace` |
//! | 17: page until there is no more | `pages_by_count_follow_each_other`; pages of ten are of the proof-of-work era |
//! | 18: long poll | does not apply: 410 today, and we never ask for it |
//! | 19: `expiration` and `expiry`, ports as text | `messages_without_their_form_are_left_out`, `loose_swarms_are_read` |
//! | 20: an `05` id cannot verify; what namespaces sign as | `signatures_are_checked_as_loosely_and_as_strictly`, `a_signature_covers_its_request_and_its_account` |
//! | 21: fallback cipher without MAC | does not apply: no friend requests of that era |
//! | 22: padding to 160k - 1 | `padded_lengths`, `stored` |
//! | 23: byte order of the phrase | `accounts` |
//! | 24 to 26: friend requests | do not apply: superseded, and not in this slice |
//! | 27 to 29, 31: pings, staggered timers, announcements | do not apply: the synchronous route is not in this slice |
//! | 28: what is sent twice is shown once | `copies_are_shown_once`, `a_kill_at_any_step_loses_doubles_and_reorders_nothing` |
//! | 30: only guards are asked directly | `a_silent_path_is_probed_hop_by_hop_and_the_first_dead_hop_is_barred` |
//! | 32: trust only what the cipher proves | `a_message_is_for_its_recipient_alone`, `a_message_sealed_anew_to_another_is_refused` |
//! | 33: the network's time, not the device's | `the_networks_time_counts_and_not_the_devices` |
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod asking;
mod person;
mod talking;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use starling_simnet::devnet::{Config, Devnet};

/// Short enough to wait for where something must time out.
const SOON: Duration = Duration::from_millis(200);

/// Two swarms of five storage servers.
async fn network() -> Devnet {
    Devnet::start(Config::storage_server()).await.unwrap()
}

/// Names of all functions in the sources below a directory.
fn functions(below: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "py") {
            let source = std::fs::read_to_string(&path).unwrap();
            let named = source.lines().filter_map(|line| {
                let line = line.trim().trim_start_matches("async ");
                let rest = line.strip_prefix("fn ").or_else(|| line.strip_prefix("def "))?;
                rest.split('(').next().map(str::to_owned)
            });
            found.extend(named);
        }
    }
}

#[test]
fn every_test_in_the_tables_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut known = BTreeSet::new();
    functions(&root.join("rust"), &mut known);
    functions(&root.join("tests"), &mut known);
    let rows = include_str!("main.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let tests = rows.filter_map(|row| row.rsplit(" | ").next());
    let named: BTreeSet<&str> = tests.flat_map(|tests| tests.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 60, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|name| !known.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
