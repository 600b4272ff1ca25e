"""Erase a twin: keys destroyed, blocks removed, the twin retired, and a certificate that anybody can check.

The chain keeps what it has: random ids, digests of sealed blocks and salted
roots. Without the keys they say nothing about anybody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from ..batches.anchored import anchored_batches
from ..batches.ask import kept_tables
from ..errors import Denied, MedtwinError, StorageError, VerificationError
from ..formats import cbor
from ..formats.envelope import Header, parse_header
from ..formats.share_table import ShareTable
from ..formats.typed_data import Domain, erasure_digest, is_checksummed, recovers_to, statement_digest
from ..ports import Chain, Custodian, Signer, Store
from ..records import ErasureRequest, ErasureStatement

FORMAT = "medtwin/erasure/1"
ORDER_LIFE_S = 5 * 60
LEAST_THRESHOLD = 2  # no block is sealed to be opened by one custodian alone
REMAINS = (
    "The chain keeps the twin's random number, the addresses that acted on it, the digests of its sealed blocks and "
    "salted Merkle roots. The salts came from the destroyed keys, so none of it confirms or reveals a reading. "
    "What somebody decrypted while it was allowed cannot be unread."
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was destroyed, by whom, when.

    `blocks` are the digests of all sealed blocks, `holders` the custodians named in them and `threshold`
    how many of those it would have taken to open one. `chunks` are those of its objects that were still there, `beside`
    what else was: see :func:`sealed_beside`.
    """

    chain_id: int
    genesis: bytes
    twin_id: int
    owner: str
    retired_block: int
    retired_s: int
    blocks: tuple[bytes, ...]
    holders: tuple[str, ...]
    threshold: int
    statements: tuple[ErasureStatement, ...]
    chunks: tuple[bytes, ...] = ()
    beside: tuple[bytes, ...] = ()


def erase(
    chain: Chain, store: Store, custodians: Sequence[Custodian], owner: Signer, twin_id: int, genesis: bytes
) -> Certificate:
    """Erase; safe to run again after any interruption.

    Raises
    ------
    Denied, RevertedError
        The signer does not own the twin.
    MedtwinError
        A custodian did not answer: run it again when it is back. The twin is retired by then.
    """
    if not chain.read("TwinToken", "isRetired", twin_id):
        chain.write(owner, "TwinToken", "retire", twin_id)
    order = ErasureRequest(twin_id, owner.address, chain.head().time_s + ORDER_LIFE_S)
    digest = erasure_digest(Domain(chain.chain_id, chain.address("ConsentRegistry")), order)
    return carry_out(chain, store, custodians, replace(order, signature=owner.sign_digest(digest)), genesis)


