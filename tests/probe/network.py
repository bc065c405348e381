"""The network as a client sees it: the seed's list, and requests through onions (sections 3, 4)."""

import base64
import json
import time
from dataclasses import dataclass

import requests
import urllib3

import onion
from account import nearest_swarm

FIELDS = ["public_ip", "storage_port", "pubkey_ed25519", "pubkey_x25519", "swarm_id"]


@dataclass(frozen=True)
class Node:
    ed25519: bytes
    x25519: bytes
    ip: str
    port: int
    swarm_id: int


class PathError(Exception):
    """A hop refused, in plain text."""


class Network:
    def __init__(self, seed_url):
        # Certificates are self-signed: the onion proves who answers.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = False
        call = {
            "jsonrpc": "2.0",
            "id": "0",
            "method": "get_n_service_nodes",
            "params": {"active_only": True, "fields": {field: True for field in FIELDS}},
        }
        answer = self.http.post(f"{seed_url}/json_rpc", json=call, timeout=30)
        answer.raise_for_status()
        self.nodes = [node(state) for state in answer.json()["result"]["service_node_states"]]

    def swarm_of(self, account_id):
        swarm = nearest_swarm(account_id, sorted({node.swarm_id for node in self.nodes}))
        return [node for node in self.nodes if node.swarm_id == swarm]

    def ask(self, cipher, destination, method, params):
        """Through three relays; inner status and body."""
        relays = [node for node in self.nodes if node != destination][:3]
        body = json.dumps({"method": method, "params": params}).encode()
        request = onion.build(cipher, relays, destination, body)
        url = f"https://{relays[0].ip}:{relays[0].port}/onion_req/v2"
        answer = self.http.post(url, data=request.body, timeout=30)
        if answer.status_code != 200:
            raise PathError(f"HTTP {answer.status_code}: {answer.text}")
        status, body = request.open(answer.content)
        return status, json.loads(body) if body.startswith("{") else body

    def retrieve(self, cipher, member, account):
        """One page of an account's inbox, from the start; inner status and body."""
        timestamp = now_ms()
        params = {
            "pubkey": account.id.hex(),
            "pubkey_ed25519": account.ed_public.hex(),
            "timestamp": timestamp,
            "signature": base64.b64encode(account.sign(f"retrieve{timestamp}".encode())).decode(),
        }
        return self.ask(cipher, member, "retrieve", params)


def node(state):
    keys = (bytes.fromhex(state[field]) for field in ("pubkey_ed25519", "pubkey_x25519"))
    return Node(*keys, state["public_ip"], state["storage_port"], state["swarm_id"])


def now_ms():
    return time.time_ns() // 1_000_000
