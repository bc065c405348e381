"""What whoever gets a friend request checks, and what today's client sees of it."""

import ratchet
from account import id_of_ed25519, signature_holds
from formats import SessionContent

FORTNIGHT_S = 14 * 24 * 3_600


def bundle_holds(agree, bundle, owner_id, recipient_id):
    """Everything that whoever takes a bundle checks first."""
    key, signed = bundle.ownerEd25519, ratchet.signed_bundle(bundle)
    agree.equal("suite of the bundle", ratchet.SUITE, bundle.suite)
    agree.equal("parties of the bundle", [owner_id, recipient_id], [bundle.owner, bundle.recipient])
    agree.equal("owner of the bundle's key", owner_id, id_of_ed25519(key))
    agree.true("signature of the bundle", signature_holds(key, signed, bundle.signature))
    changed = signed[:-1] + bytes([signed[-1] ^ 1])
    agree.true("a changed bundle is refused", not signature_holds(key, changed, bundle.signature))
    agree.true("life of the bundle", 0 < bundle.expiry - bundle.created <= FORTNIGHT_S)
    agree.true("ML-KEM key of the bundle", ratchet.is_kem_key(bundle.kemKey))


def request_holds(agree, data, stored, recipient_id):
    """A request as it was stored: one length, and one word about itself in both its parts."""
    content = stored.content
    request, bundle = content.friendRequest, content.bundle
    agree.equal("characters of a request", 4_092, len(data))
    agree.equal("padded bytes of a request", 2_879, len(stored.padded))
    agree.true("the filler says nothing", not any(content.filler))
    agree.equal("key of the request", stored.sender_ed25519, request.ed25519)
    agree.equal(
        "what bundle and request agree on",
        [request.requestId, request.created, request.expiry, request.ed25519],
        [bundle.requestId, bundle.created, bundle.expiry, bundle.ownerEd25519],
    )
    agree.true("place of the request", 1 <= content.starling.base <= content.starling.seq)
    bundle_holds(agree, bundle, stored.sender_id, recipient_id)


def as_todays_client(agree, raw, introduction, name):
    """A message request with its text and name, without a field of ours; when it was sent."""
    content = SessionContent.FromString(raw)
    message = content.dataMessage
    agree.equal("introduction", introduction, message.body)
    agree.equal("display name", name, message.profile.displayName)
    agree.equal("times", content.sigTimestamp, message.timestamp)
    return content.sigTimestamp
