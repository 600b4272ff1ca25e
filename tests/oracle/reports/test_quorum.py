"""One node among its peers, on the real contracts: who posts, who waits, who is found out."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.journal import SqliteSignedRounds
from oracle.adapters.memory import new_signer
from oracle.errors import VerificationError
from oracle.formats.receipts import decode
from oracle.formats.typed_data import Domain, report_digest
from oracle.records import Channel, Features, Observation, Prediction, Readings
from oracle.reports.predict import Node
from oracle.reports.quorum import LONGEST_OUTAGE_S, Happened, Member, first_of
from tests.simulation.parties import Mean

if TYPE_CHECKING:
    from oracle.adapters.keys import LocalSigner

    from ..conftest import Stage, Twin

PATIENCE_S = 10.0


class Rate(Mean):
    """The simulation's small model, for the recordings of these tests."""

    schema = "unit/1"
    channels = (Channel("heart_rate", "/min", 0, 350), Channel("temperature", "Cel", 15, 46))


class Liar(Rate):
    """Of the same name, with another answer."""

    def predict(self, features: Features) -> Prediction:
        """One more than is true."""
        true = super().predict(features)
        return replace(true, score_e6=true.score_e6 + 1, high_e6=true.high_e6 + 1)


@dataclass
class Quorum:
    """Four nodes in a room: everything said is heard by those who are awake."""

    stage: Stage
    signers: Sequence[LocalSigner]
    members: list[Member] = field(default_factory=list)
    asleep: set[int] = field(default_factory=set)
    now_s: float = 0.0
    said: list[Observation] = field(default_factory=list)

    def turn(self, *whose: int) -> list[Happened]:
        """One turn of each, in this order."""
        return [one for number in whose for one in self.members[number].turn()]

    def posted(self) -> list[int]:
        """Rounds on the chain."""
        return [one.args["round"] for one in self.stage.chain.events("PredictionOracle", "PredictionPosted")]


class Room:
    """One node's voice."""

    def __init__(self, quorum: Quorum, number: int) -> None:
        self.quorum, self.number = quorum, number

    def send(self, observations: Sequence[Observation]) -> None:
        """To all others."""
        self.quorum.said += observations
        for number, member in enumerate(self.quorum.members):
            if number != self.number and number not in self.quorum.asleep:
                for one in observations:
                    member.receive(one)


@pytest.fixture
def quorum(stage: Stage, twin: Twin, custodians: Any, tmp_path: Path, recorded: Callable[..., Readings]) -> Quorum:
    """Four nodes, a twin that lets the oracle look, and one batch; numbered so that round 1 is the second one's."""
    kind = Rate()
    stage.chain.write(stage.hospital, "ModelRegistry", "register", kind.model_digest, bytes([7] * 32), bytes(32), False)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", kind.model_digest)
    twin.allow(stage.chain.address("PredictionOracle"))
    twin.publish(recorded())
    order = [str(one) for one in stage.chain.read("PredictionOracle", "signers")]
    second = first_of((twin.twin_id, kind.model_digest, 1), len(order))
    by_address = {one.address: one for one in stage.node_signers}
    made = Quorum(stage, [by_address[order[(second - 1 + at) % len(order)]] for at in range(len(order))])
    for at, signer in enumerate(made.signers):
        stage.opened.fund(signer.address, 10**17)
        signed = SqliteSignedRounds(tmp_path / f"n{at}.sqlite")
        node = Node(signer, stage.chain, twin.edge.store, custodians, signed, os.urandom)
        made.members.append(
            Member(node, signer, [kind], Room(made, at), clock_s=lambda: made.now_s, patience_s=PATIENCE_S)
        )
    return made


def events(happened: list[Happened]) -> list[str]:
    """What happened, in words."""
    return [one.event for one in happened]


def test_the_node_whose_turn_it_is_posts_once(quorum: Quorum) -> None:
    """Round 1 is the second node's; the others see it on the chain and are silent."""
    first = quorum.turn(0, 1, 2, 3)
    second = quorum.turn(0, 1, 2, 3)
    third = quorum.turn(0, 1, 2, 3)

    assert events(first) == ["observed"] * 4
    assert (events(second), events(third)) == (["posted"], [])
    assert quorum.posted() == [1]
    assert [member.open_rounds for member in quorum.members] == [0] * 4


def test_turns_are_spread_over_the_nodes() -> None:
    """A twin's rounds go round all nodes, and the same round of many twins is no single node's."""
    rng = random.Random(7)
    places = [(rng.getrandbits(256), rng.randbytes(32), rng.randrange(1, 100)) for _ in range(4_000)]
    first = Counter(first_of((twin, model, 1), 4) for twin, model, _ in places)

    for twin, model, round_ in places:
        assert {first_of((twin, model, round_ + more), 4) for more in range(4)} == {0, 1, 2, 3}
    assert all(abs(first[node] - 1_000) < 5 * 28 for node in range(4))  # five times the deviation of fair turns


def test_the_next_node_steps_in_after_its_patience(quorum: Quorum) -> None:
    """The second node agreed and fell asleep; the third waits ten seconds for it."""
    quorum.turn(0, 1, 2, 3)
    quorum.turn(0, 2, 3)
    early = quorum.posted()
    quorum.now_s = PATIENCE_S
    happened = quorum.turn(0, 2, 3)

    assert early == []
    assert events(happened) == ["posted"]
    assert quorum.posted() == [1]


def test_two_of_four_post_nothing(quorum: Quorum) -> None:
    """However long they wait."""
    for now_s in (0.0, 100.0, 1000.0):
        quorum.now_s = now_s
        quorum.turn(0, 1)

    assert quorum.posted() == []


