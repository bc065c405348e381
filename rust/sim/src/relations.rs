//! Who agreed to hear whom, as the users said it, and that nothing comes without that.
//!
//! Looked at right after each step, against the users' own words and not against the engine's relation:
//!
//! | the user | prompt of the peer | other events of the peer |
//! |---|---|---|
//! | said nothing, declined or withdrew | one, and after declining one for each time that the peer asks | none |
//! | said nothing since the store was restored | one; after declining, another whenever the peer writes as a friend | none |
//! | asked | none: crossing requests need none | from the friendship on |
//! | accepted, or is a friend | none | all |
//! | asked or accepted, and it lapsed | as if nothing was said | a late answer makes a friend |
//! | blocked | none | none |
//!
//! A message says "delivered" only if a store of its recipient has, or had, its row; and bundles that answer
//! frames which cannot be opened leave at most once per peer and hour.

use std::collections::{BTreeMap, BTreeSet};

use starling_core::{Answer, CommandError, CommandId, Effect, friends};
use starling_protocol::content::MAX_INTRODUCTION_BYTES;
use starling_store::{Direction, Event, MessageState, StoreError, View};

use crate::checker::MessageId;
use crate::clock::HOUR_MS;
use crate::host::Asked;
use crate::world::{Peers, World};

/// Events of one device that are looked at after one step.
const BATCH: usize = 1_000;
/// Codes under which the store keeps how a bundle travels.
const REKEY: i64 = 1;
const RENEWAL: i64 = 2;
/// The hour between re-keys is measured on clocks that may be corrected meanwhile.
const CLOCK_ERROR_MS: u64 = 60_000;

/// What a user has said about a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Consent {
    #[default]
    None,
    Asked,
    Given,
    Lapsed,
}

/// What one device's user and another account are to each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    pub(crate) consent: Consent,
    pub(crate) blocked: bool,
    /// A request of the peer was shown and not yet decided.
    prompted: bool,
    /// How often the peer's user asked, accepted or wrote, and how many prompts that caused.
    asks: u32,
    prompts: u32,
    /// Messages accepted by the peer's engine up to here need not arrive: they were declined or blocked.
    pub(crate) deaf_until: Option<u64>,
    rekeyed: Option<u64>,
    /// The store is a restored one, so the peer may go on writing as a friend.
    restored: bool,
    offers: BTreeSet<i64>,
}

/// What has come of friendships so far, added up for the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dealings {
    pub(crate) requests: u64,
    pub(crate) accepts: u64,
    pub(crate) rekeys: u64,
    pub(crate) renewals: u64,
}

/// All standings, and how far each device's events were looked at.
#[derive(Default)]
pub(crate) struct Relations {
    pub(crate) of: BTreeMap<(usize, usize), Standing>,
    looked: BTreeMap<usize, i64>,
    pub(crate) dealings: Dealings,
}

/// A command and the answer to it in the same step.
pub(crate) type Commanded<'a> = (&'a Asked, &'a Result<Answer, CommandError>);

impl Relations {
    /// Two who have agreed before the world began.
    pub(crate) fn befriend(&mut self, one: usize, other: usize) {
        self.of.entry((one, other)).or_default().consent = Consent::Given;
    }

    /// A restored store knows of nothing that was said.
    pub(crate) fn forget(&mut self, index: usize) {
        self.looked.remove(&index);
        for ((of, _), standing) in &mut self.of {
            if *of == index {
                let deaf_until = standing.deaf_until;
                *standing = Standing { deaf_until, restored: true, ..Standing::default() };
            }
        }
    }

    pub(crate) fn standing(&self, index: usize, peer: usize) -> Standing {
        self.of.get(&(index, peer)).cloned().unwrap_or_default()
    }

    /// The user's word, once the engine has taken it.
    fn said(&mut self, at: u64, index: usize, asked: &Asked) {
        match asked {
            Asked::Send { to, .. } | Asked::Request { to, .. } => {
                self.of.entry((*to, index)).or_default().asks += 1;
                self.reach_out(index, *to);
            }
            Asked::Decide { peer, decision: friends::Command::Request | friends::Command::Accept } => {
                // An acceptance of what was taken back asks anew.
                self.of.entry((*peer, index)).or_default().asks += 1;
                self.reach_out(index, *peer);
            }
            Asked::Decide { peer, decision } => self.decided(at, index, *peer, *decision),
            _ => {}
        }
    }

