"""An account: its keys and what follows from them (network-protocol sections 1, 2)."""

import struct
from dataclasses import dataclass

from nacl import bindings


@dataclass(frozen=True)
class Account:
    ed_public: bytes
    ed_secret: bytes
    x_public: bytes
    x_secret: bytes

    @staticmethod
    def from_seed(seed16):
        ed_public, ed_secret = bindings.crypto_sign_seed_keypair(seed16 + bytes(16))
        return Account(
            ed_public,
            ed_secret,
            bindings.crypto_sign_ed25519_pk_to_curve25519(ed_public),
            bindings.crypto_sign_ed25519_sk_to_curve25519(ed_secret),
        )

    @property
    def id(self):
        return b"\x05" + self.x_public

    def sign(self, message):
        return bindings.crypto_sign(message, self.ed_secret)[:64]


def id_of_ed25519(ed_public):
    """The account an Ed25519 key stands for."""
    return b"\x05" + bindings.crypto_sign_ed25519_pk_to_curve25519(ed_public)


def signature_holds(ed_public, message, signature):
    try:
        bindings.crypto_sign_open(signature + message, ed_public)
    except Exception:  # PyNaCl has one exception per reason; all mean the same here.
        return False
    return True


def nearest_swarm(account_id, swarm_ids):
    """The swarm of an account among sorted ids."""
    words = struct.unpack(">4Q", account_id[1:])
    space = words[0] ^ words[1] ^ words[2] ^ words[3]
    right = next((number for number, swarm in enumerate(swarm_ids) if swarm >= space), 0)
    to_right = (swarm_ids[right] - space) % 2**64
    to_left = (space - swarm_ids[right - 1]) % 2**64
    return swarm_ids[right] if to_right < to_left else swarm_ids[right - 1]
