//! The rules of extensions sections 3 to 5 and 7, end to end through two real cores ([`bench`]), or by
//! parts where the parts are tested: `frame`, `content`, `bundle`, `accept`, `hybrid`, `plaintext`,
//! `account` of `protocol`; `olm` of `ratchet`; `friends` is the exploration of the table.
//!
//! # Section 3: envelope, content, frames
//!
//! | rule | test |
//! |---|---|
//! | every length is a class; requests and re-keys have 4,092 characters | `acks::every_stored_message_has_the_length_of_a_class`, `content::the_data_of_a_friend_request_has_4092_characters`, `content::a_rekey_looks_like_a_friend_request`, `frame::data_has_the_exact_length_of_its_class` |
//! | the largest text fits, as a prekey frame too | `acks::the_largest_text_fits_a_prekey_frame`, `acks::a_largest_text_leaves_the_acknowledgement_to_the_next_message` |
//! | requests in the Session protocol, accepts in frames | `requests::a_request_is_of_the_session_protocol_and_an_accept_is_a_frame` |
//! | **spoofed sender**: the tag comes first, nothing follows | `attacks::a_spoofed_sender_leaves_no_trace`, `frame::a_spoofed_sender_is_refused`, `attacks::a_frame_sent_back_to_its_sender_does_nothing` |
//! | a valid tag of a stranger is at most an empty request | `attacks::a_bundle_made_for_one_peer_is_answered_by_no_other` |
//! | other version, suite, kind | `frame::unknown_versions_are_told_only_under_a_valid_tag`, `bundle::other_suites_and_torn_fields_are_told_apart` |
//! | sender, recipient, epoch of the plaintext match | `false_friends::bad_frames_leave_the_session_as_it_was`, `plaintext::sender_recipient_and_epoch_must_match` |
//! | message id and sender together are a message's name | `floors::the_same_message_id_of_two_senders_is_two_messages` |
//! | seal once | `acks::every_attempt_and_round_sends_the_same_bytes` |
//! | **replayed frame**: known by its hash, acknowledged at once, then hourly | `attacks::a_replayed_frame_never_reaches_a_session_and_is_acknowledged_hourly`, `attacks::a_replayed_frame_is_acknowledged_again_when_the_acknowledgement_was_lost`, `attacks::an_hour_of_copies_costs_one_acknowledgement`, `attacks::marks_of_frames_survive_a_restart` |
//! | only first sight causes a nack or a re-key | `false_friends::a_friend_causes_at_most_one_rekey_an_hour` |
//!
//! # Section 4: sessions
//!
//! | rule | test |
//! |---|---|
//! | Olm version 2 only (**downgrade**) | `olm::versions` |
//! | **unknown key share**: a bundle is its owner's, for its recipient | `attacks::a_bundle_for_somebody_else_is_of_no_use_to_whoever_passes_it_on`, `attacks::a_bundle_made_for_one_peer_is_answered_by_no_other`, `false_friends::a_bundle_inside_the_ratchet_must_be_the_friends_own_for_us`, `bundle::a_bundle_is_good_for_its_recipient_alone`, `hybrid::keys_are_bound_to_the_whole_handshake` |
//! | the accept is signed for bundle and session | `attacks::an_accept_must_be_signed_for_this_bundle_and_session`, `accept::an_accept_is_for_one_bundle_and_one_session` |
//! | **re-used one-time key**; it goes with the seed in the commit of the session | `attacks::a_used_one_time_key_makes_no_second_session`, `attacks::the_one_time_key_and_the_seed_go_in_the_commit_that_creates_the_session` |
//! | every prekey frame makes the session; later ones go to it | `requests::a_later_prekey_frame_makes_the_session_when_the_first_is_lost`, `olm::later_prekey_messages_of_a_known_session_go_to_that_session` |
//! | decrypt on a copy | `false_friends::bad_frames_leave_the_session_as_it_was`, `attacks::a_frame_under_another_pairs_session_id_changes_nothing`, `olm::a_failed_decrypt_leaves_the_session_as_it_was` |
//! | **reordered 1,000 messages** | `order::a_thousand_messages_reordered_in_one_batch_are_shown_in_order`, `order::a_thousand_messages_reordered_over_two_routes_are_all_shown_once` |
//! | parking | `order::a_frame_that_skips_more_than_32_keys_is_parked_and_one_that_skips_32_is_not`, `order::holes_count_as_skipped_keys`, `order::a_parked_frame_is_opened_when_sixty_seconds_have_passed`, `order::a_parked_frame_is_opened_when_another_replica_was_read`, `order::a_parked_frame_comes_after_what_it_waited_for`, `order::parked_frames_survive_a_restart`, `order::a_copy_of_a_parked_frame_is_shown_once` |
//! | **five-chain eviction** | `order::a_message_is_sealed_again_before_a_fourth_newer_chain_begins`, `order::ping_pong_with_losses_loses_nothing_for_ever`, `olm::a_sixth_chain_evicts_the_first_which_then_reads_as_a_bad_mac` |
//! | pause at 1,000 | `order::a_sender_pauses_at_a_thousand_unacknowledged_messages_on_a_chain` |
//! | nack: same id and place, every ten minutes, not for what was acknowledged | `order::a_dropped_key_is_nacked_and_its_message_sealed_again_after_ten_minutes`, `order::a_nack_seals_again_at_most_every_ten_minutes`, `order::a_nack_for_an_acknowledged_message_is_ignored`, `healing::a_frame_on_an_erased_session_is_nacked_and_sealed_again` |
//! | renewal | `healing::a_session_is_renewed_after_seven_days_inside_the_ratchet`, `healing::a_session_is_renewed_after_two_thousand_messages`, `healing::renewals_of_both_sides_cross_and_end_in_one_session` |
//! | old sessions: four, receiving, fifteen days | `healing::a_replaced_session_still_receives_and_is_erased_after_fifteen_days_with_its_keys`, `healing::at_most_four_old_sessions_are_kept` |
//! | re-key | `healing::lost_sessions_are_healed_by_a_rekey_without_a_prompt`, `healing::a_rekey_seals_everything_unacknowledged_again_at_once`, `healing::a_rekey_deletes_no_session`, `healing::a_rekey_is_answered_by_an_empty_message_until_acknowledged`, `healing::a_bundle_in_a_rekey_is_signed_by_the_friend`, `healing::a_request_from_a_friend_is_a_rekey_without_a_prompt` |
//! | pair epoch: **replayed bundle**, far future | `attacks::a_replayed_request_does_nothing_after_a_newer_epoch`, `attacks::a_replayed_request_does_not_come_back_after_it_was_declined`, `attacks::a_replayed_rekey_does_nothing_after_a_newer_epoch`, `false_friends::a_bundle_from_the_far_future_does_not_count` |
//! | rank: **crossings with any subset of messages lost** | `crossing::*`, `healing::the_sending_session_never_moves_down_in_rank` |
//! | floor (**downgrade**) | `floors::session_protocol_content_of_a_contact_with_a_ratchet_is_held_unprotected`, `floors::a_contact_with_a_ratchet_is_sent_no_session_protocol_content`, `floors::a_message_without_a_bundle_cannot_lower_the_floor`, `floors::a_message_of_the_session_protocol_is_merged_if_a_frame_vouches_for_it`, `floors::session_protocol_messages_under_way_when_the_floor_rises_are_still_merged` |
//! | upgrade | `floors::a_basic_contact_is_offered_a_bundle_with_the_next_message_and_anew_every_fortnight`, `floors::a_basic_contact_upgrades_by_itself_and_never_goes_back`, `floors::only_a_side_that_accepted_uses_an_upgrade` |
//! | quarantine | `false_friends::the_quarantine_is_bounded_whatever_a_friend_sends` |
//!
//! # Sections 5 and 7: requests, delivery
//!
//! | rule | test |
//! |---|---|
//! | a request, its limits, its one expiry | `requests::a_request_carries_its_bundle_and_one_expiry_for_both_sides`, `requests::a_long_text_to_a_stranger_needs_a_request`, `requests::an_expired_request_cannot_be_accepted`, `attacks::a_request_must_agree_with_its_bundle`, `requests::a_repeated_request_replaces_the_older_one_only_upwards` |
//! | text behind a request | `requests::text_queued_behind_a_request_waits_for_a_session`, `requests::text_queued_behind_a_request_is_shown_after_the_accept`, `requests::queued_text_expires_with_the_request` |
//! | accept: durable, honoured late, ends | `acks::an_accept_is_durable_and_repeated_until_acknowledged`, `requests::a_late_accept_sent_in_time_is_honoured_for_fifteen_days`, `requests::an_accept_after_the_expiry_makes_no_friend`, `requests::an_accept_that_nobody_answers_ends_fourteen_days_after_the_expiry` |
//! | withdraw, decline | `requests::withdrawing_erases_the_prekeys_and_fails_what_waits`, `requests::declining_tells_the_other_side_nothing` |
//! | a forgotten friend is an empty request | `requests::a_frame_of_a_forgotten_friend_is_an_empty_request_and_heals` |
//! | known contacts only; a Session client's text | `requests::requests_of_strangers_are_dropped_unseen_if_only_known_contacts_may_write`, `floors::a_message_of_a_session_client_is_a_request_with_its_text` |
//! | block | `blocking::*` |
//! | delivered, after the commit | `acks::delivered_is_never_said_before_the_recipients_commit`, `false_friends::an_ack_for_what_was_never_sent_changes_nothing` |
//! | acks: not acknowledged, with an answer, in one message | `acks::an_acknowledgement_is_not_acknowledged_and_lives_four_days`, `acks::an_answer_within_two_seconds_carries_the_acknowledgement`, `acks::acknowledgements_of_a_batch_are_one_message`, `acks::an_acknowledgement_names_the_contiguous_place_and_what_lies_above` |
//! | a second life at 80 %, then the end | `acks::what_nobody_acknowledged_is_stored_again_once_at_four_fifths_of_its_life`, `acks::what_nobody_acknowledged_expires_in_the_end` |

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod acks;
mod attacks;
mod bench;
mod blocking;
mod crossing;
mod end;
mod false_friends;
mod floors;
mod healing;
mod hostile;
mod nodes;
mod order;
mod requests;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use starling_protocol::accept::{AcceptProof, Acceptance};
use starling_protocol::bundle::Bundle;
use starling_protocol::content::{Content, Placement};
use starling_protocol::frame::{self, Sending};
use starling_protocol::hybrid::Handshake;
use starling_protocol::plaintext::Plaintext;
use starling_protocol::{AccountKeys, Seed};
use starling_ratchet::Session as Ratchet;

