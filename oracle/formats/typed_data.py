"""EIP-712 digests of everything that is signed, packed by hand for speed.

One table holds every type, spelled as in the contracts. A test compares each
with ``eth_account`` on shared vectors.

References
----------
EIP-712, https://eips.ethereum.org/EIPS/eip-712
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from coincurve import PublicKey
from eth_utils import is_checksum_address, to_checksum_address

from ..records import Batch, ErasureRequest, ErasureStatement, Receipt, Report
from .keccak import keccak

NAME, VERSION = "Medtwin", "1"
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0  # secp256k1 n / 2
ADDRESS_LETTERS = 42

TYPES: dict[str, tuple[tuple[str, str], ...]] = {
    "Batch": (
        ("twinId", "uint256"), ("sequence", "uint64"), ("previous", "bytes32"), ("digest", "bytes32"),
        ("root", "bytes32"), ("readings", "uint32"), ("start", "uint40"), ("end", "uint40"),
    ),
    "Report": (
        ("twinId", "uint256"), ("model", "bytes32"), ("round", "uint48"), ("asOf", "uint40"), ("status", "uint8"),
        ("score", "int48"), ("low", "int48"), ("high", "int48"), ("inputsRoot", "bytes32"),
        ("explanationRoot", "bytes32"), ("config", "bytes32"),
    ),
    "Bundle": (("root", "bytes32"), ("manifest", "bytes32"), ("config", "bytes32")),
    "Rotation": (
        ("config", "bytes32"), ("signers", "address[]"), ("faulty", "uint256"), ("number", "uint256"),
        ("deadline", "uint40"),
    ),
    "Pairing": (
        ("device", "address"), ("twinId", "uint256"), ("owner", "address"), ("calibratedUntil", "uint40"),
        ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "ConsentGrant": (
        ("twinId", "uint256"), ("grantee", "address"), ("categories", "uint32"), ("purposes", "uint32"),
        ("notBefore", "uint40"), ("expiry", "uint40"), ("epoch", "uint32"), ("nonce", "uint256"),
        ("deadline", "uint40"),
    ),
    "ConsentRevocation": (
        ("twinId", "uint256"), ("grantee", "address"), ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "StudyApproval": (
        ("study", "bytes32"), ("researcher", "address"), ("board", "address"), ("purposes", "uint32"),
        ("expiry", "uint40"), ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "Guardianship": (
        ("twinId", "uint256"), ("guardian", "address"), ("by", "address"), ("until", "uint40"),
        ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "KeyRequest": (
        ("twinId", "uint256"), ("grantee", "address"), ("recipient", "bytes32"), ("batches", "bytes32[]"),
        ("category", "uint32"), ("purpose", "uint32"), ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "Emergency": (
        ("twinId", "uint256"), ("clinician", "address"), ("categories", "uint32"), ("reason", "uint16"),
        ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "Case": (
        ("twinId", "uint256"), ("from", "address"), ("to", "address"), ("categories", "uint32"),
        ("expiry", "uint40"), ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "Command": (
        ("device", "address"), ("twinId", "uint256"), ("code", "uint16"), ("value", "int64"),
        ("clinician", "address"), ("nonce", "uint256"), ("deadline", "uint40"),
    ),
    "AccountMessage": (("hash", "bytes32"),),
    "Call": (("target", "address"), ("data", "bytes"), ("nonce", "uint256"), ("deadline", "uint40")),
    "Answer": (("commandId", "bytes32"), ("accepted", "bool")),
    "Erasure": (("twinId", "uint256"), ("owner", "address"), ("deadline", "uint40")),
    "ShareTable": (
        ("twinId", "uint256"), ("generation", "uint32"), ("block", "uint64"), ("threshold", "uint8"), ("rows", "bytes32"),
    ),
    "Dismissal": (("twinId", "uint256"), ("custodian", "address"), ("deadline", "uint40")),
    "ErasureStatement": (
        ("custodian", "address"), ("twinId", "uint256"), ("key", "bytes32"), ("time", "uint40"),
    ),
    "Receipt": (
        ("custodian", "address"), ("number", "uint64"), ("time", "uint40"), ("permitted", "bool"),
        ("reason", "string"), ("request", "bytes32"), ("requestSignature", "bytes"), ("headBlock", "uint64"),
        ("headHash", "bytes32"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Domain:
    """Which chain and contract a signature is for."""

    chain_id: int
    contract: str


def digest(domain: Domain, type_name: str, values: Mapping[str, Any]) -> bytes:
    """The 32 bytes that are signed.

    Parameters
    ----------
    domain : Domain
    type_name : str
        A key of :data:`TYPES`.
    values : mapping
        By field name; bytes as bytes, addresses as text.

    Raises
    ------
    OverflowError
        A number does not fit its type.
    """
    encoded = [_type_hash(type_name)]
    encoded += [_encoder(kind)(values[name]) for name, kind in TYPES[type_name]]
    return keccak(b"\x19\x01" + _separator(domain) + keccak(b"".join(encoded)))


def batch_digest(domain: Domain, batch: Batch) -> bytes:
    """What a device signs; `domain` is DataAnchor's."""
    values = {
        "twinId": batch.twin_id,
        "sequence": batch.sequence,
        "previous": batch.previous,
        "digest": batch.digest,
        "root": batch.root,
        "readings": batch.readings,
        "start": batch.start_s,
        "end": batch.end_s,
    }
    return digest(domain, "Batch", values)


