"""EIP-712 digests against eth_account, against the contracts, and which signatures recover an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data
from eth_utils import to_checksum_address
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oracle.adapters.memory import new_signer
from oracle.formats.typed_data import TYPES, Domain, batch_digest, digest, recover, recovers_to, report_digest
from oracle.records import Batch, Report

if TYPE_CHECKING:
    from ..conftest import Stage

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # SEC 2, 2.4.1
DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
WORDS = st.integers(0, 2**256 - 1).map(lambda number: number.to_bytes(32, "big"))
ADDRESSES = WORDS.map(lambda word: to_checksum_address(word[12:]))
CALM = list(HealthCheck)  # wide types draw much, and reading the chain changes nothing


def values_of(kind: str) -> st.SearchStrategy[Any]:
    """Every value of a Solidity type."""
    if kind.endswith("[]"):
        return st.lists(values_of(kind[:-2]), max_size=5)
    if kind.startswith("uint"):
        most = 2 ** int(kind[4:]) - 1
        return st.integers(0, most) | st.sampled_from([0, 1, most])
    if kind.startswith("int"):
        half = 2 ** (int(kind[3:]) - 1)
        return st.integers(-half, half - 1) | st.sampled_from([-half, -1, 0, half - 1])
    known: dict[str, st.SearchStrategy[Any]] = {
        "address": ADDRESSES,
        "bool": st.booleans(),
        "bytes32": WORDS,
        "bytes": st.binary(max_size=70),
        "string": st.text(st.characters(blacklist_categories=("Cs",)), max_size=20),
    }
    return known[kind]


def independent(domain: Domain, name: str, values: dict[str, Any]) -> bytes:
    """The same digest by eth_account."""
    message = encode_typed_data(
        full_message={
            "types": {
                "EIP712Domain": DOMAIN_TYPE,
                name: [{"name": field, "type": kind} for field, kind in TYPES[name]],
            },
            "primaryType": name,
            "domain": {
                "name": "Medtwin", "version": "1", "chainId": domain.chain_id, "verifyingContract": domain.contract,
            },
            "message": values,
        }
    )  # fmt: skip
    return bytes(_hash_eip191_message(message))


@pytest.mark.parametrize("name", sorted(TYPES))
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=CALM)
def test_digest_of_every_type_equals_eth_accounts(name: str, data: st.DataObject) -> None:
    """A second implementation of EIP-712 gives the same 32 bytes for all values in range."""
    domain = Domain(data.draw(st.integers(1, 2**256 - 1)), data.draw(ADDRESSES))
    values = {field: data.draw(values_of(kind), label=field) for field, kind in TYPES[name]}

    assert digest(domain, name, values) == independent(domain, name, values)


@pytest.mark.parametrize("name", sorted(TYPES))
def test_digest_of_a_value_out_of_range_is_refused(name: str) -> None:
    """What does not fit its type never becomes a digest of something else."""
    domain = Domain(1, "0x" + "11" * 20)
    plain = {
        "address": "0x" + "22" * 20,
        "bytes32": bytes(32),
        "bytes32[]": [],
        "address[]": [],
        "bytes": b"",
        "string": "",
        "bool": True,
    }
    good = {field: plain.get(kind, 0) for field, kind in TYPES[name]}
    digest(domain, name, good)

    for field, kind in TYPES[name]:
        bad: list[Any] = []
        if kind.startswith("uint"):
            bad = [-1, 2 ** int(kind[4:])]
        elif kind.startswith("int"):
            bad = [2 ** (int(kind[3:]) - 1), -(2 ** (int(kind[3:]) - 1)) - 1]
        elif kind == "bytes32":
            bad = [bytes(31), bytes(33), b""]
        elif kind == "bytes32[]":
            bad = [[bytes(31), bytes(33)]]
        elif kind == "address":
            bad = ["0x" + "22" * 21, "0x" + "22" * 19, "0x"]
        for value in bad:
            with pytest.raises(OverflowError):
                digest(domain, name, {**good, field: value})


def test_digest_depends_on_chain_contract_and_type() -> None:
    """A signature for one chain, contract or act is worth nothing for another."""
    fields = {"twinId": 1, "grantee": "0x" + "22" * 20, "nonce": 0, "deadline": 9}
    here = digest(Domain(1, "0x" + "11" * 20), "ConsentRevocation", fields)

    assert here != digest(Domain(2, "0x" + "11" * 20), "ConsentRevocation", fields)
    assert here != digest(Domain(1, "0x" + "12" * 20), "ConsentRevocation", fields)
    assert len({TYPES[name] for name in TYPES}) == len(TYPES)


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=CALM)
def test_batch_digest_equals_the_contracts(stage: Stage, data: st.DataObject) -> None:
    """DataAnchor hashes a batch as the device does."""
    values = [data.draw(values_of(kind)) for _, kind in TYPES["Batch"]]
    domain = Domain(stage.chain.chain_id, stage.chain.address("DataAnchor"))

    assert batch_digest(domain, Batch(*values)) == stage.chain.read("DataAnchor", "batchDigest", tuple(values))


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=CALM)
def test_report_digest_equals_the_contracts(stage: Stage, data: st.DataObject) -> None:
    """PredictionOracle hashes a report as the nodes do."""
    values = [data.draw(values_of(kind)) for _, kind in TYPES["Report"]]
    domain = Domain(stage.chain.chain_id, stage.chain.address("PredictionOracle"))

    assert report_digest(domain, Report(*values)) == stage.chain.read("PredictionOracle", "reportDigest", tuple(values))


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=CALM)
def test_pairing_digest_equals_the_contracts(stage: Stage, data: st.DataObject) -> None:
    """DeviceRegistry hashes a pairing as device and owner do, with the device's next nonce."""
    values = {field: data.draw(values_of(kind)) for field, kind in TYPES["Pairing"]} | {"nonce": 0}
    domain = Domain(stage.chain.chain_id, stage.chain.address("DeviceRegistry"))
    on_chain = stage.chain.read("DeviceRegistry", "pairingDigest", *_pairing_arguments(stage, values))

    assert digest(domain, "Pairing", values) == on_chain