def carry_out(
    chain: Chain, store: Store, custodians: Sequence[Custodian], order: ErasureRequest, genesis: bytes
) -> Certificate:
    """Erase a twin that its owner retired, on the owner's signed order; whoever carries it out need not be the owner.

    Raises
    ------
    Denied
        The twin is not retired, or a custodian does not take the order for the owner's.
    """
    twin_id = order.twin_id
    if not chain.read("TwinToken", "isRetired", twin_id):
        raise Denied("the twin is not retired", hint="its owner retires it first", kind="not_retired")
    batches = anchored_batches(chain, twin_id, store)
    tables = kept_tables(chain, custodians, twin_id)
    headers = list(_headers(store, [one.batch.digest for one in batches]))
    holders, threshold = _holders(headers, tables)
    statements = tuple(custodian.erase(order) for custodian in custodians)
    retired = chain.events("TwinToken", "TwinRetired", twinId=twin_id)[-1]
    certificate = Certificate(
        chain_id=chain.chain_id,
        genesis=genesis,
        twin_id=twin_id,
        owner=order.owner,
        retired_block=retired.block,
        retired_s=retired.time_s,
        blocks=tuple(one.batch.digest for one in batches),
        holders=holders or tuple(sorted(one.custodian for one in statements)),
        threshold=threshold or max(LEAST_THRESHOLD, len(statements) // 2 + 1),
        statements=statements,
        chunks=tuple(chunk for header in headers for chunk in header.chunks),
        beside=tuple(sealed_beside(chain, store, twin_id, {one.batch.digest for one in batches})),
    )
    _check_statements(chain, certificate)  # before the blocks go: only they tell who holds shares
    for digest in (*certificate.beside, *certificate.chunks, *certificate.blocks):
        store.remove(digest)  # who lists the chunks goes last: interrupted, it finds them
    verify_certificate(chain, store, certificate)
    return certificate


def sealed_beside(chain: Chain, store: Store, twin_id: int, blocks: Set[bytes]) -> Iterator[bytes]:
    """What the store has of a twin beside its anchored blocks: explanations, whoever sealed them, and what was never anchored."""
    anchored = {event.args["batch"]["digest"] for event in chain.events("DataAnchor", "BatchAnchored")}
    here = (chain.chain_id, chain.address("DataAnchor"), twin_id)
    for digest in store.pins():
        if digest not in blocks and digest not in anchored:
            for header in _headers(store, [digest]):
                if (header.context.chain_id, header.context.anchor, header.context.twin_id) == here:
                    yield digest


def verify_certificate(chain: Chain, store: Store | None, certificate: Certificate) -> None:
    """Check a certificate against the chain, the custodians' signatures and, where given, the store.

    Raises
    ------
    VerificationError
        Naming what does not hold.
    """
    twin_id = certificate.twin_id
    if chain.chain_id != certificate.chain_id:
        raise _false(f"it is for chain {certificate.chain_id}")
    if chain.head(0).hash != certificate.genesis:
        raise _false("the chain began with another block")
    retired = chain.events("TwinToken", "TwinRetired", twinId=twin_id)
    if not retired or (retired[-1].block, retired[-1].time_s) != (certificate.retired_block, certificate.retired_s):
        raise _false("the chain does not have the twin retired in that block, at that time")
    if chain.read("TwinToken", "ownerOf", twin_id) != certificate.owner:
        raise _false("somebody else owns the twin")
    on_chain = tuple(one.batch.digest for one in anchored_batches(chain, twin_id, store))
    if on_chain != certificate.blocks:
        raise _false("its blocks are not those anchored for the twin")
    _check_statements(chain, certificate)
    if store is None:
        return
    named = (*certificate.blocks, *certificate.chunks, *certificate.beside)
    kept = {digest for digest in named if store.has(digest)} | set(sealed_beside(chain, store, twin_id, set(named)))
    if kept:
        raise _false(f"{len(kept)} blocks are still in the store")


def to_json(certificate: Certificate) -> str:
    """The certificate as a document for programs."""
    document = {
        "format": FORMAT,
        "chain_id": certificate.chain_id,
        "genesis": "0x" + certificate.genesis.hex(),
        "twin": hex(certificate.twin_id),
        "owner": certificate.owner,
        "retired": {"block": certificate.retired_block, "time": certificate.retired_s},
        "blocks": ["0x" + digest.hex() for digest in certificate.blocks],
        "chunks": ["0x" + digest.hex() for digest in certificate.chunks],
        "beside": ["0x" + digest.hex() for digest in certificate.beside],
        "holders": list(certificate.holders),
        "threshold": certificate.threshold,
        "statements": [
            {
                "custodian": one.custodian,
                "key": "0x" + one.key.hex(),
                "time": one.time_s,
                "signature": "0x" + one.signature.hex(),
            }
            for one in certificate.statements
        ],
        "remains": REMAINS,
    }
    return json.dumps(document, indent=2) + "\n"


def from_json(text: str) -> Certificate:
    """Read a certificate; VerificationError for anything that is not one."""
    try:
        document: dict[str, Any] = json.loads(text)
        if document["format"] != FORMAT:
            raise ValueError(document["format"])
        twin_id = int(document["twin"], 16)
        read = Certificate(
            chain_id=int(document["chain_id"]),
            genesis=_bytes(document["genesis"]),
            twin_id=twin_id,
            owner=str(document["owner"]),
            retired_block=int(document["retired"]["block"]),
            retired_s=int(document["retired"]["time"]),
            blocks=_digests(document["blocks"]),
            chunks=_digests(document["chunks"]),
            beside=_digests(document["beside"]),
            holders=tuple(map(str, document["holders"])),
            threshold=int(document["threshold"]),
            statements=tuple(
                ErasureStatement(
                    str(one["custodian"]), twin_id, _bytes(one["key"]), int(one["time"]), _bytes(one["signature"])
                )
                for one in document["statements"]
            ),
        )
        _check_ranges(read)
        return read
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise VerificationError("this is not an erasure certificate", kind="malformed_certificate") from error


def to_html(certificate: Certificate) -> str:
    """The certificate as a page for people, whole in itself."""
    rows = "".join(
        f"<tr><td>{escape(one.custodian)}</td><td>{one.time_s}</td><td>0x{one.key.hex()}</td></tr>"
        for one in certificate.statements
    )
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Certificate of erasure</title>"
        "<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto}td,th{text-align:left;padding:.2rem 1rem .2rem 0;"
        "overflow-wrap:anywhere}</style>"
        f"<h1>Certificate of erasure</h1><p>Twin {certificate.twin_id:#x}, owned by {escape(certificate.owner)}.</p>"
        f"<p>Retired in block {certificate.retired_block} of chain {certificate.chain_id} "
        f"(second {certificate.retired_s} since 1970, UTC). {len(certificate.blocks)} sealed blocks were removed, "
        f"{len(certificate.chunks)} chunks of objects, and {len(certificate.beside)} blocks that lay beside them.</p>"
        f"<h2>Keys destroyed</h2><p>Any {certificate.threshold} of {len(certificate.holders)} custodians could open a block. "
        f"{len(certificate.statements)} signed that their key is gone.</p>"
        f"<table><tr><th>custodian</th><th>time (s)</th><th>SHA-256 of the public key</th></tr>{rows}</table>"
        f"<h2>What remains</h2><p>{REMAINS}</p></html>\n"
    )


