//! Another look at what is in quarantine: by a newer engine, or because the user lowered a contact's
//! floor (extensions sections 3 and 4; research pain 14).

use starling_protocol::AccountKeys;
use starling_protocol::frame::Frame;
use starling_protocol::sealed::Opened;
use starling_store::{ConversationId, QuarantineRow, Setting, StoreError};

use super::Gaps;
use super::take::{Taking, UNPROTECTED};
use crate::config::Config;
use crate::contacts::Clock;
use crate::effect::Effect;
use crate::sessions::{self, Failure};
use crate::step::Step;
use crate::unseal::unseal;

/// Which messages this engine can read: raised with every version that reads more.
const READS: i64 = 1;
/// Rows looked at in one step; the store keeps no more.
const MOST: usize = 1_000;

/// After an upgrade, everything in quarantine gets one more chance.
pub(crate) fn after_upgrade(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    gaps: &mut Gaps,
    clock: Clock,
    config: &Config,
) -> Result<(), StoreError> {
    if step.tx.number(Setting::Reads)? == Some(READS) {
        return Ok(());
    }
    step.tx.set_number(Setting::Reads, READS)?;
    again(step, keys, gaps, clock, config, |_| true)
}

/// The messages that a contact with a ratchet sent without it are taken after all.
pub(crate) fn unprotected(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    gaps: &mut Gaps,
    clock: Clock,
    config: &Config,
    conversation: ConversationId,
) -> Result<(), StoreError> {
    let theirs = |row: &QuarantineRow| row.reason == UNPROTECTED && row.conversation == Some(conversation);
    again(step, keys, gaps, clock, config, theirs)
}

fn again(
    step: &mut Step<'_, '_>,
    keys: &AccountKeys,
    gaps: &mut Gaps,
    clock: Clock,
    config: &Config,
    chosen: impl Fn(&QuarantineRow) -> bool,
) -> Result<(), StoreError> {
    let mut committed = super::Committed::default();
    let ack_pause_ms = i64::try_from(config.ack_pause_ms).unwrap_or(i64::MAX);
    let mut taking = Taking { keys, clock, gaps, committed: &mut committed, ack_pause_ms };
    let mut frames = Vec::new();
    for row in step.tx.quarantined(None, MOST)?.into_iter().filter(chosen) {
        if Failure::was(row.reason) {
            let bytes = hex::decode(&row.data).unwrap_or_default();
            let Ok(frame) = Frame::read(bytes, |sender| keys.frame_key(sender)) else { continue };
            step.tx.leave_quarantine(row.id)?;
            frames.push(frame);
            continue;
        }
        match unseal(keys, &row.data) {
            Ok(Opened::Frame(frame)) => {
                step.tx.leave_quarantine(row.id)?;
                frames.push(frame);
            }
            Ok(Opened::Session(opened)) => {
                // What is refused again goes back into quarantine, or stays there.
                if taking.basic(step, opened, &row.data)?.is_ok() {
                    step.tx.leave_quarantine(row.id)?;
                }
            }
            Err(_) => {}
        }
    }
    for received in sessions::receive(step, keys, clock, Vec::new(), frames)? {
        taking.frame(step, received)?;
    }
    if committed.shown > 0 {
        step.effects.push(Effect::EventsReady);
    }
    Ok(())
}