def _pairing_arguments(stage: Stage, values: dict[str, Any]) -> list[Any]:
    """Arguments of pairingDigest in the order its ABI names them."""
    from oracle.adapters.abi import artifact

    entry = next(one for one in artifact("DeviceRegistry")["abi"] if one.get("name") == "pairingDigest")
    return [values[argument["name"]] for argument in entry["inputs"]]


@given(signed=WORDS)
@settings(max_examples=40, deadline=None, suppress_health_check=CALM)
def test_recover_gives_the_signer_as_eth_account_does(signed: bytes) -> None:
    """A signature leads back to its key, by two implementations."""
    signer = new_signer()
    signature = signer.sign_digest(signed)

    assert recover(signed, signature) == signer.address == Account._recover_hash(signed, signature=signature)
    assert recovers_to(signed, signature, signer.address.lower())
    assert not recovers_to(signed, signature, new_signer().address)


def test_recover_refuses_other_spellings_of_a_signature() -> None:
    """High s, v of 0 or 1, compact and padded forms: each signature has one spelling (EIP-2, OpenZeppelin's ECDSA)."""
    signed = bytes(range(32))
    signature = new_signer().sign_digest(signed)
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    high = r + (ORDER - s).to_bytes(32, "big") + bytes([55 - v])

    assert Account._recover_hash(signed, signature=signature)  # the plain one is good
    spelled = [high, signature[:64] + bytes([v - 27]), signature[:64], signature + b"\0", b"", signature[:64] + b"\xff"]
    assert [recover(signed, one) for one in spelled] == [None] * len(spelled)


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (ORDER, 1), (2**256 - 1, 1), (1, ORDER), (5, 1), (ORDER - 1, 0)]
)
def test_recover_refuses_numbers_that_are_no_signature(r: int, s: int) -> None:
    """Zero, the order and more, and an r that is no point's abscissa recover nobody."""
    for v in (27, 28):
        assert recover(bytes(32), r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])) is None


@given(st.binary(max_size=80), WORDS)
@settings(max_examples=200, deadline=None, suppress_health_check=CALM)
def test_recover_of_garbage_never_raises(signature: bytes, signed: bytes) -> None:
    """Any bytes are an answer or None."""
    recover(signed, signature)


def test_recover_agrees_with_the_contract_on_signers(stage: Stage) -> None:
    """PredictionOracle takes a node's signature in the one spelling and refuses the rest, as Python does."""
    signed, node = bytes(range(32)), stage.node_signers[0]
    good = node.sign_digest(signed)
    s = int.from_bytes(good[32:64], "big")
    bad = [good[:64] + bytes([good[64] - 27]), good[:32] + (ORDER - s).to_bytes(32, "big") + bytes([55 - good[64]])]
    oracle = stage.chain.address("PredictionOracle")

    assert stage.chain.is_signed_by(oracle, signed, good)
    assert [stage.chain.is_signed_by(oracle, signed, one) for one in bad] == [False, False]
    assert not stage.chain.is_signed_by(oracle, bytes(32), good)