def test_more_liars_than_allowed_for_are_shown(quorum: Quorum) -> None:
    """Two of four sign another value: nothing is posted, and the others count who says otherwise, and how long it lasts."""
    for member in quorum.members[2:]:
        member._kinds = {model: Liar() for model in member._kinds}
    quorum.turn(0, 1, 2, 3)
    quorum.now_s = 90.0
    quorum.turn(0, 1, 2, 3)
    liars = {member._node.signer.address for member in quorum.members[2:]}

    assert quorum.posted() == []
    assert [member.dissenting for member in quorum.members[:2]] == [liars, liars]
    assert [member.without_quorum_s for member in quorum.members[:2]] == [90.0, 90.0]


def test_a_node_without_an_own_result_posts_nothing(quorum: Quorum, twin: Twin) -> None:
    """What three others signed is not enough for it: it cannot see the data, so it vouches for nothing."""
    blocks, twin.edge.store.blocks = twin.edge.store.blocks, {}  # type: ignore[attr-defined]
    failed = quorum.turn(1)
    twin.edge.store.blocks = blocks  # type: ignore[attr-defined]
    quorum.turn(0, 2, 3)
    twin.edge.store.blocks = {}  # type: ignore[attr-defined]
    again = quorum.turn(1)

    assert events(failed) == ["not_observed"]
    assert again == []  # told once
    assert quorum.posted() == []


def test_what_fails_is_tried_ever_more_seldom(quorum: Quorum, custodians: Any, twin: Twin) -> None:
    """Each try asks custodians and leaves receipts: a round that cannot be computed must not fill their logs."""
    quorum.members[0]._kinds = {model: Broken() for model in quorum.members[0]._kinds}
    asked, tried = set[bytes](), list[float]()
    for _ in range(60):
        quorum.now_s += 10
        quorum.turn(0)
        requests = {decode(*entry).request for one in custodians for entry in one.receipts()}
        tried += [quorum.now_s] if requests > asked else []
        asked = requests

    assert tried == [10, 20, 30, 40, 60, 100, 170, 300, 560]  # 2, 4, 8 ... 256 s after the one before, and no sooner


class Broken(Rate):
    """A model that knows none of the twin's channels, which is seen only when they are open."""

    channels = ()


def test_what_only_chain_or_store_failed_is_tried_again_soon(quorum: Quorum, twin: Twin) -> None:
    """Two minutes without a store leaves no receipts; the node is back seconds after it, not minutes."""
    blocks, twin.edge.store.blocks = twin.edge.store.blocks, {}  # type: ignore[attr-defined]
    for _ in range(12):
        quorum.now_s += 10
        quorum.turn(0)
    twin.edge.store.blocks = blocks  # type: ignore[attr-defined]
    quorum.now_s += LONGEST_OUTAGE_S

    assert events(quorum.turn(0)) == ["observed"]


def test_a_restarted_node_signs_the_same_again(quorum: Quorum, stage: Stage, tmp_path: Path) -> None:
    """It lost all but what it had signed, and comes to the same report."""
    quorum.turn(0)
    before = quorum.said[-1]
    old = quorum.members[0]
    quorum.members[0] = Member(old._node, quorum.signers[0], [Rate()], Room(quorum, 0), clock_s=lambda: quorum.now_s)
    quorum.turn(0)

    assert quorum.said[-1].report == before.report
    assert len(quorum.said) == 2


def test_a_strangers_word_is_refused(quorum: Quorum, stage: Stage) -> None:
    """Not a node's key, or a node's name with another's signature."""
    quorum.turn(0)
    heard = quorum.said[-1]
    stranger = new_signer()
    digest = report_digest(Domain(stage.chain.chain_id, stage.chain.address("PredictionOracle")), heard.report)
    by_stranger = Observation(heard.report, stranger.address, stranger.sign_digest(digest))
    in_its_name = replace(heard, signer=quorum.signers[1].address)

    for one in (by_stranger, in_its_name):
        with pytest.raises(VerificationError):
            quorum.members[2].receive(one)


@pytest.mark.parametrize("change", [{"round": 2}, {"round": 0}, {"config": bytes(32)}, {"model": bytes(32)}])
def test_what_is_not_due_is_let_go(quorum: Quorum, stage: Stage, change: dict[str, Any]) -> None:
    """A round without data, another configuration, an unknown model: nothing is kept of it."""
    quorum.turn(0)
    lie = signed(stage, quorum.signers[3], replace(quorum.said[-1].report, **change))

    assert not quorum.members[2].receive(lie)
    assert quorum.members[2].open_rounds == 1  # what the first node said


def test_a_node_that_says_two_things_is_suspended(quorum: Quorum, stage: Stage) -> None:
    """Whoever heard both brings them before the contract; the other three still report."""
    quorum.turn(0)
    honest = quorum.said[-1].report
    liar = quorum.signers[3]
    for report in (replace(honest, score_e6=honest.score_e6 + 1, high_e6=honest.high_e6 + 1), honest):
        quorum.members[1].receive(signed(stage, liar, report))
    happened = quorum.turn(1)
    quorum.turn(2)
    quorum.turn(1)

    assert "equivocation_proven" in events(happened)
    assert not stage.chain.read("PredictionOracle", "isSigner", liar.address)
    assert quorum.posted() == [1]


def signed(stage: Stage, signer: LocalSigner, report: Any) -> Observation:
    """A report in a node's own hand."""
    digest = report_digest(Domain(stage.chain.chain_id, stage.chain.address("PredictionOracle")), report)
    return Observation(report, signer.address, signer.sign_digest(digest))
