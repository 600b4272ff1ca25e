"""PredictionOracle: many reports posted by their root.

postBundle
  given three of four nodes signed
    it keeps the root, whoever sends it, and changes no slot
  given two signed, an unknown key or a wrong order
    it refuses
  when a signed field or the domain differs
    it refuses each
  when it is sent again
    it refuses
  when root or manifest is empty
    it refuses
  given a suspended node among the signers
    it refuses
settle
  given a report of the bundle
    it does what posting it would have done, whoever sends it
  when it is settled again, or after a later round
    it refuses
  given a report that is in no bundle, or a path of another
    it refuses
  given a report that posting would refuse
    it refuses each
  given other nodes took over since
    it settles under the old config, and refuses a new root of theirs
consumeProven
  given a report of the bundle, settled or not
    it gives it
  given a later round in the slot
    it refuses
  given a report beyond the limits, withheld or unfit
    it refuses each
  given a report that is in no bundle
    it refuses
proveEquivocation
  given two bundles, or a bundle and a report
    it suspends who signed both
  given one report twice
    it refuses
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

from tests.contracts.clock import now_s
from tests.contracts.events import expected, logged
from tests.contracts.explanations import MANIFEST, Bundle
from tests.contracts.reports import ALONE, NO_ANSWER, Quorum
from tests.contracts.reverts import reverts_with
from tests.contracts.signing import OTHER_DOMAINS, key_of, recovered, signed

WIDE, LONG_S = 10**6, 86_400
HIGHER = {"score": 200_000}


@pytest.fixture
def bundle(quorum: Quorum) -> Bundle:
    """Two rounds of a twin, and one of another model that nobody approved."""
    return Bundle(quorum, (quorum.report(1), quorum.report(2, score=150_000), quorum.report(1, model=b"\x12" * 32)))


def test_post_bundle_by_quorum_keeps_the_root(
    oracle: Any, bundle: Bundle, twin: int, model: bytes, stranger: Any
) -> None:
    """One event, nothing else: no report counts yet."""
    tx = bundle.post(stranger)

    fields = bundle.fields()
    assert logged(tx) == [expected("BundlePosted", **fields)]
    assert oracle.latest(twin, model)[0] == 0
    assert oracle.finalAt(bundle.reports[0], bundle.place(0)) == tx.timestamp + oracle.WINDOW()


def test_post_bundle_without_a_quorum_is_refused(oracle: Any, bundle: Bundle, stranger: Any) -> None:
    """The same rule as for reports."""
    first, second = (bundle.quorum.nodes[node].address for node in (0, 1))
    unknown = Account.from_key(b"\x0f" * 32)

    with reverts_with("QuorumNotMet", 2, 3):
        bundle.post(stranger, 0, 1)
    with reverts_with("SignersNotAscending", second, first):
        bundle.post(stranger, 1, 0, 2)
    with reverts_with("UnknownSigner", unknown.address):
        bundle.post(stranger, 0, 1, unknown)
    with reverts_with("BundleUnknown", bundle.fields()["root"], bundle.fields()["config"]):
        bundle.settle(0, stranger)


@pytest.mark.parametrize("change", [
    {"root": b"\x01" * 32}, {"manifest": b"\x01" * 32}, *({"domain": domain} for domain in OTHER_DOMAINS),
])  # fmt: skip
def test_post_bundle_of_what_was_not_signed_is_refused(
    oracle: Any, bundle: Bundle, stranger: Any, change: dict[str, Any]
) -> None:
    """The signature recovers a key that nobody has."""
    signatures = bundle.sign(0, 1, 2, **change.pop("domain", {}))
    fields = bundle.fields(**change)

    with reverts_with("UnknownSigner", recovered(signatures[:65], oracle, "Bundle", fields)):
        oracle.postBundle(tuple(fields.values()), signatures, {"from": stranger})


def test_post_bundle_again_is_refused(bundle: Bundle, stranger: Any) -> None:
    """The time it may be refuted in does not begin anew."""
    bundle.post(stranger)

    with reverts_with("BundleExists", bundle.fields()["root"]):
        bundle.post(stranger, 1, 2, 3)


@pytest.mark.parametrize("empty", ["root", "manifest"])
def test_post_bundle_of_nothing_is_refused(oracle: Any, bundle: Bundle, stranger: Any, empty: str) -> None:
    """A bundle that nobody could look into."""
    with reverts_with("EmptyBundle"):
        oracle.postBundle(tuple(bundle.fields(**{empty: bytes(32)}).values()), bundle.sign(0, 1, 2), {"from": stranger})


def test_post_bundle_by_suspended_node_is_refused(oracle: Any, bundle: Bundle, quorum: Quorum, stranger: Any) -> None:
    """As for reports; the three others still reach the quorum."""
    a, b = quorum.report(3), quorum.report(3, **HIGHER)
    oracle.proveEquivocation(quorum.signed(1, a), quorum.signed(1, b), {"from": stranger})

    with reverts_with("UnknownSigner", quorum.nodes[1].address):
        bundle.post(stranger)
    bundle.post(stranger, 0, 2, 3)


def test_settle_does_what_posting_does(
    oracle: Any, bundle: Bundle, quorum: Quorum, twin: int, model: bytes, stranger: Any
) -> None:
    """The same event, the same word."""
    bundle.post(stranger)
    report = bundle.reports[1]

    tx = bundle.settle(1, stranger)

    digest = bytes(oracle.reportDigest(report))
    assert logged(tx) == [
        expected("PredictionPosted", twinId=twin, model=model, round=2, reportDigest=digest, report=report)
    ]
    assert oracle.latest(twin, model) == (2, *report[3:8], 1)
    assert oracle.consume(twin, model, LONG_S, WIDE)[0] == 2


def test_settle_never_goes_back(bundle: Bundle, quorum: Quorum, stranger: Any) -> None:
    """In whatever order they come, by bundle or alone."""
    bundle.post(stranger)
    bundle.settle(1, stranger)

    for place, round_ in ((1, 2), (0, 1)):
        with reverts_with("RoundNotAfter", round_, 2):
            bundle.settle(place, stranger)
    with reverts_with("RoundNotAfter", 2, 2):
        quorum.post(quorum.report(2), stranger)
    quorum.post(quorum.report(3), stranger)


def test_settle_of_what_is_in_no_bundle_is_refused(oracle: Any, bundle: Bundle, quorum: Quorum, stranger: Any) -> None:
    """Another report, another report's path, none; and a root is not a report."""
    bundle.post(stranger)
    config, other = bundle.fields()["config"], quorum.report(1, **HIGHER)

    for report, path in ((other, bundle.path(0)), (bundle.reports[0], bundle.path(1)), (bundle.reports[0], [])):
        lone = Bundle(quorum, (report,)).leaves()[0]
        root = computed(lone, path)
        with reverts_with("BundleUnknown", root, config):
            oracle.settle(report, path, {"from": stranger})


