"""Predict: the path of one report, from sealed batches to the chain.

Each node on its own fetches what it is allowed to, verifies, computes,
explains and signs; whoever holds a quorum of equal reports posts it, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..batches.anchored import HIDDEN_AFTER_S, batch_count, certain_batches, gap_in
from ..batches.fetch import open_batches
from ..errors import Denied, MedtwinError, NotFound, StorageError, VerificationError
from ..formats.merkle import digest_leaf, root
from ..formats.typed_data import Domain, recovers_to, report_digest
from ..ports import Chain, Custodian, Explanations, Mined, SignedRounds, Signer, Store
from ..records import AnchoredBatch, Context, Explanation, Observation, Purpose, Readings, Report
from ..stages.post import agree, post
from ..stages.sign import sign
from ..stages.verify import window
from ..twins import Kind
from .bundles import listed_reports
from .disclose import disclose
from .posted import posted_report
from .reason import Reason, Reasoned, reason, unanswered

HIDDEN = "a batch that the chain names did not arrive"


@dataclass(frozen=True, slots=True)
class Node:
    """One oracle node: its own key, its own view of chain and store, its own memory of what it signed.

    `reason` computes, here or on workers; what it needs of secrets stays here.
    """

    signer: Signer
    chain: Chain
    store: Store
    custodians: Sequence[Custodian]
    signed: SignedRounds
    random_bytes: Callable[[int], bytes]
    explanations: Explanations | None = None
    reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Seen:
    """What a node concluded: its signed report, why, and the readings behind it."""

    observation: Observation
    explanation: Explanation
    readings: Readings


@dataclass(frozen=True, slots=True)
class Posted:
    """A round that stands on the chain. `mined` is None if another run posted it; `absent` says which nodes failed and why."""

    report: Report
    seen: Seen | None
    mined: Mined | None
    absent: dict[str, str]


def predict(nodes: Sequence[Node], sender: Signer, kind: Kind, twin_id: int) -> Posted:
    """Bring the twin's newest round to the chain.

    Raises
    ------
    NotFound
        The twin has no batches.
    Denied
        Fewer nodes than the quorum could see the data or agreed.
    """
    chain = nodes[0].chain
    round_ = batch_count(chain, twin_id, nodes[0].store)
    if round_ == 0:
        raise NotFound(f"twin {twin_id:#x} has no batches", hint="publish readings first: medtwin publish")
    store, model = nodes[0].store, kind.model_digest
    alone = chain.read("PredictionOracle", "latest", twin_id, model).round
    if max([alone, *(one.round for one in listed_reports(chain, store, twin_id, model))]) >= round_:
        return Posted(posted_report(chain, store, twin_id, model, round_), None, None, {})
    made = agreed(nodes, kind, twin_id, round_, int(chain.read("PredictionOracle", "quorum")))
    mined = post(made.report, made.signatures, chain, sender)
    return Posted(made.report, made.seen, mined, made.absent)


@dataclass(frozen=True, slots=True)
class Agreed:
    """A report with the signatures of a quorum, not on the chain yet."""

    report: Report
    signatures: list[bytes]
    seen: Seen
    absent: dict[str, str]


def agreed(nodes: Sequence[Node], kind: Kind, twin_id: int, round_: int, quorum: int) -> Agreed:
    """Let each node observe a round by itself, and gather what they signed.

    Raises
    ------
    Denied
        Fewer nodes than the quorum could see the data or agreed.
    """
    chain, seen, absent, failures = nodes[0].chain, list[Seen](), dict[str, str](), list[MedtwinError]()
    for node in nodes:
        try:
            seen.append(_signed(chain, observe(node, kind, twin_id, round_)))
        except MedtwinError as error:  # one node's failure must not silence the others
            absent[node.signer.address] = error.sentence
            failures.append(error)
    if len(seen) < quorum and failures:
        raise failures[0]
    report, signatures = agree([one.observation for one in seen], quorum)
    return Agreed(report, signatures, next(one for one in seen if one.observation.report == report), absent)


def _signed(chain: Chain, seen: Seen) -> Seen:
    """What a node saw, if the chain will take its signature: one bad one would spoil the others' report."""
    one = seen.observation
    digest = report_digest(Domain(chain.chain_id, chain.address("PredictionOracle")), one.report)
    if not (recovers_to(digest, one.signature, one.signer) and chain.read("PredictionOracle", "isSigner", one.signer)):
        raise VerificationError(
            f"node {one.signer} did not sign its report as one of the oracle's", kind="bad_signature"
        )
    return seen


def observe(node: Node, kind: Kind, twin_id: int, round_: int) -> Seen:
    """One node's independent reading of one round: fetch, verify, features, model, explain, sign."""
    batches = window(certain_batches(node.chain, twin_id, node.store), round_, kind.window)
    if batches[-1].block <= (floor := node.signed.floor()):
        raise Denied(
            f"round {round_} ends at block {batches[-1].block}: this node's memory was restored at block {floor}",
            hint="it may have signed the round before; it goes on with batches anchored since",
            kind="before_restore",
        )
    reasoned, beside = _reasoned(node, kind, batches)
    prediction, explanation = reasoned.prediction, reasoned.explanation
    report = Report(
        twin_id=twin_id,
        model=kind.model_digest,
        round=round_,
        as_of_s=batches[-1].batch.end_s,
        status=int(prediction.status),
        score_e6=prediction.score_e6,
        low_e6=prediction.low_e6,
        high_e6=prediction.high_e6,
        inputs_root=root([digest_leaf(one.batch.digest) for one in batches]),
        explanation_root=explanation.root,
        config=node.chain.read("PredictionOracle", "configDigest"),
    )
    domain = Domain(node.chain.chain_id, node.chain.address("PredictionOracle"))
    signed = sign(report, report_digest(domain, report), node.signer, node.signed)
    if node.explanations is not None and beside is not None:
        disclose(explanation, beside, node.custodians, node.store, node.explanations, node.random_bytes)
    return Seen(signed, explanation, reasoned.recording)


def _reasoned(node: Node, kind: Kind, batches: Sequence[AnchoredBatch]) -> tuple[Reasoned, Context | None]:
    """What the model says of a window, or that a part of it is hidden; and where the explanation may stand."""
    if gap_in(batches):
        return unanswered(kind, HIDDEN), None
    try:
        opened = open_batches(
            node.chain,
            node.store,
            node.custodians,
            node.signer,
            batches,
            grantee=node.chain.address("PredictionOracle"),
            category=int(kind.category),
            purpose=int(Purpose.CARE),
            random_bytes=node.random_bytes,
            schema=kind.schema,
        )
    except StorageError as error:
        if error.kind == "missing_block" and _is_overdue(node, batches):
            return unanswered(kind, HIDDEN), None
        raise
    return node.reason(kind, [one.readings for one in opened]), opened[-1].opened.context


def _is_overdue(node: Node, batches: Sequence[AnchoredBatch]) -> bool:
    """Whether a block that is not here was anchored so long ago that it is not waited for any more."""
    now_s = node.chain.head().time_s
    return any(one.time_s + HIDDEN_AFTER_S <= now_s and not node.store.has(one.batch.digest) for one in batches)
