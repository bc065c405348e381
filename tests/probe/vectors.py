"""Opens every test vector of friend requests, sessions and ratchet frames, from the documentation alone.

Usage: vectors.py FILE
"""

import base64
import json
import sys
import traceback

from nacl import bindings

import ratchet
import session
from account import Account, id_of_ed25519, signature_holds
from comparison import Comparison
from formats import Bundle, Content, Envelope, WebSocketMessage
from friend_request import as_todays_client, bundle_holds, request_holds

# The names of a bundle's fields: in the protobuf, and in the file.
BUNDLE_BYTES = {
    "owner": "owner",
    "recipient": "recipient",
    "requestId": "request_id",
    "ratchetIdentity": "ratchet_identity",
    "oneTimeKey": "one_time_key",
    "kemKey": "kem_key",
    "ownerEd25519": "owner_ed25519",
    "signature": "signature",
}
BUNDLE_NUMBERS = ["suite", "epoch", "created", "expiry"]


class Vectors:
    def __init__(self, agree, file):
        self.agree = agree
        self.file = file
        seeds = {name: bytes.fromhex(case["seed"]) for name, case in file["accounts"].items()}
        self.accounts = {name: Account.from_seed(seed) for name, seed in seeds.items()}
        self.bundle = Bundle.FromString(bytes.fromhex(file["bundle"]["protobuf"]))

    def all(self):
        """One method for every section of the file; a section without one is a difference."""
        sections = [name for name in self.file if name != "about"]
        for name in sections:
            check = getattr(self, f"{name}_section", None)
            self.agree.true(f"section {name} is known", check is not None)
            check(self.file[name])

    def is_bytes(self, what, case, key, actual):
        self.agree.equal(what, actual, bytes.fromhex(case[key]))

    def hybrid_keys(self):
        """From the seed and the ciphertext to both keys, with nothing but the documentation."""
        case, kem = self.file["hybrid"], self.file["kem"]
        ciphertext = bytes.fromhex(kem["ciphertext"])
        _, secret = ratchet.shared_secret(bytes.fromhex(kem["seed"]), ciphertext)
        bundle_hash = ratchet.bundle_hash(self.bundle)
        session_id = bytes.fromhex(case["session_id"])
        salt = ratchet.transcript(bundle_hash, session_id, self.bundle.recipient, ciphertext)
        return salt, ratchet.direction_keys(salt, secret)

    def opened(self, case):
        """The inside of the sealed box of stored data."""
        data = base64.b64decode(case["data"], validate=True)
        message = WebSocketMessage.FromString(data)
        envelope = Envelope.FromString(message.request.body)
        wrapping = [message.type, message.request.verb, message.request.path, envelope.type, envelope.source]
        self.agree.equal("wrapping", [1, "PUT", "/api/v1/message", 6, ""], wrapping)
        to = self.accounts[case["to"]]
        return data, envelope, bindings.crypto_box_seal_open(envelope.content, to.x_public, to.x_secret)

    def accounts_section(self, section):
        for name, case in section.items():
            account = self.accounts[name]
            self.is_bytes(f"Ed25519 key of {name}", case, "ed25519", account.ed_public)
            self.is_bytes(f"X25519 secret of {name}", case, "x25519_secret", account.x_secret)
            self.is_bytes(f"id of {name}", case, "id", account.id)

    def bundle_section(self, case):
        self.bundle_fields(case, self.bundle)
        self.agree.equal("protobuf", self.bundle.SerializeToString(), bytes.fromhex(case["protobuf"]))
        signed = ratchet.signed_bundle(self.bundle)
        self.is_bytes("signed bytes of the bundle", case, "signed", signed)
        self.is_bytes("hash of the bundle", case, "hash", ratchet.bundle_hash(self.bundle))
        owner, recipient = self.accounts["alice"].id, self.accounts["bob"].id
        bundle_holds(self.agree, self.bundle, owner, recipient)

    def bundle_fields(self, case, bundle):
        for field, key in BUNDLE_BYTES.items():
            self.is_bytes(f"{key} of the bundle", case, key, getattr(bundle, field))
        for field in BUNDLE_NUMBERS:
            self.agree.equal(f"{field} of the bundle", getattr(bundle, field), case[field])

    def kem_section(self, case):
        seed, ciphertext = bytes.fromhex(case["seed"]), bytes.fromhex(case["ciphertext"])
        public, secret = ratchet.shared_secret(seed, ciphertext)
        self.is_bytes("ML-KEM key", case, "kem_key", public)
        self.is_bytes("ML-KEM secret", case, "shared_secret", secret)
        self.agree.equal("ML-KEM key of the bundle", public, self.bundle.kemKey)

    def hybrid_section(self, case):
        salt, (acceptor, owner) = self.hybrid_keys()
        self.agree.equal("acceptor", self.bundle.recipient, bytes.fromhex(case["acceptor"]))
        bundle_hash = ratchet.bundle_hash(self.bundle)
        self.is_bytes("hash of the bundle", case, "bundle_hash", bundle_hash)
        self.is_bytes("transcript", case, "transcript_hash", salt)
        self.is_bytes("key of the acceptor", case, "acceptor_key", acceptor)
        self.is_bytes("key of the owner", case, "owner_key", owner)

    def accept_section(self, case):
        bundle_hash = ratchet.bundle_hash(self.bundle)
        acceptor, key = bytes.fromhex(case["acceptor"]), bytes.fromhex(case["acceptor_ed25519"])
        self.is_bytes("hash of the bundle", case, "bundle_hash", bundle_hash)
        identity, session_id = (bytes.fromhex(case[name]) for name in ("ratchet_identity", "session_id"))
        signed = ratchet.signed_accept(bundle_hash, acceptor, identity, session_id)
        self.is_bytes("signed bytes of the accept", case, "signed", signed)
        self.agree.equal("owner of the accept's key", id_of_ed25519(key), acceptor)
        self.agree.true("signature of the accept", signature_holds(key, signed, bytes.fromhex(case["signature"])))

    def sender_tag_section(self, case):
        sender, recipient = self.accounts[case["from"]], self.accounts[case["to"]]
        self.is_bytes("shared secret", case, "shared_secret", ratchet.agreement(sender, recipient.id))
        self.is_bytes("info of the tag's key", case, "info", ratchet.tag_info(sender.id, recipient.id))
        key = ratchet.tag_key(recipient, sender.id)
        self.is_bytes("key of the tag", case, "key", key)
        tagged = bytes.fromhex(case["tagged"])
        self.is_bytes("tag", case, "tag", ratchet.tag(key, recipient.id, tagged))

    def plaintexts_section(self, section):
        for case in section:
            found = ratchet.read_plaintext(bytes.fromhex(case["plaintext"]), case["prekey"])
            sender = self.accounts[case["from"]]
            (recipient,) = (other for other in self.accounts.values() if other is not sender)
            self.agree.equal("parties", [sender.id, recipient.id], [found.sender, found.recipient])
            for name in ("epoch", "stream", "seq", "clock", "base"):
                self.agree.equal(f"{name} of the plaintext", getattr(found, name), case[name])
            for name in ("message_id", "content"):
                self.is_bytes(f"{name} of the plaintext", case, name, getattr(found, name))
            self.text(found.content)
            accept = self.file["accept"]
            signature = tuple(bytes.fromhex(accept[name]) for name in ("acceptor_ed25519", "signature"))
            self.agree.equal("accept", signature if case["prekey"] else None, found.accept)

    def text(self, raw):
        content = Content.FromString(raw)
        self.agree.equal("text", "Hello", content.dataMessage.body)
        self.agree.equal("time", content.dataMessage.timestamp, content.sigTimestamp)

    def frames_section(self, section):
        _, (acceptor, owner) = self.hybrid_keys()
        classes = set()
        for case in section:
            data, envelope, inner = self.opened(case)
            frame = ratchet.read_frame(inner, self.accounts[case["to"]])
            self.agree.equal("time of the envelope", case["timestamp_ms"], envelope.timestamp)
            self.agree.equal("sender", self.accounts[case["from"]].id, frame.sender)
            self.agree.equal("kind", "prekey" if frame.prekey else "normal", case["kind"])
            self.is_bytes("session", case, "session_id", frame.session_id)
            self.is_bytes("hash of the frame", case, "frame_hash", frame.hash)
            key = acceptor if frame.sender == self.bundle.recipient else owner
            self.is_bytes("key of the box", case, "box_key", key)
            kem = bytes.fromhex(self.file["kem"]["ciphertext"]) if frame.prekey else b""
            self.agree.equal("ML-KEM ciphertext", kem, frame.kem_ciphertext)
            counting = bytes(place % 251 for place in range(case["olm_length"]))
            self.agree.equal("Olm message", counting, frame.olm(key))
            self.agree.equal("length of the data", len(data), case["data_bytes"])
            self.least_class(frame, len(data), case["olm_length"])
            classes.add(len(data))
        self.agree.equal("padding classes", ratchet.DATA_BYTES, sorted(classes))

    def least_class(self, frame, length, olm_length):
        """No smaller class would have held the message."""
        zeros = len(frame.box) - 24 - 4 - 16 - olm_length
        smaller = max((size for size in ratchet.DATA_BYTES if size < length), default=0)
        # Length prefixes of the wrapping may shrink with it: a byte for each of three.
        self.agree.true("the least class", length - zeros > smaller - 3)

    def contents_section(self, section):
        found = {name: Content.FromString(bytes.fromhex(case["protobuf"])) for name, case in section.items()}
        for name, case in section.items():
            self.agree.equal(f"time of {name}", case["sent_ms"], found[name].sigTimestamp)
            again = found[name].SerializeToString()
            self.is_bytes(f"protobuf of {name}", case, "protobuf", again)
        silent = Content(sigTimestamp=section["empty_accept"]["sent_ms"])
        self.agree.true("an empty accept says nothing", silent == found["empty_accept"])
        ack, case = found["ack"].ack, section["ack"]
        self.agree.equal(
            "ack",
            [case["stream"], case["through"], case["read_through"]],
            [ack.stream, ack.through, ack.readThrough],
        )
        lists = [
            (case["above"], ack.above, 16),
            (section["nack"]["frames"], found["nack"].nack.frames, 32),
            (section["unprotected"]["ids"], found["unprotected"].unprotected.ids, 16),
        ]
        for expected, raw, size in lists:
            self.agree.equal("list", expected, [item.hex() for item in ratchet.unpacked(raw, size)])

    def friend_request_section(self, case):
        data, envelope, _ = self.opened(case)
        sender, recipient = self.accounts[case["from"]], self.accounts[case["to"]]
        stored = session.open_stored(data, recipient)
        self.agree.equal("sender", sender.id, stored.sender_id)
        self.agree.true("signature of the sender", stored.signature_holds)
        request_holds(self.agree, case["data"], stored, recipient.id)
        self.is_bytes("content", case, "content", stored.raw)
        sent_ms = as_todays_client(self.agree, stored.raw, case["introduction"], case["display_name"])
        self.agree.equal("times", [case["sent_ms"]] * 2, [sent_ms, envelope.timestamp])
        request = stored.content.friendRequest
        for field, key in [("requestId", "request_id"), ("ed25519", "ed25519")]:
            self.is_bytes(f"{key} of the request", case, key, getattr(request, field))
        self.agree.equal("instants", [request.created, request.expiry], [case["created"], case["expiry"]])
        self.agree.true("bundle of the request", self.bundle == stored.content.bundle)


def main(path):
    comparison = Comparison()
    with open(path, encoding="utf-8") as file:
        vectors = Vectors(comparison, json.load(file))
    try:
        vectors.all()
    except Exception:
        traceback.print_exc()
        print(f"The vectors are not what the probe reads; {comparison.passed} comparisons held.")
        return 1
    print(f"The probe reads every vector; {comparison.passed} comparisons held.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