def computed(leaf: bytes, path: list[bytes]) -> bytes:
    """What OpenZeppelin's MerkleProof makes of a path."""
    for sibling in path:
        leaf = keccak(min(leaf, sibling) + max(leaf, sibling))
    return leaf


def test_settle_of_what_posting_refuses_is_refused(
    quorum: Quorum, bundle: Bundle, twins: Any, twin: int, patient: Any, stranger: Any
) -> None:
    """A quorum's word does not make a report fit: model, numbers, time, twin."""
    late = now_s() + 10_000
    unfit = Bundle(quorum, (
        quorum.report(1, model=b"\x12" * 32), quorum.report(1, low=9, score=8, high=9), quorum.report(1, asOf=late),
        quorum.report(0),
    ))  # fmt: skip
    unfit.post(stranger)

    with reverts_with("ModelNotApproved", b"\x12" * 32):
        unfit.settle(0, stranger)
    with reverts_with("InvalidAnswer", 1, 9, 8, 9):
        unfit.settle(1, stranger)
    with reverts_with("InvalidTime", late, now_s() + 1):
        unfit.settle(2, stranger)
    with reverts_with("RoundNotAfter", 0, 0):
        unfit.settle(3, stranger)
    bundle.post(stranger)
    twins.retire(twin, {"from": patient})
    with reverts_with("TwinIsRetired", twin):
        bundle.settle(0, stranger)


def test_settle_after_rotation_keeps_its_config(
    oracle: Any, bundle: Bundle, quorum: Quorum, twin: int, model: bytes, stranger: Any
) -> None:
    """What was posted stays; what was signed and not posted is void."""
    bundle.post(stranger)
    waiting = Bundle(quorum, (quorum.report(3),))
    votes, fields = waiting.sign(0, 1, 2), waiting.fields()
    others = sorted((key_of(one) for one in (1, 2, 8, 9)), key=lambda key: int(key.address, 16))
    rotate(quorum, others, stranger)

    with reverts_with("WrongConfig", fields["config"], bytes(oracle.configDigest())):
        oracle.postBundle(tuple(fields.values()), votes, {"from": stranger})
    bundle.settle(0, stranger)
    assert oracle.latest(twin, model)[-1] == 1


def rotate(quorum: Quorum, others: list[LocalAccount], sender: Any) -> None:
    """Put other nodes in place."""
    oracle, end = quorum.oracle, now_s() + 3_600
    message = {
        "config": bytes(oracle.configDigest()), "signers": [key.address for key in others], "faulty": 1, "number": 2,
        "deadline": end,
    }  # fmt: skip
    votes = b"".join(signed(node, oracle, "Rotation", message) for node in quorum.nodes[:3])
    oracle.rotate(message["signers"], 1, end, votes, {"from": sender})


