"""Decide on a request for key shares: ask the chain, write the receipt, then answer.

No custodian trusts a gateway, the market or another custodian. Whatever is
doubtful is a no; a no leaves a receipt as a yes does. No receipt, no release.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from eth_utils import is_checksum_address

from ..errors import Denied, InputError, MedtwinError, NotFound, Refused, RevertedError, VerificationError
from ..formats import hpke, merkle, receipt_log, share_table
from ..formats.envelope import open_share, released_info
from ..formats.epochs import epoch_leaf
from ..formats.receipts import request_digest
from ..formats.typed_data import Domain, batch_digest, erasure_digest, receipt_digest, recovers_to, statement_digest
from ..ports import Chain, CustodianState, Head, Mined, Signer
from ..records import (
    Batch,
    Context,
    ErasureRequest,
    ErasureStatement,
    Included,
    KeyRequest,
    Receipt,
    Release,
    SealedShare,
)
from . import tables

LONGEST_LIFE_S = 15 * 60  # of a request, from now to its deadline
MOST_BATCHES = 512
MOST_BLOCKS_BEHIND = 2
NO_HEAD = Head(0, bytes(32), 0)

Item = tuple[Context, SealedShare]
Proof = tuple[Batch, Included]


@dataclass(frozen=True, slots=True)
class _Decision:
    """`reason` is empty for a yes."""

    head: Head
    request: bytes
    reason: str
    signed: bool


class LocalCustodian:
    """A custodian in this process. Implements :class:`oracle.ports.Custodian`.

    Parameters
    ----------
    state : CustodianState
        Its keys, receipts and the nonces it has seen; durable.
    signer : Signer
        Its identity: signs receipts, roots its log on the chain.
    chains : sequence of Chain
        Endpoints of its own; every one must say yes.
    clock : callable
        Now (s).
    random_bytes : callable
        Randomness of the operating system.
    depth : int
        Blocks until a grant counts; a revocation counts at once.
    longest_silence_s : int, optional
        Age of the newest block above which the chain is taken for cut off; none for chains that
        mine only when something happens.
    """

    def __init__(
        self,
        state: CustodianState,
        signer: Signer,
        chains: Sequence[Chain],
        *,
        clock: Callable[[], int],
        random_bytes: Callable[[int], bytes],
        depth: int = 0,
        longest_silence_s: int | None = None,
    ) -> None:
        self._state = state
        self._signer = signer
        self._chains = chains
        self._clock = clock
        self._random_bytes = random_bytes
        self._depth = depth
        self._longest_silence_s = longest_silence_s
        self._anchored: dict[tuple[str, int], bytes] = {}  # (device, sequence) -> digest
        self._rooted: tuple[int, bytes] = (0, bytes(32))  # what the chain was last known to have of the log

    @property
    def address(self) -> str:
        return self._signer.address

    def genesis(self) -> bytes:
        """Hash of block 0 of the chain it decides by."""
        return self._chains[0].head(0).hash

    def problem(self) -> str:
        """Why no decision could be made now; empty if one could."""
        try:
            return self._why_not_agreed([chain.head() for chain in self._chains])
        except MedtwinError:
            return "chain_unavailable"

    def public_key(self, twin_id: int) -> bytes:
        """The key for a twin that exists; Denied once the twin was erased."""
        self._check_exists(twin_id)  # else strangers could have keys made without end
        if self._chains[0].read("TwinToken", "isRetired", twin_id):  # also where a backup brought the key back
            raise _erased()
        private = self._state.key(twin_id, lambda: hpke.new_key(self._random_bytes))
        if private is None:
            raise _erased()
        return hpke.public_key(private)

    def release(self, request: KeyRequest, items: Sequence[Item], proofs: Sequence[Proof] = ()) -> Release:
        if not is_checksum_address(request.grantee):  # another spelling would be another name for the same nonce
            raise InputError(
                f"{request.grantee[:80]!r} is not an address", hint="write it checksummed", kind="bad_address"
            )
        decision = self._decide(request, items, proofs)
        shares: tuple[bytes, ...] = ()
        if not decision.reason:
            try:
                shares = self._reseal(request, decision.request, items)
            except VerificationError as error:
                decision = replace(decision, reason=error.kind)
        receipt = self._write(request, decision)
        if not receipt.permitted:
            raise Refused(receipt)
        return Release(receipt, shares)

    def keep_table(self, body: bytes) -> None:
        table = share_table.unpack(body)
        for chain in self._chains:
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
        witnessed, expected = self._witnessed(self._chains[0])
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
        for chain in self._chains:
            self._check_owner(chain, request)
        domain = Domain(self._chains[0].chain_id, self._chains[0].address("AuditTrail"))

        def stated(private: bytes | None) -> ErasureStatement:
            key = hashlib.sha256(hpke.public_key(private)).digest() if private else bytes(32)
            statement = ErasureStatement(self.address, request.twin_id, key, self._clock())
            return replace(statement, signature=self._signer.sign_digest(statement_digest(domain, statement)))

        return self._state.erase(request.twin_id, stated)

    # -- inside ----------------------------------------------------------------------

    def _check_exists(self, twin_id: int) -> None:
        try:
            self._chains[0].read("TwinToken", "ownerOf", twin_id)
        except RevertedError as error:
            raise NotFound(f"there is no twin {twin_id:#x}", hint="mint it: medtwin twin mint") from error

    def _check_owner(self, chain: Chain, request: ErasureRequest) -> None:
        digest = erasure_digest(Domain(chain.chain_id, chain.address("ConsentRegistry")), request)
        now = self._clock()
        if not now < request.deadline_s <= now + LONGEST_LIFE_S:
            raise Denied("the erasure order is not of now", hint="sign it again", kind="request_expired")
        owner = chain.read("TwinToken", "ownerOf", request.twin_id)
        if owner != request.owner or not chain.is_signed_by(owner, digest, request.signature):
            raise Denied("only the twin's owner can have it erased", hint="sign with the owner's key", kind="not_owner")

    def _decide(self, request: KeyRequest, items: Sequence[Item], proofs: Sequence[Proof]) -> _Decision:
        """Yes only if the request is sound and every endpoint allows it, now and where blocks are confirmed."""
        domain = Domain(self._chains[0].chain_id, self._chains[0].address("ConsentRegistry"))
        digest = request_digest(domain, request)
        try:
            heads = [chain.head() for chain in self._chains]
            asked = (request.grantee, digest, request.signature)
            signed = all(  # where the receipt says it was so, or an auditor finds otherwise
                chain.is_signed_by(*asked, block=head.number) for chain, head in zip(self._chains, heads, strict=True)
            )
            reason = (
                ("" if signed else "bad_signature")
                or self._why_not_timely(request)
                or self._why_not_these(request, items, proofs)
                or self._why_not_agreed(heads)
                or self._why_not_allowed(request, heads)
            )
        except MedtwinError:
            return _Decision(NO_HEAD, digest, "chain_unavailable", False)
        return _Decision(heads[0], digest, reason, signed)

    def _why_not_timely(self, request: KeyRequest) -> str:
        now = self._clock()
        if now >= request.deadline_s:
            return "request_expired"
        if request.deadline_s > now + LONGEST_LIFE_S:
            return "deadline_too_far"
        return "request_replayed" if self._state.is_used(request.grantee, request.nonce) else ""

    def _why_not_these(self, request: KeyRequest, items: Sequence[Item], proofs: Sequence[Proof]) -> str:
        if not 0 < len(items) <= MOST_BATCHES or len(items) != len(request.batches):
            return "wrong_number_of_batches"
        chain = self._chains[0]
        for digest, (context, share) in zip(request.batches, items, strict=True):
            ours = (context.chain_id, context.anchor) == (chain.chain_id, chain.address("DataAnchor"))
            asked = (context.twin_id, context.category) == (request.twin_id, request.category)
            if not ours or not asked or share.custodian != self.address:
                return "wrong_context"
            if (self._digest_of(context) or self._digest_in_epoch(context, proofs)) != digest:
                return "batch_not_anchored"
        return "" if self._state.has_key(request.twin_id) else "no_key_for_twin"

    def _why_not_agreed(self, heads: Sequence[Head]) -> str:
        """Endpoints that are behind, or on another branch, cannot be told from ones that lie."""
        newest, oldest = max(head.number for head in heads), min(head.number for head in heads)
        if newest - oldest > MOST_BLOCKS_BEHIND:
            return "chain_lagging"
        if self._longest_silence_s is not None and self._clock() - heads[0].time_s > self._longest_silence_s:
            return "chain_stale"
        common = max(0, oldest - self._depth)
        hashes = {chain.head(common).hash for chain in self._chains}
        return "" if len(hashes) == 1 else "chain_forked"

    def _why_not_allowed(self, request: KeyRequest, heads: Sequence[Head]) -> str:
        """A revocation counts at once, a grant once it is confirmed; an idle chain's clock does not prolong it."""
        for chain, head in zip(self._chains, heads, strict=True):
            confirmed = max(0, head.number - self._depth) if self._depth else None
            for block in {None, confirmed}:
                reason = _why_not_allowed(chain, request, self._clock(), block)
                if reason:
                    return reason
        return ""

    def _digest_of(self, context: Context) -> bytes | None:
        """Digest the chain has for a batch; so a receipt names what was really opened."""
        place = (context.device, context.sequence)
        if place not in self._anchored:
            for event in self._chains[0].events("DataAnchor", "BatchAnchored", twinId=context.twin_id):
                self._anchored[event.args["device"], event.args["batch"]["sequence"]] = event.args["batch"]["digest"]
        return self._anchored.get(place)

    def _digest_in_epoch(self, context: Context, proofs: Sequence[Proof]) -> bytes | None:
        """Digest of a batch that its device signed and a gateway put into an epoch, as far as it is proven."""
        chain = self._chains[0]
        domain = Domain(chain.chain_id, context.anchor)
        for batch, included in proofs:
            if (batch.twin_id, batch.sequence) != (context.twin_id, context.sequence):
                continue
            posted = chain.events("EpochAnchor", "EpochAnchored", gateway=included.gateway, number=included.number)
            leaf = epoch_leaf(domain, batch, included.signature)
            if (
                recovers_to(batch_digest(domain, batch), included.signature, context.device)
                and posted
                and merkle.verify(posted[-1].args["epoch"]["root"], included.path, leaf)
                and chain.read("DeviceRegistry", "pairingOf", context.device, context.twin_id)[0]
            ):
                return batch.digest
        return None

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

    def _write(self, request: KeyRequest, decision: _Decision) -> Receipt:
        """Number, sign and store the receipt; durable when this returns."""
        # An unsigned request must not use up somebody else's nonce.
        spent = (request.grantee, request.nonce) if decision.signed else None
        try:
            return self._state.append(lambda number: self._receipt(number, request, decision), spent)
        except Denied as error:  # the same request was permitted while this one was decided
            late = replace(decision, reason=error.kind)
            return self._state.append(lambda number: self._receipt(number, request, late), spent)

    def _receipt(self, number: int, request: KeyRequest, decision: _Decision) -> Receipt:
        receipt = Receipt(
            custodian=self.address,
            number=number,
            time_s=self._clock(),
            twin_id=request.twin_id,
            grantee=request.grantee,
            purpose=request.purpose,
            category=request.category,
            batches=request.batches,
            recipient=hashlib.sha256(request.recipient_key).digest(),
            nonce=request.nonce,
            deadline_s=request.deadline_s,
            permitted=not decision.reason,
            reason=decision.reason,
            request=decision.request,
            request_signature=request.signature,
            head_block=decision.head.number,
            head_hash=decision.head.hash,
        )
        domain = Domain(self._chains[0].chain_id, self._chains[0].address("AuditTrail"))
        return replace(receipt, signature=self._signer.sign_digest(receipt_digest(domain, receipt)))


