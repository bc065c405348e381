//! Content to protobuf and back.

use prost::Message as _;

use super::limits::{self, cut_name};
use super::{Ack, Content, ContentError, FriendRequest, Placement};
use crate::bundle::Bundle;
use crate::padding::longest_content;
use crate::proto;

/// The padded length of friend requests and re-keys: more than any of them needs.
const FILLED_BYTES: usize = 2_879;

impl Content {
    /// The protobuf of this content, filled if it is a friend request or a re-key.
    pub(super) fn to_proto(&self) -> proto::Content {
        let mut content = proto::Content {
            data_message: self.data_message(),
            sig_timestamp: Some(self.sent_ms),
            starling: self.placement.map(proto::StarlingInfo::from),
            bundle: self.bundle.as_ref().map(proto::Bundle::from),
            friend_request: self.request.map(proto::FriendRequest::from),
            ack: self.ack.as_ref().map(proto::Ack::from),
            nack: packed(&self.nacks).map(|frames| proto::Nack { frames: Some(frames) }),
            unprotected: packed(&self.unprotected).map(|ids| proto::Unprotected { ids: Some(ids) }),
            rekey: self.rekey.then_some(proto::Rekey {}),
            filler: None,
        };
        if self.request.is_some() || self.rekey {
            fill(&mut content);
        }
        content
    }

    fn data_message(&self) -> Option<proto::DataMessage> {
        if self.body.is_none() && self.name.is_none() {
            return None;
        }
        Some(proto::DataMessage {
            body: self.body.clone(),
            timestamp: Some(self.sent_ms),
            profile: self.name.clone().map(|name| proto::Profile { display_name: Some(name) }),
            sync_target: None,
        })
    }

    pub(super) fn from_proto(content: proto::Content) -> Result<Self, ContentError> {
        let message = content.data_message.unwrap_or_default();
        let name = message.profile.and_then(|profile| profile.display_name).map(cut_name);
        let nacks = content.nack.and_then(|nack| nack.frames).unwrap_or_default();
        let unprotected = content.unprotected.and_then(|list| list.ids).unwrap_or_default();
        let content = Self {
            body: message.body.filter(|body| !body.is_empty()),
            sent_ms: content.sig_timestamp.or(message.timestamp).ok_or(ContentError::NoTime)?,
            placement: content.starling.map(Placement::try_from).transpose()?,
            request: content.friend_request.map(FriendRequest::try_from).transpose()?,
            name: name.filter(|name| !name.is_empty()),
            bundle: content.bundle.map(Bundle::try_from).transpose()?,
            rekey: content.rekey.is_some(),
            ack: content.ack.map(Ack::try_from).transpose()?,
            nacks: unpacked(&nacks).ok_or(ContentError::BadNacks)?,
            unprotected: unpacked(&unprotected).ok_or(ContentError::BadUnprotected)?,
        };
        limits::check(&content)?;
        Ok(content)
    }
}

/// Whether nothing of this is kept: a notice of a Session client, or a text without text.
pub(super) fn is_nothing(content: &proto::Content) -> bool {
    let body = content.data_message.as_ref().and_then(|message| message.body.as_deref());
    let said = [
        !body.unwrap_or_default().is_empty(),
        content.starling.is_some(),
        content.bundle.is_some(),
        content.friend_request.is_some(),
        content.ack.is_some(),
        content.nack.is_some(),
        content.unprotected.is_some(),
        content.rekey.is_some(),
    ];
    !said.contains(&true)
}

/// Adds the filler that brings the padded length to [`FILLED_BYTES`].
fn fill(content: &mut proto::Content) {
    // The filler's tag takes two bytes, and so does its length: the limits leave it more than 127 bytes.
    let around = content.encoded_len() + 2 + 2;
    content.filler = longest_content(FILLED_BYTES).checked_sub(around).map(|length| vec![0; length]);
}

/// Ids or hashes one after the other; none at all is no field.
fn packed<const N: usize>(list: &[[u8; N]]) -> Option<Vec<u8>> {
    (!list.is_empty()).then(|| list.concat())
}

/// `None` if the last one is torn.
fn unpacked<const N: usize>(bytes: &[u8]) -> Option<Vec<[u8; N]>> {
    let (list, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| list.to_vec())
}

impl From<Placement> for proto::StarlingInfo {
    fn from(placement: Placement) -> Self {
        Self {
            message_id: Some(placement.message_id.to_vec()),
            stream: Some(placement.stream),
            seq: Some(placement.seq),
            clock: Some(placement.clock),
            base: Some(placement.base),
        }
    }
}

impl TryFrom<proto::StarlingInfo> for Placement {
    type Error = ContentError;

    fn try_from(info: proto::StarlingInfo) -> Result<Self, ContentError> {
        let number = |field: Option<u64>| field.ok_or(ContentError::BadPlacement);
        let message_id = info.message_id.unwrap_or_default().try_into();
        let placement = Self {
            message_id: message_id.map_err(|_| ContentError::BadPlacement)?,
            stream: number(info.stream)?,
            seq: number(info.seq)?,
            clock: number(info.clock)?,
            base: number(info.base)?,
        };
        if placement.is_in_order() { Ok(placement) } else { Err(ContentError::BadPlacement) }
    }
}

impl Placement {
    /// Positions count from one, and a message cannot follow what is not yet written.
    pub(crate) fn is_in_order(&self) -> bool {
        (1..=self.seq).contains(&self.base)
    }
}

impl From<FriendRequest> for proto::FriendRequest {
    fn from(request: FriendRequest) -> Self {
        Self {
            request_id: Some(request.request_id.to_vec()),
            created: Some(request.created_s),
            expiry: Some(request.expiry_s),
            ed25519: Some(request.ed25519.to_vec()),
            invite: request.invite.map(|code| code.to_vec()),
        }
    }
}

impl TryFrom<proto::FriendRequest> for FriendRequest {
    type Error = ContentError;

    fn try_from(request: proto::FriendRequest) -> Result<Self, ContentError> {
        let read = || {
            Some(Self {
                request_id: request.request_id?.try_into().ok()?,
                created_s: request.created?,
                expiry_s: request.expiry?,
                ed25519: request.ed25519?.try_into().ok()?,
                invite: request.invite.map(<[u8; 16]>::try_from).transpose().ok()?,
            })
        };
        read().ok_or(ContentError::BadRequest)
    }
}

impl From<&Ack> for proto::Ack {
    fn from(ack: &Ack) -> Self {
        Self {
            stream: Some(ack.stream),
            through: Some(ack.through),
            above: packed(&ack.above),
            read_through: ack.read_through,
        }
    }
}

impl TryFrom<proto::Ack> for Ack {
    type Error = ContentError;

    fn try_from(ack: proto::Ack) -> Result<Self, ContentError> {
        Ok(Self {
            stream: ack.stream.ok_or(ContentError::BadAck)?,
            through: ack.through.ok_or(ContentError::BadAck)?,
            above: unpacked(&ack.above.unwrap_or_default()).ok_or(ContentError::BadAck)?,
            read_through: ack.read_through,
        })
    }
}
