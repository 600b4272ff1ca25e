"""Content addresses, Merkle roots and typed data of real batches, by implementations of other people."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from oracle.adapters.cid import cid_of
from oracle.adapters.ipfs_node import ipfs_node
from oracle.adapters.memory import new_signer
from oracle.formats import hpke
from oracle.formats.envelope import Sealed, seal
from oracle.formats.merkle import READING_TYPES, proof, reading_leaves, root
from oracle.formats.typed_data import TYPES, Domain, batch_digest, report_digest
from oracle.records import Batch, Category, Context, Readings, Report

from .clinic import ROOT, TOOLS, recorded

END_MS = 1_700_000_000_000
TREE = """
import { readFileSync } from "node:fs";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
const { types, values, at } = JSON.parse(readFileSync(0, "utf8"));
const tree = StandardMerkleTree.of(values, types);
console.log(JSON.stringify({ root: tree.root, proof: tree.getProof(at) }));
"""


@pytest.fixture(scope="module")
def readings() -> Readings:
    """Ten seconds of a real recording."""
    return recorded(10, end_ms=END_MS)


@pytest.fixture(scope="module")
def sealed(readings: Readings) -> Sealed:
    """That recording as a batch."""
    anchor, device = new_signer().address, new_signer().address
    context = Context(1337, anchor, 7 << 8, device, 1, readings.schema, int(Category.WAVEFORM))
    custodians = {new_signer().address: hpke.public_key(hpke.new_key(os.urandom)) for _ in range(3)}
    return seal(readings, context, custodians, 2, os.urandom)


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """A running IPFS node's RPC."""
    with ipfs_node(TOOLS) as where:
        yield where.replace("ipfs", "http", 1)


def node_cid(node: str, block: bytes, path: str) -> str:
    """The address the node itself gives to these bytes."""
    head = b'--x\r\nContent-Disposition: form-data; name="data"; filename="b"\r\n'
    body = head + b"Content-Type: application/octet-stream\r\n\r\n" + block + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with urllib.request.urlopen(urllib.request.Request(f"{node}/api/v0/{path}", body, headers), timeout=30) as answer:
        told: dict[str, str] = json.loads(answer.read().splitlines()[-1])
    return told.get("Key") or told["Hash"]


@pytest.mark.parametrize("size", [0, 1, 1_000, 200_000])
def test_cid_of_bytes_is_the_nodes(node: str, size: int) -> None:
    """As a block; and as a file, where the node does not cut it (256 KiB)."""
    block = os.urandom(size)

    assert node_cid(node, block, "block/put?cid-codec=raw&format=raw&mhtype=sha2-256") == cid_of(_sha256(block))
    assert node_cid(node, block, "add?raw-leaves=true&cid-version=1&only-hash=true") == cid_of(_sha256(block))


def test_cid_of_a_sealed_batch_is_the_nodes(node: str, sealed: Sealed) -> None:
    """The digest in the batch's record names the block in the store."""
    block = sealed.block.block

    assert node_cid(node, block, "block/put?cid-codec=raw&format=raw&mhtype=sha2-256") == cid_of(sealed.block.digest)


@pytest.mark.parametrize("count", [1, 2, 3, 64, 1_000])
def test_root_and_proof_are_openzeppelins(readings: Readings, count: int) -> None:
    """npm's StandardMerkleTree, run now on a part of a real recording with fresh salts, gives the same."""
    salts, at = os.urandom(32 * count), count // 2
    part = Readings(
        readings.schema,
        readings.channels,
        readings.time_ms[:count],
        readings.channel[:count],
        readings.value_e6[:count],
    )
    names = [name.encode().ljust(32, b"\0").hex() for name in part.channels]
    values = [
        [str(t), "0x" + names[c], str(v), "0x" + salts[32 * n : 32 * n + 32].hex()]
        for n, (t, c, v) in enumerate(zip(part.time_ms, part.channel, part.value_e6, strict=True))
    ]
    told = by_openzeppelin({"types": list(READING_TYPES), "values": values, "at": at})

    leaves = reading_leaves(part, salts)
    assert "0x" + root(leaves).hex() == told["root"]
    assert ["0x" + step.hex() for step in proof(leaves, leaves[at])] == told["proof"]


def test_signatures_of_batch_and_report_are_eth_accounts(sealed: Sealed) -> None:
    """eth_account signs the same digests with the same key, and recovers the signer."""
    account, signer = Account.create(), new_signer()
    domain = Domain(1337, signer.address)
    batch = Batch(7 << 8, 1, bytes(32), sealed.block.digest, sealed.root, 1_000, 1, 10)
    report = Report(
        7 << 8, os.urandom(32), 3, 10, 1, -5, -(2**47), 2**47 - 1, os.urandom(32), os.urandom(32), os.urandom(32)
    )

    for digest, name, values in (
        (batch_digest(domain, batch), "Batch", batch),
        (report_digest(domain, report), "Report", report),
    ):
        fields = dict(zip((field for field, _ in TYPES[name]), in_order(values), strict=True))
        message = encode_typed_data(full_message=typed(domain, name, fields))
        assert account.sign_message(message).message_hash == digest
        assert Account.recover_message(message, signature=signer.sign_digest(digest)) == signer.address


def in_order(record: Batch | Report) -> list[Any]:
    """A record's values in the order of its type, which is that of its fields."""
    return [getattr(record, name) for name in record.__slots__]


def typed(domain: Domain, name: str, values: dict[str, Any]) -> dict[str, Any]:
    """EIP-712's JSON form."""
    kinds = {"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
    return {
        "types": {
            "EIP712Domain": [{"name": key, "type": kind} for key, kind in kinds.items()],
            name: [{"name": field, "type": kind} for field, kind in TYPES[name]],
        },
        "primaryType": name,
        "domain": {"name": "Medtwin", "version": "1", "chainId": domain.chain_id, "verifyingContract": domain.contract},
        "message": values,
    }


def by_openzeppelin(question: dict[str, Any]) -> Any:
    """Ask the npm package."""
    asked = json.dumps(question, default=int).encode()
    answer = subprocess.run(
        ["node", "--input-type=module", "-e", TREE], cwd=ROOT, input=asked, capture_output=True, timeout=60, check=False
    )
    assert answer.returncode == 0, answer.stderr.decode()
    return json.loads(answer.stdout)


def _sha256(block: bytes) -> bytes:
    return hashlib.sha256(block).digest()
