"""Proof of work (network-protocol section 5), over exactly the strings a store sends."""

import base64
import hashlib
import struct


def solve(timestamp, ttl_ms, pubkey, data, difficulty):
    """The nonce in base64."""
    payload = f"{timestamp}{ttl_ms}{pubkey}{data}".encode()
    length = len(payload) + 8
    target = (2**64 - 1) // (difficulty * (length + ttl_ms // 1000 * length // 65535))
    initial = hashlib.sha512(payload).digest()
    number = 0
    while True:
        nonce = struct.pack(">Q", number)
        if struct.unpack(">Q", hashlib.sha512(nonce + initial).digest()[:8])[0] < target:
            return base64.b64encode(nonce).decode()
        number += 1
