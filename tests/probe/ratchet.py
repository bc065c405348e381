"""Friend requests, sessions and ratchet frames (docs/protocol.md, sections 1 to 5).

The Olm messages within stay closed: the libraries here have no Olm, and those that do are ours
(vodozemac) or cannot be installed as a package alone (libolm).
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl import bindings

SUITE = 1
DATA_BYTES = [768, 1_536, 3_072, 6_144, 12_288, 24_576, 49_152, 76_800]
HEADER = struct.Struct(">BBB33s32sB")
KEM_BYTES = 1_088
TAG_BYTES = 32


class NotAFrame(Exception):
    """Bytes that break the format."""


def signed(label, *fields):
    """What a signature of ours covers."""
    prefixed = (struct.pack(">I", len(field)) + field for field in fields)
    return label.encode() + b"".join(prefixed)


def number(value):
    return struct.pack(">Q", value)


def derive(salt, secret, info, length):
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def signed_bundle(bundle):
    """What the owner of a bundle signs."""
    return signed(
        "starling/v1/bundle",
        struct.pack(">I", bundle.suite),
        bundle.owner,
        bundle.recipient,
        bundle.requestId,
        number(bundle.epoch),
        number(bundle.created),
        number(bundle.expiry),
        bundle.ratchetIdentity,
        bundle.oneTimeKey,
        bundle.kemKey,
    )


def bundle_hash(bundle):
    """What names a bundle from then on."""
    return hashlib.sha256(signed_bundle(bundle)).digest()


def signed_accept(name, acceptor, ratchet_identity, session_id):
    """What an acceptor signs about the bundle of this name."""
    return signed("starling/v1/accept", name, acceptor, ratchet_identity, session_id)


def shared_secret(seed, ciphertext):
    """The ML-KEM key of a seed, and what it decapsulates."""
    private = MLKEM768PrivateKey.from_seed_bytes(seed)
    return private.public_key().public_bytes_raw(), private.decapsulate(ciphertext)


def is_kem_key(key):
    """Whether a key passes the check of FIPS 203."""
    try:
        return bool(MLKEM768PublicKey.from_public_bytes(key))
    except ValueError:
        return False


def transcript(name, session_id, acceptor, ciphertext):
    """What the keys of a session from the bundle of this name are bound to."""
    whole = b"starling/v1/pq" + name + session_id + acceptor + ciphertext
    return hashlib.sha256(whole).digest()


def direction_keys(transcript_hash, secret):
    """The acceptor's key and the owner's."""
    both = derive(transcript_hash, secret, b"starling/v1/pq-keys", 64)
    return both[:32], both[32:]


def agreement(account, peer_id):
    return X25519PrivateKey.from_private_bytes(account.x_secret).exchange(
        X25519PublicKey.from_public_bytes(peer_id[1:])
    )


def tag_info(*ids):
    return b"frame" + b"".join(sorted(ids))


def tag_key(account, peer_id):
    """The key of the tags between two accounts, the same in both directions."""
    return derive(b"starling/v1", agreement(account, peer_id), tag_info(account.id, peer_id), 32)


def tag(key, recipient_id, tagged):
    return hmac.digest(key, recipient_id + tagged, hashlib.sha256)


@dataclass
class Frame:
    """A frame whose tag is its sender's."""

    raw: bytes
    sender: bytes
    session_id: bytes
    prekey: bool
    kem_ciphertext: bytes
    box: bytes

    @property
    def tagged(self):
        return self.raw[:-TAG_BYTES]

    @property
    def tag(self):
        return self.raw[-TAG_BYTES:]

    @property
    def hash(self):
        return hashlib.sha256(self.raw).digest()

    def olm(self, key):
        """Opens the box: the Olm message, without the zeros that fill it up."""
        before = self.tagged[: -len(self.box)]
        nonce, sealed = self.box[:24], self.box[24:]
        filled = bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, before, nonce, key)
        (length,) = struct.unpack(">I", filled[:4])
        message, zeros = filled[4 : 4 + length], filled[4 + length :]
        if len(message) != length or any(zeros):
            raise NotAFrame("the box is not filled with zeros")
        return message


def read_frame(raw, account):
    """What a sealed box to this account holds, if it is a frame and its tag holds."""
    if len(raw) < HEADER.size + TAG_BYTES:
        raise NotAFrame("too short")
    mark, version, suite, sender, session_id, kind = HEADER.unpack(raw[: HEADER.size])
    key = tag_key(account, sender)
    if not hmac.compare_digest(tag(key, account.id, raw[:-TAG_BYTES]), raw[-TAG_BYTES:]):
        raise NotAFrame("the tag is not the sender's")
    if (mark, version, suite) != (0xFF, 1, SUITE) or kind not in (0, 1):
        raise NotAFrame("of another version, suite or kind")
    rest = raw[HEADER.size : -TAG_BYTES]
    kem = KEM_BYTES if kind == 0 else 0
    return Frame(raw, sender, session_id, kind == 0, rest[:kem], rest[kem:])


@dataclass
class Plaintext:
    """What an Olm message encrypts."""

    sender: bytes
    recipient: bytes
    epoch: int
    stream: int
    seq: int
    clock: int
    base: int
    message_id: bytes
    accept: tuple
    content: bytes


def read_plaintext(raw, prekey):
    """Header, in prekey frames the acceptor's key and signature, and the content."""
    head = struct.Struct(">33s33s5Q16s")
    rest, accept = raw[head.size :], None
    if prekey:
        accept, rest = (rest[:32], rest[32:96]), rest[96:]
    return Plaintext(*head.unpack(raw[: head.size]), accept, rest)


def unpacked(raw, size):
    """Ids or hashes that stand one after the other."""
    return [raw[start : start + size] for start in range(0, len(raw), size)]