def test_consume_proven_gives_the_report(
    oracle: Any, bundle: Bundle, quorum: Quorum, twin: int, model: bytes, stranger: Any
) -> None:
    """Without writing; after it was settled too."""
    bundle.post(stranger)
    first, second = bundle.reports[:2]

    assert oracle.consumeProven(first, bundle.path(0), LONG_S, WIDE) == (1, *first[3:8], 1)
    assert oracle.latest(twin, model)[0] == 0
    bundle.settle(1, stranger)
    assert oracle.consumeProven(second, bundle.path(1), LONG_S, WIDE) == oracle.consume(twin, model, LONG_S, WIDE)


def test_consume_proven_behind_the_slot_is_refused(oracle: Any, bundle: Bundle, quorum: Quorum, stranger: Any) -> None:
    """Nobody is shown an older round than the chain has, nor another report of the same."""
    bundle.post(stranger)
    bundle.settle(1, stranger)
    with reverts_with("RoundNotAfter", 1, 2):
        oracle.consumeProven(bundle.reports[0], bundle.path(0), LONG_S, WIDE)

    other = Bundle(quorum, (quorum.report(2, **HIGHER),))
    other.post(stranger)
    with reverts_with("RoundNotAfter", 2, 2):
        oracle.consumeProven(other.reports[0], [], LONG_S, WIDE)


def test_consume_proven_beyond_limits_is_refused(
    oracle: Any, quorum: Quorum, twins: Any, models: Any, twin: int, model: bytes, patient: Any, approver: Any,
    stranger: Any,
) -> None:  # fmt: skip
    """All that `consume` and `post` refuse."""
    old = quorum.report(1, asOf=now_s() - 1_000)
    none = quorum.report(2, status=NO_ANSWER, low=0, score=0, high=0)
    crooked = quorum.report(3, low=9, score=8, high=9)
    bundle = Bundle(quorum, (old, none, crooked))
    bundle.post(stranger)

    with reverts_with("PredictionStale", old.asOf, now_s() - 900):
        oracle.consumeProven(old, bundle.path(0), 900, WIDE)
    with reverts_with("PredictionTooWide", 110_000, 290_000, 179_999):
        oracle.consumeProven(old, bundle.path(0), LONG_S, 179_999)
    with reverts_with("PredictionWithheld", twin, model):
        oracle.consumeProven(none, bundle.path(1), LONG_S, WIDE)
    with reverts_with("InvalidAnswer", 1, 9, 8, 9):
        oracle.consumeProven(crooked, bundle.path(2), LONG_S, WIDE)
    models.withdraw(model, b"\x01" * 32, {"from": approver})
    with reverts_with("ModelNotApproved", model):
        oracle.consumeProven(old, bundle.path(0), LONG_S, WIDE)


def test_consume_proven_of_no_bundle_is_refused(oracle: Any, bundle: Bundle) -> None:
    """Signed or not: what counts is what a quorum posted."""
    fields = bundle.fields()

    with reverts_with("BundleUnknown", fields["root"], fields["config"]):
        oracle.consumeProven(bundle.reports[0], bundle.path(0), LONG_S, WIDE)


@pytest.mark.parametrize("both", [True, False])
def test_prove_equivocation_across_bundles_suspends(
    oracle: Any, quorum: Quorum, bundle: Bundle, twin: int, model: bytes, stranger: Any, both: bool
) -> None:
    """A signature over many reports is one over each of them; neither bundle need be posted."""
    other = Bundle(quorum, (quorum.report(1, **HIGHER), quorum.report(7)))
    ours = (bundle.reports[0], bundle.place(0), bundle.sign(1))
    theirs = (other.reports[0], other.place(0), other.sign(1)) if both else quorum.signed(1, other.reports[0])

    tx = oracle.proveEquivocation(ours, theirs, {"from": stranger})

    liar = quorum.nodes[1].address
    assert logged(tx) == [expected("EquivocationProven", signer=liar, twinId=twin, model=model, round=1)]
    assert not oracle.isSigner(liar)


def test_prove_equivocation_of_one_report_twice_is_refused(
    oracle: Any, quorum: Quorum, bundle: Bundle, stranger: Any
) -> None:
    """By itself and in a bundle is no lie; nor is a signature that stands elsewhere than is said."""
    report = bundle.reports[0]
    ours = (report, bundle.place(0), bundle.sign(1))

    with reverts_with("NotEquivocation"):
        oracle.proveEquivocation(ours, quorum.signed(1, report), {"from": stranger})
    nobody = recovered(bundle.sign(1), oracle, "Report", report._asdict())
    with reverts_with("UnknownSigner", nobody):
        oracle.proveEquivocation((report, ALONE, bundle.sign(1)), quorum.signed(1, report), {"from": stranger})
    assert bundle.fields()["manifest"] == MANIFEST
