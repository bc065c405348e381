"""The Session protocol and its wrapping, both ways (network-protocol sections 7, 8.4)."""

import hashlib
import base64
from dataclasses import dataclass

from nacl import bindings

from account import id_of_ed25519, signature_holds
from formats import Content, Envelope, WebSocketMessage

REQUEST = 1
SESSION_MESSAGE = 6


def message_hash(account_id, data):
    """What a node calls a message of namespace 0."""
    digest = hashlib.blake2b(account_id + data, digest_size=32).digest()
    return base64.b64encode(digest).decode().rstrip("=")


def id_from_content(sender_id, content, sent_ms):
    """What we call a message whose sender gave it no id."""
    return hashlib.blake2b(sender_id + sent_ms.to_bytes(8, "big") + content, digest_size=16).digest()


def pad(content):
    total = 160 * ((len(content) + 2 + 159) // 160) - 1
    return content + b"\x80" + bytes(total - len(content) - 1)


def text(body, sent_ms):
    """What today's client sends for a text."""
    content = Content(sigTimestamp=sent_ms)
    content.dataMessage.body = body
    content.dataMessage.timestamp = sent_ms
    return content.SerializeToString()


def seal(sender, recipient_id, content, sent_ms):
    """The bytes to store."""
    recipient = recipient_id[1:]
    padded = pad(content)
    signature = sender.sign(padded + sender.ed_public + recipient)
    sealed = bindings.crypto_box_seal(padded + sender.ed_public + signature, recipient)
    envelope = Envelope(type=SESSION_MESSAGE, timestamp=sent_ms, content=sealed)
    message = WebSocketMessage(type=REQUEST)
    request = message.request
    request.verb, request.path, request.id = "PUT", "/api/v1/message", 0
    request.body = envelope.SerializeToString()
    return message.SerializeToString()


@dataclass
class Opened:
    """Every layer of a stored message."""

    message: object
    envelope: object
    padded: bytes
    raw: bytes
    sender_ed25519: bytes
    signature_holds: bool
    content: object

    @property
    def sender_id(self):
        return id_of_ed25519(self.sender_ed25519)


def open_stored(data, account):
    message = WebSocketMessage.FromString(data)
    envelope = Envelope.FromString(message.request.body)
    inner = bindings.crypto_box_seal_open(envelope.content, account.x_public, account.x_secret)
    padded, sender, signature = inner[:-96], inner[-96:-64], inner[-64:]
    holds = signature_holds(sender, padded + sender + account.x_public, signature)
    raw = padded.rstrip(b"\x00")[:-1]
    return Opened(message, envelope, padded, raw, sender, holds, Content.FromString(raw))