    fn reach_out(&mut self, index: usize, peer: usize) {
        let standing = self.of.entry((index, peer)).or_default();
        match standing.consent {
            _ if standing.prompted => {
                (standing.consent, standing.prompted) = (Consent::Given, false);
                self.dealings.accepts += 1;
            }
            Consent::None | Consent::Lapsed => {
                standing.consent = Consent::Asked;
                self.dealings.requests += 1;
            }
            Consent::Asked | Consent::Given => {}
        }
    }

    fn decided(&mut self, at: u64, index: usize, peer: usize, decision: friends::Command) {
        let standing = self.of.entry((index, peer)).or_default();
        match decision {
            // Said before.
            friends::Command::Request | friends::Command::Accept => {}
            friends::Command::Decline => {
                (standing.consent, standing.prompted) = (Consent::None, false);
                standing.deaf_until = Some(at);
            }
            friends::Command::Withdraw => standing.consent = Consent::None,
            friends::Command::Block => {
                standing.blocked = true;
                standing.prompted = false;
                if standing.consent == Consent::Asked {
                    standing.consent = Consent::Lapsed;
                }
            }
            friends::Command::Unblock => {
                if standing.blocked {
                    standing.deaf_until = Some(at);
                }
                standing.blocked = false;
            }
        }
    }

    /// What is wrong with an event of a peer, if anything is.
    fn heard(&mut self, at: u64, index: usize, peer: usize, event: &Event) -> Option<&'static str> {
        let standing = self.of.entry((index, peer)).or_default();
        let consent = standing.consent;
        if standing.blocked {
            return Some("is told of a blocked account");
        }
        match event {
            Event::RequestReceived { .. } => {
                let again = standing.prompted;
                standing.prompted = true;
                standing.prompts += 1;
                match consent {
                    Consent::Asked | Consent::Given => Some("is asked about somebody it has agreed to"),
                    _ if again => Some("is asked twice"),
                    _ if standing.prompts > standing.asks && !standing.restored => {
                        Some("is asked more often than somebody asked")
                    }
                    _ => None,
                }
            }
            Event::RequestReplaced { .. } => {
                (!standing.prompted).then_some("is told that a request was replaced that it never saw")
            }
            Event::RequestExpired { .. } => {
                standing.prompted = false;
                standing.deaf_until = Some(at);
                if consent != Consent::None {
                    standing.consent = Consent::Lapsed;
                }
                None
            }
            Event::FriendAdded { .. } => {
                (standing.consent, standing.prompted) = (Consent::Given, false);
                (consent == Consent::None).then_some("has a friend to whom it never agreed")
            }
            _ => (consent == Consent::None).then_some("is told something before it agreed"),
        }
    }
}

impl World {
    /// Looks at what one step said and did. `opened`: it may have had frames in it.
    pub(crate) fn witness_step(
        &mut self,
        index: usize,
        asked: Option<(CommandId, Asked)>,
        effects: &[Effect],
        opened: bool,
    ) {
        let answered = effects.iter().find_map(|effect| match (effect, &asked) {
            (Effect::Answer { id, result }, Some((command, asked))) if id == command => Some((asked, result)),
            _ => None,
        });
        if let Some(commanded) = answered {
            self.witness_answer(index, commanded);
        }
        if asked.is_some() || effects.iter().any(|effect| matches!(effect, Effect::EventsReady)) {
            self.witness_events(index);
        }
        if opened {
            self.witness_offers(index);
        }
    }

    fn witness_answer(&mut self, index: usize, (asked, result): Commanded<'_>) {
        if result.is_ok() {
            return self.relations.said(self.now, index, asked);
        }
        let Asked::Send { to, body } = asked else { return };
        let Standing { consent, blocked, .. } = self.relations.standing(index, *to);
        let right = match result {
            Err(CommandError::NeedsFriendRequest { .. }) => {
                body.len() > MAX_INTRODUCTION_BYTES && matches!(consent, Consent::None | Consent::Lapsed)
            }
            Err(CommandError::Blocked) => blocked,
            _ => true,
        };
        if !right {
            let bytes = body.len();
            let what = format!("device {index}: {bytes} bytes to {to}, {consent:?}, are refused: {result:?}");
            self.violation(what);
        }
    }

