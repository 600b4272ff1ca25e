"""The unsigned examples of docs/formats.md, computed here from the words beside them, and by the code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from eth_abi import encode
from eth_utils import keccak

from oracle.formats import bundles, envelope, hpke, merkle, receipt_log, receipts, typed_data
from oracle.formats.bundles import Bundle
from oracle.records import Context, Contribution, Prediction, Readings, Receipt, Status

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "formats.md").read_text("utf-8")
SHOWN: dict[str, Any] = {
    name: json.loads(body) for name, body in re.findall(r"^```json vector (\w+)\n(.*?)^```$", PAGE, re.M | re.S)
}


def raw(text: str) -> bytes:
    """Bytes as the page writes them."""
    return bytes.fromhex(text.removeprefix("0x"))


def twice(types: tuple[str, ...], row: list[Any]) -> bytes:
    """A leaf as OpenZeppelin defines it."""
    return keccak(keccak(encode(types, row)))


def pair(one: bytes, other: bytes) -> bytes:
    """A node as OpenZeppelin defines it."""
    return keccak(min(one, other) + max(one, other))


def test_block_address_is_the_cid_of_its_digest() -> None:
    """CIDv1, raw, sha2-256, base32."""
    shown = SHOWN["block"]
    digest = hashlib.sha256(shown["block"].encode()).digest()
    cid = "b" + base64.b32encode(bytes((1, 0x55, 0x12, 32)) + digest).decode().lower().rstrip("=")
    assert (raw(shown["digest"]), shown["cid"]) == (digest, cid)
    assert SHOWN["Batch"]["message"]["digest"] == shown["digest"]


def test_readings_root_follows_from_the_data_key() -> None:
    """HKDF-Expand by hmac, AES-CTR, and the leaves by eth_abi."""
    shown = SHOWN["readings"]
    key = hmac.new(raw(shown["dataKey"]), b"medtwin/salts/1\x01", hashlib.sha256).digest()
    stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(64))
    assert [raw(one) for one in shown["salts"]] == [stream[:32], stream[32:]]
    rows = [
        [time_ms, name.encode().ljust(32, b"\0"), value, raw(salt)]
        for (time_ms, name, value), salt in zip(shown["readings"], shown["salts"], strict=True)
    ]
    leaves = [twice(("uint64", "bytes32", "int64", "bytes32"), row) for row in rows]
    assert [raw(one) for one in shown["leaves"]] == leaves
    assert raw(shown["root"]) == pair(*leaves) == raw(SHOWN["Batch"]["message"]["root"])
    times, names, values = zip(*shown["readings"], strict=True)
    readings = Readings("example/1", names[:1], np.array(times), np.zeros(2, np.uint8), np.array(values))
    assert merkle.reading_leaves(readings, stream) == leaves
    assert envelope._salts(raw(shown["dataKey"]), 2) == stream


def test_lineage_root_is_that_of_its_consents() -> None:
    """Three grants, the odd one joined last."""
    shown = SHOWN["lineage"]
    rows = [(int(twin, 16), grantee, serial) for twin, grantee, serial in shown["rows"]]
    leaves = [twice(("uint256", "address", "uint32"), list(row)) for row in rows]
    assert [raw(one) for one in shown["leaves"]] == leaves
    high, middle, low = sorted(leaves, reverse=True)
    assert raw(shown["root"]) == pair(pair(middle, low), high)
    assert merkle.root([merkle.consent_leaf(*row) for row in rows]) == raw(shown["root"])


def test_explanation_root_is_that_of_its_rows() -> None:
    """Three rows, the odd one joined last; and the single leaf of no answer."""
    shown = SHOWN["explanation"]
    types = ("uint16", "string", "bool", "int64", "int64")
    leaves = [twice(types, row) for row in shown["rows"]]
    assert [raw(one) for one in shown["leaves"]] == leaves
    high, middle, low = sorted(leaves, reverse=True)
    assert raw(shown["root"]) == pair(pair(middle, low), high) == raw(SHOWN["Report"]["message"]["explanationRoot"])
    assert raw(shown["noAnswerRoot"]) == twice(types, shown["noAnswer"])
    (_, _, _, margin, base), *parts = shown["rows"]
    assert base + sum(part[4] for part in parts) == margin
    told = tuple(Contribution(name, value if known else None, part) for _, name, known, value, part in parts)
    prediction = Prediction(Status.ANSWER, margin, margin, margin, base, margin, told, "")
    assert merkle.explanation_leaves(prediction) == leaves


def test_inputs_and_config_are_those_of_the_report() -> None:
    """One leaf for one batch; the configuration by eth_abi."""
    inputs, config, report = SHOWN["inputs"], SHOWN["config"], SHOWN["Report"]["message"]
    assert raw(inputs["root"]) == twice(("bytes32",), [raw(inputs["digests"][0])]) == raw(report["inputsRoot"])
    facts = [config["chainId"], config["oracle"], config["signers"], config["faulty"]]
    digest = keccak(encode(["uint256", "address", "address[]", "uint256"], facts))
    assert raw(config["digest"]) == digest == raw(report["config"])


def test_share_infos_are_what_the_code_binds() -> None:
    """The context as CBOR, for a sealed and for a released share; the commitment."""
    shown = SHOWN["share"]
    chain_id, anchor, twin, device, sequence, schema, category = shown["context"]
    fields = [chain_id, anchor, int(twin, 16).to_bytes(32, "big"), device, sequence, schema, category]
    context = Context(chain_id, anchor, int(twin, 16), device, sequence, schema, category)
    sealed = cbor2.dumps(["medtwin/share/1", fields, shown["custodian"]])
    released = cbor2.dumps(["medtwin/released/1", fields, shown["custodian"], raw(shown["request"])])
    assert raw(shown["shareInfo"]) == sealed == envelope.share_info(context, shown["custodian"])
    assert raw(shown["releasedInfo"]) == released
    assert released == envelope.released_info(context, shown["custodian"], raw(shown["request"]))
    assert raw(shown["commitment"]) == hashlib.sha256(sealed + raw(shown["share"])).digest()
    assert len(raw(shown["share"])) == 33


def test_recipient_is_the_digest_of_the_named_key() -> None:
    """The HPKE public key of the private key 00 01 02 … 5f."""
    public = hpke.public_key(bytes(range(96)))
    assert len(public) == 1_216
    assert raw(SHOWN["KeyRequest"]["message"]["recipient"]) == hashlib.sha256(public).digest()


def test_receipt_leaf_holds_the_fields_in_their_order() -> None:
    """18 fields of CBOR from the two signed examples; leaf and roots by RFC 6962."""
    asked, receipt, shown = SHOWN["KeyRequest"], SHOWN["Receipt"]["message"], SHOWN["log"]
    message = asked["message"]
    twin, batches = int(message["twinId"], 16), [raw(one) for one in message["batches"]]
    signature, digest = raw(asked["signature"]), raw(asked["digest"])
    head = raw(receipt["headHash"])
    fields = [
        "medtwin/receipt/1", receipt["custodian"], receipt["number"], receipt["time"], twin.to_bytes(32, "big"),
        message["grantee"], message["purpose"], message["category"], batches, raw(message["recipient"]),
        message["nonce"], message["deadline"], receipt["permitted"], receipt["reason"], digest, signature,
        receipt["headBlock"], head,
    ]  # fmt: skip
    leaf = cbor2.dumps(fields)
    assert raw(shown["leaf"]) == leaf
    assert (raw(receipt["request"]), raw(receipt["requestSignature"])) == (digest, signature)
    hashed = hashlib.sha256(b"\0" + leaf).digest()
    assert raw(shown["leafHash"]) == raw(shown["rootOfThatOne"]) == hashed == receipt_log.leaf_hash(leaf)
    assert raw(shown["rootOfItTwice"]) == hashlib.sha256(b"\1" + hashed + hashed).digest()
    made = Receipt(*fields[1:4], twin, *fields[5:8], tuple(batches), *fields[9:])
    assert receipts.encode(made) == leaf
    rows = re.findall(r"^\| (\d+) \| [\w ]+ \|", PAGE.split("## Receipts and their log")[1], re.M)
    assert [int(row) for row in rows[: len(fields)]] == list(range(1, len(fields) + 1))


def test_a_bundles_list_gives_its_root() -> None:
    """The signed report of the page and the same of round 2, as CBOR; the tree of two digests."""
    shown, signed = SHOWN["bundle"], SHOWN["Report"]
    told = signed["message"]
    config = raw(told["config"])
    listed = [
        [int(told["twinId"], 16).to_bytes(32, "big"), raw(told["model"]), round_, told["asOf"], told["status"],
         told["score"], told["low"], told["high"], raw(told["inputsRoot"]), raw(told["explanationRoot"])]
        for round_ in shown["rounds"]
    ]  # fmt: skip
    block = cbor2.dumps(["medtwin/bundle/1", config, listed])
    assert raw(shown["manifest"]) == block
    assert raw(shown["sha256"]) == hashlib.sha256(block).digest()
    assert shown["digests"][0] == signed["digest"]
    assert raw(shown["root"]) == pair(*(twice(("bytes32",), [raw(one)]) for one in shown["digests"]))
    reports = bundles.unpack_bundle(block)
    domain = typed_data.Domain(1337, signed["verifyingContract"])
    assert [typed_data.report_digest(domain, one) for one in reports] == [raw(one) for one in shown["digests"]]
    assert bundles.bundled(domain, reports) == (Bundle(raw(shown["root"]), raw(shown["sha256"]), config), block)