def _erased() -> Denied:
    return Denied("the keys of this twin were destroyed", hint="nothing of it can be opened again", kind="erased")


def _why_not_allowed(chain: Chain, request: KeyRequest, now_s: int, block: int | None) -> str:
    """Empty if the chain allows at `block` (None: the newest) and `now_s`; else which rule said no."""
    asked = (request.twin_id, request.grantee)
    views = (
        ("ConsentRegistry", "isAllowed", *asked, request.category, request.purpose),
        ("ConsentRegistry", "grantOf", *asked),
    )
    allowed, grant = chain.read_many(views, block=block)
    if allowed and chain.read("TwinToken", "ownerOf", request.twin_id, block=block) == request.grantee:
        return ""
    if allowed and now_s < grant.expiry:
        return ""
    rules = (
        (grant.serial == 0, "no_consent"),
        (grant.denied, "consent_denied"),
        (grant.revoked, "consent_revoked"),
        (now_s >= grant.expiry, "consent_expired"),
        (now_s < grant.notBefore, "consent_not_begun"),
        (bool(request.category & ~grant.categories), "category_not_covered"),
        (bool(request.purpose & ~grant.purposes), "purpose_not_covered"),
    )
    return next((reason for broken, reason in rules if broken), "all_consents_withdrawn")