    fn witness_events(&mut self, index: usize) {
        let peers = self.peers();
        let looked = self.relations.looked.get(&index).copied().unwrap_or(0);
        let Some(device) = self.devices.get(index) else { return };
        let read = device.store.read(|view| new_events(view, looked, &peers));
        let (last, heard, delivered) = match read {
            Ok(read) => read,
            Err(error) => return self.violation(format!("device {index} cannot read its events: {error}")),
        };
        self.relations.looked.insert(index, last);
        for (peer, event) in heard {
            if let Some(wrong) = self.relations.heard(self.now, index, peer, &event) {
                self.violation(format!("device {index} {wrong}: device {peer}, {event:?}"));
            }
        }
        for (peer, id) in delivered {
            if self.relations.standing(index, peer).blocked {
                self.violation(format!("device {index} hears an acknowledgement of a blocked account"));
            }
            // A declined introduction had a row; a friend of later acknowledges what came before.
            let declined = self.relations.standing(peer, index).deaf_until.is_some();
            if !declined && !self.has_row(peer, index, &id) {
                let what = format!(
                    "device {index}: a message says it was delivered, device {peer} never had its row"
                );
                self.violation(what);
            }
        }
    }

    /// Whether a store of the recipient has a message, or had it.
    fn has_row(&self, recipient: usize, sender: usize, id: &MessageId) -> bool {
        let (Some(device), Some(account)) =
            (self.devices.get(recipient), self.devices.get(sender).map(|device| device.account))
        else {
            return false;
        };
        let row = device.store.read(|view| view.message_by_id(&account, Direction::Incoming, id));
        row.is_ok_and(|row| row.is_some())
            || self.buried.kept.iter().any(|kept| kept.at_device == recipient && kept.id == *id)
    }

    /// Counts the bundles that a device has just made, and measures the time between re-keys.
    fn witness_offers(&mut self, index: usize) {
        let now = self.now;
        let accounts: Vec<_> = self.devices.iter().map(|device| device.account).collect();
        let mut early = Vec::new();
        for (peer, account) in accounts.iter().enumerate().filter(|(peer, _)| *peer != index) {
            let Some(device) = self.devices.get(index) else { return };
            let open = device.store.read(|view| {
                let Some(contact) = view.contact_with(account)? else { return Ok(Vec::new()) };
                view.prekeys(contact.conversation)
            });
            let standing = self.relations.of.entry((index, peer)).or_default();
            for (_, prekey) in open.unwrap_or_default() {
                if !standing.offers.insert(prekey.epoch) {
                    continue;
                }
                self.relations.dealings.renewals += u64::from(prekey.carrier == RENEWAL);
                if prekey.carrier == REKEY {
                    self.relations.dealings.rekeys += 1;
                    let last = standing.rekeyed.replace(now);
                    early.extend(last.filter(|last| now - last + CLOCK_ERROR_MS < HOUR_MS).map(|_| peer));
                }
            }
        }
        for peer in early {
            self.violation(format!("device {index} sends device {peer} a second re-key within an hour"));
        }
    }
}

/// Events about peers, and messages to them that now say "delivered".
type News = (i64, Vec<(usize, Event)>, Vec<(usize, MessageId)>);

fn new_events(view: &View<'_>, looked: i64, peers: &Peers) -> Result<News, StoreError> {
    let (mut last, mut heard, mut delivered) = (looked, Vec::new(), Vec::new());
    for (seq, event) in view.events(BATCH)?.into_iter().filter(|(seq, _)| seq.0 > looked) {
        last = last.max(seq.0);
        let conversation = match &event {
            Event::MessageReceived { conversation, .. }
            | Event::MessageInserted { conversation, .. }
            | Event::Gap { conversation, .. }
            | Event::RequestReceived { conversation }
            | Event::RequestReplaced { conversation }
            | Event::RequestExpired { conversation }
            | Event::FriendAdded { conversation }
            | Event::SessionRenewed { conversation }
            | Event::SecurityUpgraded { conversation } => *conversation,
            Event::MessageStateChanged { message, .. } => {
                let row = view.message(*message)?.filter(|row| row.state == MessageState::Delivered);
                let peer = row.as_ref().and_then(|row| peers.get(&row.peer));
                delivered.extend(peer.copied().zip(row.map(|row| row.message_id)));
                continue;
            }
            Event::Resync | Event::RequestsDigest => continue,
        };
        let peer = view.conversation(conversation)?.and_then(|known| peers.get(&known.peer).copied());
        heard.extend(peer.map(|peer| (peer, event)));
    }
    Ok((last, heard, delivered))
}

#[cfg(test)]
mod tests;
