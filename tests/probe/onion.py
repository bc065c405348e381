"""Onion requests of version 2, built by hand (network-protocol section 6)."""

import base64
import hashlib
import hmac
import json
import os
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings


class AesGcm:
    """The cipher meant where none is named."""

    NAME = "aes-gcm"
    ROUTING = {}

    def __init__(self, secret, client, server):
        self.aead = AESGCM(hmac.digest(b"LOKI", secret, hashlib.sha256))

    def seal(self, plaintext):
        nonce = os.urandom(12)
        return nonce + self.aead.encrypt(nonce, plaintext, None)

    def open(self, ciphertext):
        return self.aead.decrypt(ciphertext[:12], ciphertext[12:], None)


class XChaCha20:
    NAME = "xchacha20"
    ROUTING = {"enc_type": "xchacha20"}

    def __init__(self, secret, client, server):
        self.key = hashlib.blake2b(secret + client + server, digest_size=32).digest()

    def seal(self, plaintext):
        nonce = os.urandom(24)
        return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, None, nonce, self.key)

    def open(self, ciphertext):
        nonce, sealed = ciphertext[:24], ciphertext[24:]
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, None, nonce, self.key)


@dataclass
class Onion:
    """The body for the guard, and what opens the answer."""

    body: bytes
    reply: object

    def open(self, answer):
        """Inner status and body."""
        inner = json.loads(self.reply.open(base64.b64decode(answer, validate=True)))
        return inner["status"], inner["body"]


def frame(blob, routing):
    return struct.pack("<I", len(blob)) + blob + json.dumps(routing).encode()


def layer(cipher, node, plaintext):
    """One layer for a node: ciphertext, the routing entries that describe it, and its key."""
    ephemeral = X25519PrivateKey.generate()
    client = ephemeral.public_key().public_bytes_raw()
    secret = ephemeral.exchange(X25519PublicKey.from_public_bytes(node.x25519))
    key = cipher(secret, client, node.x25519)
    return key.seal(plaintext), {"ephemeral_key": client.hex(), **cipher.ROUTING}, key


def build(cipher, relays, destination, body):
    """Three relays and a destination: four layers."""
    blob, routing, reply = layer(cipher, destination, frame(body, {"headers": ""}))
    following = destination
    for relay in reversed(relays):
        step = {"destination": following.ed25519.hex(), **routing}
        blob, routing, _ = layer(cipher, relay, frame(blob, step))
        following = relay
    return Onion(frame(blob, routing), reply)