def report_digest(domain: Domain, report: Report) -> bytes:
    """What an oracle node signs; `domain` is PredictionOracle's."""
    values = {
        "twinId": report.twin_id,
        "model": report.model,
        "round": report.round,
        "asOf": report.as_of_s,
        "status": report.status,
        "score": report.score_e6,
        "low": report.low_e6,
        "high": report.high_e6,
        "inputsRoot": report.inputs_root,
        "explanationRoot": report.explanation_root,
        "config": report.config,
    }
    return digest(domain, "Report", values)


def receipt_digest(domain: Domain, receipt: Receipt) -> bytes:
    """What a custodian signs for each decision; `domain` is AuditTrail's.

    The facts asked for are bound by the request's own digest.
    """
    values = {
        "custodian": receipt.custodian,
        "number": receipt.number,
        "time": receipt.time_s,
        "permitted": receipt.permitted,
        "reason": receipt.reason,
        "request": receipt.request,
        "requestSignature": receipt.request_signature,
        "headBlock": receipt.head_block,
        "headHash": receipt.head_hash,
    }
    return digest(domain, "Receipt", values)


def erasure_digest(domain: Domain, request: ErasureRequest) -> bytes:
    """What an owner signs to have a twin's keys destroyed; `domain` is ConsentRegistry's, as for key requests."""
    values = {"twinId": request.twin_id, "owner": request.owner, "deadline": request.deadline_s}
    return digest(domain, "Erasure", values)


def dismissal_digest(domain: Domain, request: ErasureRequest, custodian: str) -> bytes:
    """What an owner signs to have one custodian, and no other, destroy its key of a twin that lives on."""
    values = {"twinId": request.twin_id, "custodian": custodian, "deadline": request.deadline_s}
    return digest(domain, "Dismissal", values)


def statement_digest(domain: Domain, statement: ErasureStatement) -> bytes:
    """What a custodian signs after destroying its key; `domain` is AuditTrail's."""
    values = {
        "custodian": statement.custodian,
        "twinId": statement.twin_id,
        "key": statement.key,
        "time": statement.time_s,
    }
    return digest(domain, "ErasureStatement", values)


def recover(signed: bytes, signature: bytes) -> str | None:
    """Address that signed a digest, or None where OpenZeppelin's ECDSA would refuse the signature."""
    if len(signature) != 65 or signature[64] not in (27, 28):
        return None
    if int.from_bytes(signature[32:64], "big") > HALF_ORDER:
        return None
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes([signature[64] - 27]), signed, hasher=None)
    except Exception:  # coincurve raises bare Exception for a point that is not on the curve
        return None
    return _checksummed(keccak(key.format(compressed=False)[1:])[12:])


def recovers_to(signed: bytes, signature: bytes, account: str) -> bool:
    """Whether the key of `account` signed."""
    return recover(signed, signature) == _checksummed(account)


def is_checksummed(text: object) -> bool:
    """Whether this is an address in the one spelling that is taken (EIP-55)."""
    return isinstance(text, str) and len(text) == ADDRESS_LETTERS and _is_checksummed(text)


@lru_cache(maxsize=4_096)
def _is_checksummed(text: str) -> bool:
    return bool(is_checksum_address(text))


@lru_cache(maxsize=4_096)
def _checksummed(account: bytes | str) -> str:
    """The same few parties sign again and again."""
    return str(to_checksum_address(account))


@lru_cache(maxsize=64)
def _separator(domain: Domain) -> bytes:
    fields = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    return keccak(
        keccak(fields)
        + keccak(NAME.encode())
        + keccak(VERSION.encode())
        + domain.chain_id.to_bytes(32, "big")
        + _address(domain.contract)
    )


@lru_cache
def _type_hash(type_name: str) -> bytes:
    fields = ",".join(f"{kind} {name}" for name, kind in TYPES[type_name])
    return keccak(f"{type_name}({fields})".encode())


@lru_cache
def _encoder(kind: str) -> Callable[[Any], bytes]:
    if kind.startswith("uint"):
        return _unsigned(int(kind[4:]))
    if kind.startswith("int"):
        return _signed(int(kind[3:]))
    others: dict[str, Callable[[Any], bytes]] = {
        "address": _address,
        "bool": lambda value: bool(value).to_bytes(32, "big"),
        "bytes32": _bytes32,
        "bytes": keccak,
        "string": lambda value: keccak(value.encode()),
        "bytes32[]": lambda values: keccak(b"".join(map(_bytes32, values))),
        "address[]": lambda values: keccak(b"".join(map(_address, values))),
    }
    return others[kind]


def _unsigned(bits: int) -> Callable[[int], bytes]:
    size = bits // 8
    return lambda value: int(value).to_bytes(size, "big").rjust(32, b"\0")


def _signed(bits: int) -> Callable[[int], bytes]:
    size = bits // 8

    def encode(value: int) -> bytes:
        narrow = int(value).to_bytes(size, "big", signed=True)
        return (b"\xff" if value < 0 else b"\0") * (32 - size) + narrow

    return encode


def _address(value: str) -> bytes:
    raw = bytes.fromhex(value[2:])
    if len(raw) != 20:
        raise OverflowError(f"{len(raw)} bytes are not an address of 20")
    return raw.rjust(32, b"\0")


def _bytes32(value: bytes) -> bytes:
    if len(value) != 32:
        raise OverflowError(f"{len(value)} bytes are not 32")
    return bytes(value)
