"""The protobuf messages of Session (network-protocol sections 7.1, 7.3), and ours from 200 on."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELDS = {
    "WebSocketMessage": "1 type uint32, 2 request WebSocketRequestMessage",
    "WebSocketRequestMessage": "1 verb string, 2 path string, 3 body bytes, 4 id uint64",
    "Envelope": "1 type uint32, 2 source string, 5 timestamp uint64, 8 content bytes",
    "Content": "1 dataMessage DataMessage, 15 sigTimestamp uint64, 200 starling Starling",
    "DataMessage": "1 body string, 7 timestamp uint64, 105 syncTarget string",
    "Starling": "1 messageId bytes, 2 stream uint64, 3 seq uint64, 4 clock uint64, 5 base uint64",
}


def classes():
    """A class for every message above."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="probe.proto", package="probe", syntax="proto2")
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        for number, field, kind in (field.split() for field in fields.split(", ")):
            added = message.field.add(name=field, number=int(number), label=kinds.LABEL_OPTIONAL)
            if kind in FIELDS:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".probe.{kind}"
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name], pool)


_classes = classes()
WebSocketMessage = _classes["probe.WebSocketMessage"]
Envelope = _classes["probe.Envelope"]
Content = _classes["probe.Content"]