def _headers(store: Store, digests: Sequence[bytes]) -> Iterator[Header]:
    """Of the blocks still there."""
    for digest in digests:
        try:
            yield parse_header(store.get(digest))
        except VerificationError:  # damaged: it opens for nobody, and must not keep the rest from being erased
            continue
        except StorageError as error:
            if error.kind != "missing_block":
                raise
            continue  # removed by an earlier run


def _holders(headers: Sequence[Header], tables: Sequence[ShareTable]) -> tuple[tuple[str, ...], int]:
    """Custodians named in the blocks and in the tables beside them, and the lowest threshold among them."""
    named = [shares for table in tables for shares in table.rows.values()] + [header.shares for header in headers]
    holders = {share.custodian for shares in named for share in shares}
    thresholds = [one.threshold for one in tables] + [one.threshold for one in headers]
    return tuple(sorted(holders)), min(thresholds, default=0)


def _check_statements(chain: Chain, certificate: Certificate) -> None:
    domain = Domain(chain.chain_id, chain.address("AuditTrail"))
    holders = set(certificate.holders)
    if certificate.blocks and not LEAST_THRESHOLD <= certificate.threshold <= len(holders):
        raise _false(f"no block opens with {certificate.threshold} of {len(holders)} custodians")
    gone = set()
    for one in certificate.statements:
        if one.twin_id != certificate.twin_id or not recovers_to(
            statement_digest(domain, one), one.signature, one.custodian
        ):
            raise _false(f"the statement of custodian {one.custodian} is not signed by it")
        gone.add(one.custodian)
    left = holders - gone
    if certificate.blocks and len(left) >= certificate.threshold:
        raise _false(f"{len(left)} custodians that could still open the blocks did not sign")


def _check_ranges(read: Certificate) -> None:
    """ValueError for what neither chain nor signature could be asked about."""
    cbor.digests([read.genesis, *read.blocks, *read.chunks, *read.beside, *(one.key for one in read.statements)])
    times = [(read.retired_s, 40), *((one.time_s, 40) for one in read.statements)]
    cbor.numbers((read.twin_id, 256), (read.retired_block, 63), *times)
    named = (read.owner, *read.holders, *(one.custodian for one in read.statements))
    if not all(map(is_checksummed, named)):
        raise ValueError("address")


def _false(why: str) -> MedtwinError:
    return VerificationError(f"the erasure certificate does not hold: {why}", kind="bad_certificate")


def _digests(listed: object) -> tuple[bytes, ...]:
    if not isinstance(listed, list):
        raise ValueError("digests")
    return tuple(map(_bytes, listed))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
