"""Predict: the path of one report, from sealed batches to the chain.

Each node on its own fetches what it is allowed to, verifies, computes,
explains and signs; whoever holds a quorum of equal reports posts it, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..batches.anchored import anchored_batches, batch_count
from ..batches.fetch import open_batches
from ..errors import Denied, MedtwinError, NotFound, VerificationError
from ..formats.merkle import digest_leaf, root
from ..formats.typed_data import Domain, recovers_to, report_digest
from ..ports import Chain, Custodian, Explanations, Mined, SignedRounds, Signer, Store
from ..records import Explanation, Observation, Purpose, Readings, Report
from ..stages.post import agree, post
from ..stages.sign import sign
from ..stages.verify import window
from .disclose import disclose
from .posted import posted_report
from .reason import Kind, Reason, reason


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
    if chain.read("PredictionOracle", "latest", twin_id, kind.model_digest).round >= round_:
        return Posted(posted_report(chain, twin_id, kind.model_digest, round_), None, None, {})
    seen: list[Seen] = []
    absent: dict[str, str] = {}
    failures: list[MedtwinError] = []
    for node in nodes:
        try:
            seen.append(_signed(chain, observe(node, kind, twin_id, round_)))
        except MedtwinError as error:  # one node's failure must not silence the others
            absent[node.signer.address] = error.sentence
            failures.append(error)
    quorum = int(chain.read("PredictionOracle", "quorum"))
    if len(seen) < quorum and failures:
        raise failures[0]
    report, signatures = agree([one.observation for one in seen], quorum)
    mined = post(report, signatures, chain, sender)
    agreed = next(one for one in seen if one.observation.report == report)
    return Posted(report, agreed, mined, absent)


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
    batches = window(anchored_batches(node.chain, twin_id, node.store), round_, kind.window)
    if batches[-1].block <= (floor := node.signed.floor()):
        raise Denied(
            f"round {round_} ends at block {batches[-1].block}: this node's memory was restored at block {floor}",
            hint="it may have signed the round before; it goes on with batches anchored since",
            kind="before_restore",
        )
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
    reasoned = node.reason(kind, [one.readings for one in opened])
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
    if node.explanations is not None:
        beside = opened[-1].opened.context
        disclose(explanation, beside, node.custodians, node.store, node.explanations, node.random_bytes)
    return Seen(signed, explanation, reasoned.recording)
