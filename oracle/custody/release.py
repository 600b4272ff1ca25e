"""Decide on a request for key shares: ask the chain, write the receipt, then answer.

No custodian trusts a gateway, the market or another custodian. Whatever is
doubtful is a no; a no leaves a receipt as a yes does. No receipt, no release.
Requests that wait are decided together: one look at each endpoint, one write to the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

from ..errors import Denied, InputError, MedtwinError, NotFound, Refused, RevertedError, VerificationError
from ..formats import hpke, receipt_log, share_table
from ..formats.envelope import open_share, released_info
from ..formats.receipts import request_digest
from ..formats.typed_data import (
    Domain,
    dismissal_digest,
    erasure_digest,
    is_checksummed,
    receipt_digest,
    statement_digest,
)
from ..formats.wire import MOST_BATCHES
from ..ports import Chain, CustodianState, Entry, Mined, Signer
from ..records import Context, ErasureRequest, ErasureStatement, KeyRequest, Receipt, Release, SealedShare
from . import tables
from .anchors import Anchors, Proof
from .endpoints import Endpoints, Said

LONGEST_LIFE_S = 15 * 60  # of a request, from now to its deadline

Item = tuple[Context, SealedShare]
Asked = tuple[KeyRequest, Sequence[Item], Sequence[Proof]]
"""A request, the shares it is about, and proofs of those batches that are in epochs."""


class LocalCustodian:
    """A custodian in this process. Implements :class:`oracle.ports.Custodian`.

    Parameters
    ----------
    state : CustodianState
        Its keys, receipts and the nonces it has seen; durable.
    signer : Signer
        Its identity: signs receipts, roots its log on the chain.
    endpoints : Endpoints
        Its own ways to the chain; every one must say yes.
    clock : callable
        Now (s).
    random_bytes : callable
        Randomness of the operating system.
    """

    def __init__(
        self,
        state: CustodianState,
        signer: Signer,
        endpoints: Endpoints,
        *,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self._state = state
        self._signer = signer
        self._endpoints = endpoints
        self._clock = clock
        self._random_bytes = random_bytes
        self._anchors = Anchors()
        self._rooted: tuple[int, bytes] = (0, bytes(32))  # what the chain was last known to have of the log

    @property
    def _chain(self) -> Chain:
        return self._endpoints.chains[0]

    @property
    def address(self) -> str:
        return self._signer.address

    def genesis(self) -> bytes:
        """Hash of block 0 of the chain it decides by."""
        return self._chain.genesis

    def problem(self) -> str:
        """Why no decision could be made now; empty if one could."""
        return self._endpoints.problem()

    def public_key(self, twin_id: int) -> bytes:
        """The key for a twin that exists; Denied once the twin was erased."""
        self._check_exists(twin_id)  # else strangers could have keys made without end
        if self._chain.read("TwinToken", "isRetired", twin_id):  # also where a backup brought the key back
            raise _erased()
        private = self._state.key(twin_id, lambda: hpke.new_key(self._random_bytes))
        if private is None:
            raise _erased()
        return hpke.public_key(private)

    def release(self, request: KeyRequest, items: Sequence[Item], proofs: Sequence[Proof] = ()) -> Release:
        if not is_checksummed(request.grantee):  # another spelling would be another name for the same nonce
            raise InputError(
                f"{request.grantee[:80]!r} is not an address", hint="write it checksummed", kind="bad_address"
            )
        (outcome,) = self.release_together([(request, items, proofs)])
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def release_together(self, asked: Sequence[Asked]) -> list[Release | Refused]:
        """Decide on several requests, as :func:`~oracle.formats.wire.unpack_request` reads them.

        One look at each endpoint and one write to the disk serve all; a refusal is a :class:`~oracle.errors.Refused` in its place.
        """
        domain = Domain(self._chain.chain_id, self._chain.address("ConsentRegistry"))
        digests = [request_digest(domain, request) for request, *_ in asked]
        told = self._endpoints.ask([(request, digest) for (request, *_), digest in zip(asked, digests, strict=True)])
        decided = [self._decided(*one) for one in zip(asked, digests, told, strict=True)]
        receipts = self._state.append([entry for entry, _ in decided])
        return [
            Release(receipt, shares) if receipt.permitted else Refused(receipt)
            for receipt, (_, shares) in zip(receipts, decided, strict=True)
        ]

    def keep_table(self, body: bytes) -> None:
        table = share_table.unpack(body)
        for chain in self._endpoints.chains:
            tables.check_dealer(chain, table)
        if self.address not in table.holders or not self._state.has_key(table.twin_id):
            raise Denied(
                "no share of this table is for this custodian", hint="ask it for its key first", kind="no_share"
            )
        instead_of = tables.replaced_by(table, self._state.tables(table.twin_id))
        self._state.keep_table(table.twin_id, body, instead_of)

    def tables(self, twin_id: int) -> Iterator[bytes]:
        yield from self._state.tables(twin_id)

    def receipts(self, *, since: int = 0) -> Iterator[tuple[bytes, bytes]]:
        yield from self._state.receipts(since)

    def post_root(self, chain: Chain) -> Mined | None:
        """Put the log's (size, root) on the chain; None if nothing was added since the last time."""
        size, root = self._state.head()
        witnessed = self._witnessed(chain)
        if size <= witnessed[0]:
            return None
        return chain.write(self._signer, "AuditTrail", "post", *witnessed, size, root)

    def check_log(self) -> None:
        """The log goes on from the root that the chain has of it.

        Raises
        ------
        VerificationError
            ``older_than_chain``: a restored copy, which would give numbers out twice.
        """
        witnessed, expected = self._witnessed(self._chain)
        frontier = receipt_log.Frontier()
        for leaf, _ in islice(self.receipts(), witnessed):
            frontier.add(receipt_log.leaf_hash(leaf))
        if witnessed and (frontier.size, frontier.root()) != (witnessed, expected):
            raise VerificationError(
                f"the chain witnessed {witnessed} receipts of this custodian, which are not the first of this log",
                hint="it was restored from a backup or started elsewhere: bring back the latest state",
                kind="older_than_chain",
            )

    def _witnessed(self, chain: Chain) -> tuple[int, bytes]:
        """Size and root that the chain has of this log; (0, zeros) before the first."""
        if chain.read("AuditTrail", "isHead", self.address, *self._rooted):
            return self._rooted
        posted = chain.events("AuditTrail", "ReceiptsRooted", custodian=self.address)
        self._rooted = (posted[-1].args["size"], posted[-1].args["root"]) if posted else (0, bytes(32))
        return self._rooted

    def erase(self, request: ErasureRequest) -> ErasureStatement:
        for chain in self._endpoints.chains:
            self._check_owner(chain, request)
        domain = Domain(self._chain.chain_id, self._chain.address("AuditTrail"))

        def stated(private: bytes | None) -> ErasureStatement:
            key = hashlib.sha256(hpke.public_key(private)).digest() if private else bytes(32)
            statement = ErasureStatement(self.address, request.twin_id, key, self._clock())
            return replace(statement, signature=self._signer.sign_digest(statement_digest(domain, statement)))

        return self._state.erase(request.twin_id, stated)

    # -- inside ----------------------------------------------------------------------

    def _check_exists(self, twin_id: int) -> None:
        try:
            self._chain.read("TwinToken", "ownerOf", twin_id)
        except RevertedError as error:
            raise NotFound(f"there is no twin {twin_id:#x}", hint="mint it: medtwin twin mint") from error

    def _check_owner(self, chain: Chain, request: ErasureRequest) -> None:
        """While the twin lives an order is for one custodian: one that is dismissed must not have the others' keys destroyed with it."""
        domain = Domain(chain.chain_id, chain.address("ConsentRegistry"))
        retired = chain.read("TwinToken", "isRetired", request.twin_id)
        digest = erasure_digest(domain, request) if retired else dismissal_digest(domain, request, self.address)
        now = self._clock()
        if not now < request.deadline_s <= now + LONGEST_LIFE_S:
            raise Denied("the erasure order is not of now", hint="sign it again", kind="request_expired")
        owner = chain.read("TwinToken", "ownerOf", request.twin_id)
        if owner != request.owner or not chain.is_signed_by(owner, digest, request.signature):
            raise Denied("only the twin's owner can have it erased", hint="sign with the owner's key", kind="not_owner")

    def _decided(self, asked: Asked, digest: bytes, said: Said) -> tuple[Entry, tuple[bytes, ...]]:
        """What is to be written of a request, and the shares that leave if that says so."""
        request, items, proofs = asked
        shares: tuple[bytes, ...] = ()
        reason = self._why_not(request, said, items, proofs)
        if not reason:
            try:
                shares = self._reseal(request, digest, items)
            except VerificationError as error:
                reason = error.kind
        # An unsigned request must not use up somebody else's nonce.
        spent = (request.grantee, request.nonce) if said.signed else None
        return Entry(partial(self._receipt, request, digest, said, reason), spent), shares

    def _why_not(self, request: KeyRequest, said: Said, items: Sequence[Item], proofs: Sequence[Proof]) -> str:
        """Empty only if the request is sound, every endpoint allows it, and the batches are those on the chain."""
        return (
            said.apart
            or ("" if said.signed else "bad_signature")
            or self._why_not_timely(request, said.now_s)
            or self._why_not_these(request, items)
            or said.reason
            or self._why_not_anchored(request, items, proofs)
        )

    def _why_not_timely(self, request: KeyRequest, now_s: int) -> str:
        if now_s >= request.deadline_s:
            return "request_expired"
        if request.deadline_s > now_s + LONGEST_LIFE_S:
            return "deadline_too_far"
        return "request_replayed" if self._state.is_used(request.grantee, request.nonce) else ""

    def _why_not_these(self, request: KeyRequest, items: Sequence[Item]) -> str:
        if not 0 < len(items) <= MOST_BATCHES or len(items) != len(request.batches):
            return "wrong_number_of_batches"
        here = (self._chain.chain_id, self._chain.address("DataAnchor"), request.twin_id, request.category)
        for context, share in items:
            asked = (context.chain_id, context.anchor, context.twin_id, context.category)
            if asked != here or share.custodian != self.address:
                return "wrong_context"
        return "" if self._state.has_key(request.twin_id) else "no_key_for_twin"

    def _why_not_anchored(self, request: KeyRequest, items: Sequence[Item], proofs: Sequence[Proof]) -> str:
        """A receipt names what is really opened, by all endpoints."""
        try:
            batches = [(digest, context) for digest, (context, _) in zip(request.batches, items, strict=True)]
            known = all(self._anchors.has(chain, batches, proofs) for chain in self._endpoints.chains)
        except MedtwinError:
            return "chain_unavailable"
        return "" if known else "batch_not_anchored"

    def _reseal(self, request: KeyRequest, digest: bytes, items: Sequence[Item]) -> tuple[bytes, ...]:
        private = self._state.key(request.twin_id, lambda: b"")
        if not private:
            raise VerificationError("there is no key for this twin", kind="no_key_for_twin")
        return tuple(
            hpke.seal(
                request.recipient_key,
                open_share(private, context, share),
                released_info(context, self.address, digest),
            )
            for context, share in items
        )

    def _receipt(
        self, request: KeyRequest, digest: bytes, said: Said, reason: str, number: int, fresh: bool
    ) -> Receipt:
        """Number and sign what was decided; the same request may have been permitted meanwhile."""
        if not reason and not fresh:
            reason = "request_replayed"
        receipt = Receipt(
            custodian=self.address,
            number=number,
            time_s=said.now_s,
            twin_id=request.twin_id,
            grantee=request.grantee,
            purpose=request.purpose,
            category=request.category,
            batches=request.batches,
            recipient=hashlib.sha256(request.recipient_key).digest(),
            nonce=request.nonce,
            deadline_s=request.deadline_s,
            permitted=not reason,
            reason=reason,
            request=digest,
            request_signature=request.signature,
            head_block=said.head.number,
            head_hash=said.head.hash,
        )
        domain = Domain(self._chain.chain_id, self._chain.address("AuditTrail"))
        return replace(receipt, signature=self._signer.sign_digest(receipt_digest(domain, receipt)))


def _erased() -> Denied:
    return Denied("the keys of this twin were destroyed", hint="nothing of it can be opened again", kind="erased")
