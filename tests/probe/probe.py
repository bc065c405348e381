"""A second implementation of the client, against our nodes and our command.

Our client and our nodes share one protocol crate, so that a mistake in it could cancel itself out.
This program was written from the specification alone. Usage: probe.py PROGRAM
"""

import base64
import os
import sys
import tempfile
import traceback

import proof
import session
from account import Account, signature_holds
from comparison import Comparison
from friend_request import FORTNIGHT_S, as_todays_client, bundle_holds, request_holds
from network import Network, now_ms
from onion import AesGcm, XChaCha20
from starling import Starling, devnet

CIPHERS = [AesGcm, XChaCha20]
DAY = 86_400_000
TTL = 14 * DAY
# Lengths on both sides of a padding block, and more than one byte per character.
TEXTS = ["Grüße aus einer anderen Welt 🐦", "x" * 120, "x" * 160, "ö" * 3_000]


class Probe:
    def __init__(self, comparison, network, starling, seed):
        self.agree = comparison
        self.network = network
        self.starling = starling
        self.account = Account.from_seed(seed)

    def nodes_answer(self, cipher):
        """`info` and `get_swarm`, of a node inside the swarm and of one outside."""
        swarm = self.network.swarm_of(self.starling.id)
        outside = next(node for node in self.network.nodes if node not in swarm)
        listed = {
            node.ed25519.hex(): [node.x25519.hex(), node.ip, str(node.port), node.port] for node in swarm
        }
        for node in (swarm[0], outside):
            status, info = self.network.ask(cipher, node, "info", {})
            self.agree.equal("status of info", 200, status)
            self.agree.true("clock of info is near ours", abs(info["timestamp"] - now_ms()) < 60_000)
            status, answer = self.network.ask(
                cipher, node, "get_swarm", {"pubkey": self.starling.id.hex()}
            )
            self.agree.equal("status of get_swarm", 200, status)
            self.agree.equal("swarm id", f"{swarm[0].swarm_id:x}", answer["swarm"])
            entry = lambda node: [node[name] for name in ("pubkey_x25519", "ip", "port", "port_https")]
            found = {node["pubkey_ed25519"]: entry(node) for node in answer["snodes"]}
            self.agree.equal("members of the swarm", listed, found)
        self.strangers_are_sent_on(cipher, outside, listed)

    def strangers_are_sent_on(self, cipher, outside, listed):
        params = self.store_params(b"x", now_ms())
        status, answer = self.network.ask(cipher, outside, "store", params)
        self.agree.equal("status of a store to another swarm", 421, status)
        found = {node["pubkey_ed25519"] for node in answer["snodes"]}
        self.agree.equal("the swarm a 421 names", set(listed), found)

    def store_params(self, data, timestamp):
        return {
            "pubkey": self.starling.id.hex(),
            "timestamp": timestamp,
            "ttl": TTL,
            "data": base64.b64encode(data).decode(),
        }

    def store(self, cipher, member, data, difficulty):
        """Stores for the command's account as a client does that knows nothing of the network's demand."""
        params = self.store_params(data, now_ms())
        status, answer = self.network.ask(cipher, member, "store", params)
        if difficulty:
            self.agree.equal("answer to a store without work", (432, difficulty), (status, answer["difficulty"]))
            params = self.store_params(data, now_ms())
            params["nonce"] = proof.solve(
                params["timestamp"], params["ttl"], params["pubkey"], params["data"], difficulty
            )
            status, answer = self.network.ask(cipher, member, "store", params)
        self.agree.equal("status of store", 200, status)
        self.receipts(answer, session.message_hash(self.starling.id, data), params["timestamp"] + TTL)

    def receipts(self, answer, expected_hash, expiry):
        """Every member signed the hash that we computed."""
        swarm = {node.ed25519.hex() for node in self.network.swarm_of(self.starling.id)}
        self.agree.equal("hash of the stored message", expected_hash, answer["hash"])
        self.agree.equal("members that stored it", swarm, set(answer["swarm"]))
        for member, receipt in answer["swarm"].items():
            found = {name: receipt.get(name) for name in ("hash", "expiry", "failed")}
            wanted = {"hash": expected_hash, "expiry": expiry, "failed": None}
            self.agree.equal(f"receipt of {member}", wanted, found)
            signature = base64.b64decode(receipt["signature"])
            holds = signature_holds(bytes.fromhex(member), expected_hash.encode(), signature)
            self.agree.true(f"signature of {member}", holds)

    def starling_is_asked(self, cipher, difficulty):
        """The texts of a stranger are one request, and shown when it is accepted."""
        expected = self.write(cipher, difficulty)
        peer = self.account.id.hex()
        (request,) = self.starling("poll")
        found = [request[name] for name in ("kind", "request", "from")]
        self.agree.equal("request", ["request", "basic", peer], found)
        self.agree.equal("texts of the request", sorted(TEXTS), sorted(request["text"].split("\n")))
        contact = self.starling("friends", "accept", peer)
        self.agree.equal("contact", ["friend", "basic"], [contact["relation"], contact["security"]])
        self.polled(expected)

    def starling_reads(self, cipher, difficulty):
        """What a friend stores, the command shows: once, whole, and from the right sender."""
        self.polled(self.write(cipher, difficulty))

    def write(self, cipher, difficulty):
        """Stores the texts for the command; what it will show of them."""
        member = self.network.swarm_of(self.starling.id)[0]
        expected = []
        for number, body in enumerate(TEXTS):
            sent_ms = now_ms() + number
            content = session.text(body, sent_ms)
            data = session.seal(self.account, self.starling.id, content, sent_ms)
            self.store(cipher, member, data, difficulty)
            name = session.id_from_content(self.account.id, content, sent_ms)
            expected.append(
                {
                    "from": self.account.id.hex(),
                    "conversation": self.account.id.hex(),
                    "message_id": name.hex(),
                    "sent_ms": sent_ms,
                    "state": "received",
                    "text": body,
                }
            )
        return expected

    def polled(self, expected):
        polled = self.starling("poll")
        found = [{name: message[name] for name in expected[0]} for message in polled]
        by_time = lambda message: message["sent_ms"]
        self.agree.equal("messages polled", expected, sorted(found, key=by_time))
        self.agree.equal("messages polled again", [], self.starling("poll"))

    def starling_writes(self):
        """What the command sends, every member hands out to the probe, and every layer is right."""
        to = self.account.id.hex()
        earliest = now_ms()
        sent = [self.starling("send", "--to", to, "--text", body) for body in TEXTS]
        members = self.network.swarm_of(self.account.id)
        for answer in sent:
            found = [answer["swarm_size"], answer["stored"] * 2 > len(members)]
            self.agree.equal("outcome of send", [len(members), True], found)
        for number, member in enumerate(members):
            status, page = self.network.retrieve(CIPHERS[number % 2], member, self.account)
            self.agree.equal("status of retrieve", 200, status)
            self.agree.equal("`more` of a full page", False, page["more"])
            opened = [self.stored(message, earliest) for message in page["messages"]]
            opened.sort(key=lambda content: content.starling.seq)
            self.agree.equal("texts", TEXTS, [content.dataMessage.body for content in opened])
            self.placements(opened, sent)
            # The first text to a friend without a ratchet offers one.
            offers = [content.HasField("bundle") for content in opened]
            self.agree.equal("bundles", [True, False, False, False], offers)
            bundle_holds(self.agree, opened[0].bundle, self.starling.id, self.account.id)

    def starling_asks(self):
        """A friend request of the command, as today's client and as one of ours reads it."""
        peer = Account.from_seed(os.urandom(16))
        self.starling("friends", "request", peer.id.hex(), "--text", TEXTS[0])
        status, page = self.network.retrieve(AesGcm, self.network.swarm_of(peer.id)[0], peer)
        self.agree.equal("status of retrieve", 200, status)
        (message,) = page["messages"]
        stored = session.open_stored(base64.b64decode(message["data"], validate=True), peer)
        self.agree.equal("sender", self.starling.id, stored.sender_id)
        self.agree.true("signature of the sender", stored.signature_holds)
        as_todays_client(self.agree, stored.raw, TEXTS[0], "")
        request_holds(self.agree, message["data"], stored, peer.id)
        request = stored.content.friendRequest
        self.agree.equal("message id of a request", request.requestId, stored.content.starling.messageId)
        self.agree.equal("life of a request", FORTNIGHT_S, request.expiry - request.created)

    def stored(self, message, earliest):
        """One message of a page; its content."""
        data = base64.b64decode(message["data"], validate=True)
        self.agree.equal("hash", session.message_hash(self.account.id, data), message["hash"])
        self.agree.equal("life", TTL, message["expiration"] - message["timestamp"])
        opened = session.open_stored(data, self.account)
        request, envelope, content = opened.message.request, opened.envelope, opened.content
        wrapping = [opened.message.type, request.verb, request.path, envelope.type, envelope.source]
        self.agree.equal("wrapping", [1, "PUT", "/api/v1/message", 6, ""], wrapping)
        self.agree.equal("padding", session.pad(opened.raw), opened.padded)
        self.agree.equal("sender", self.starling.id, opened.sender_id)
        self.agree.true("signature of the sender", opened.signature_holds)
        times = [envelope.timestamp, content.dataMessage.timestamp]
        self.agree.equal("times", [content.sigTimestamp] * 2, times)
        self.agree.true("time of sending", earliest <= content.sigTimestamp <= now_ms())
        return content

    def placements(self, contents, sent):
        """Our own addition: id, stream, position, clock."""
        found = [content.starling.messageId.hex() for content in contents]
        self.agree.equal("message ids", [answer["message_id"] for answer in sent], found)
        positions = [content.starling.seq for content in contents]
        self.agree.equal("positions", list(range(1, len(sent) + 1)), positions)
        self.agree.equal("streams", 1, len({content.starling.stream for content in contents}))
        clocks = [content.starling.clock for content in contents]
        self.agree.equal("clocks rise", sorted(set(clocks)), clocks)


def talk(comparison, program, difficulty, seed):
    """Everything, on a network that asks for this much work."""
    with tempfile.TemporaryDirectory() as directory:
        with devnet(program, "--difficulty", str(difficulty)) as seed_url:
            network = Network(seed_url)
            probe = Probe(comparison, network, Starling(program, directory, seed_url), seed)
            for cipher, reads in zip(CIPHERS, [probe.starling_is_asked, probe.starling_reads]):
                probe.nodes_answer(cipher)
                reads(cipher, difficulty)
            probe.starling_writes()
            probe.starling_asks()


def main(program):
    comparison, failed = Comparison(), 0
    for difficulty in (1, 0):
        seed = os.urandom(16)
        try:
            talk(comparison, program, difficulty, seed)
        except Exception:
            failed += 1
            print(f"probe, difficulty {difficulty}, account of seed {seed.hex()}:", file=sys.stderr)
            traceback.print_exc()
    verdict = "do not agree" if failed else "agree"
    print(f"The probe and starling {verdict}; {comparison.passed} comparisons held.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
