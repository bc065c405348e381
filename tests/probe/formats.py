"""The protobuf messages of Session (network-protocol sections 7.1, 7.3), and ours from 200 on."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# What today's clients know.
SESSION = {
    "WebSocketMessage": "1 type uint32, 2 request WebSocketRequestMessage",
    "WebSocketRequestMessage": "1 verb string, 2 path string, 3 body bytes, 4 id uint64",
    "Envelope": "1 type uint32, 2 source string, 5 timestamp uint64, 8 content bytes",
    "Content": "1 dataMessage DataMessage, 15 sigTimestamp uint64",
    "DataMessage": "1 body string, 7 timestamp uint64, 101 profile Profile, 105 syncTarget string",
    "Profile": "1 displayName string",
}
# What we add.
STARLING = {
    **SESSION,
    "Content": SESSION["Content"] + ", 200 starling Starling, 201 bundle Bundle, 202 friendRequest FriendRequest"
    ", 203 ack Ack, 204 nack Nack, 205 unprotected Unprotected, 206 rekey Rekey, 207 filler bytes",
    "Starling": "1 messageId bytes, 2 stream uint64, 3 seq uint64, 4 clock uint64, 5 base uint64",
    "Bundle": "1 suite uint32, 2 owner bytes, 3 recipient bytes, 4 requestId bytes, 5 epoch uint64"
    ", 6 created uint64, 7 expiry uint64, 8 ratchetIdentity bytes, 9 oneTimeKey bytes, 10 kemKey bytes"
    ", 11 ownerEd25519 bytes, 12 signature bytes",
    "FriendRequest": "1 requestId bytes, 2 created uint64, 3 expiry uint64, 4 ed25519 bytes, 5 invite bytes",
    "Ack": "1 stream uint64, 2 through uint64, 3 above bytes, 4 readThrough uint64",
    "Nack": "1 frames bytes",
    "Unprotected": "1 ids bytes",
    "Rekey": "",
}


def classes(package, messages):
    """A class for every message, by its name."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto2")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for number, field, kind in (field.split() for field in fields.split(", ") if field):
            added = message.field.add(name=field, number=int(number), label=kinds.LABEL_OPTIONAL)
            if kind in messages:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.GetMessageClassesForFiles([file.name], pool)
    return {name: made[f"{package}.{name}"] for name in messages}


_classes = classes("starling", STARLING)
WebSocketMessage = _classes["WebSocketMessage"]
Envelope = _classes["Envelope"]
Content = _classes["Content"]
Bundle = _classes["Bundle"]
# The same message as today's client reads it: what it does not know, it skips.
SessionContent = classes("session", SESSION)["Content"]