/// Keys of an account that takes part in nothing.
fn stranger(number: u64) -> AccountKeys {
    AccountKeys::from_seed(&Seed::generate(&mut ChaCha20Rng::seed_from_u64(1_000 + number)))
}

/// A first frame of a session made from a bundle, by whoever has `keys`; honestly signed, unless there is
/// another proof.
fn answered(keys: &AccountKeys, bundle: &Bundle, sent_ms: u64, proof: Option<AcceptProof>) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(sent_ms);
    let mut ratchet = Ratchet::initiate(&bundle.offer.ratchet_identity, &bundle.offer.one_time_key).unwrap();
    let (session_id, acceptor, bundle_hash) = (ratchet.id(), keys.account_id(), bundle.hash());
    let handshake = Handshake { bundle_hash, session_id, acceptor };
    let (ciphertext, directions) = handshake.encapsulate(&bundle.offer.kem_key, &mut rng).unwrap();
    let ratchet_identity = ratchet.acceptor_identity();
    let honest = Acceptance { bundle_hash, acceptor, ratchet_identity, session_id }.sign(keys);
    let plaintext = Plaintext {
        sender: acceptor,
        recipient: bundle.owner,
        epoch: bundle.offer.epoch,
        placement: Placement { message_id: [3; 16], stream: 9, seq: 1, clock: 1, base: 1 },
        accept: Some(proof.unwrap_or(honest)),
        content: Content { sent_ms, ..Content::default() },
    };
    let olm = ratchet.encrypt(&plaintext.encode().unwrap()).unwrap();
    let sending = Sending {
        session_id,
        kem_ciphertext: Some(&ciphertext),
        olm: &olm.message,
        key: &directions.acceptor,
        timestamp_ms: sent_ms,
    };
    frame::seal(&sending, &keys.frame_key(&bundle.owner).unwrap(), &mut rng).unwrap().data
}
