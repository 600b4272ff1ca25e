"""Rotation of the oracle's nodes.

given a plan that a quorum of the present nodes agreed to, together or in copies of the file
  the chain has the new nodes and what was reported stays; once only, wherever an earlier run was cut off
given fewer, or others, or signatures for another plan, or a plan whose time or configuration is over
  nothing changes
given a deployment file from before, or a node that runs on
  it is refused, and the node does nothing more
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from oracle import deploy
from oracle.adapters.journal import SqliteSignedRounds
from oracle.adapters.memory import new_signer
from oracle.adapters.peer_http import HttpPeers
from oracle.errors import ChainError, Denied, InputError
from oracle.reports import rotation
from oracle.reports.predict import Node
from oracle.reports.quorum import Member
from oracle.reports.rotation import Plan
from oracle.serve.cli import oracle as command

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

HOUR_S = 3_600


@pytest.fixture
def plan(stage: Stage) -> Plan:
    """The last node leaves, a new one comes; nobody agreed yet."""
    others = [*(one.address for one in stage.node_signers[:3]), new_signer().address]
    return rotation.propose(stage.chain, others, 1, HOUR_S)


def agreed(stage: Stage, plan: Plan, by: tuple[int, ...] = (0, 1, 2)) -> Plan:
    for at in by:
        plan = rotation.agree(stage.chain, plan, stage.node_signers[at])
    return plan


def numbers(stage: Stage) -> list[int]:
    """The configurations there were."""
    return [one.args["number"] for one in stage.chain.events("PredictionOracle", "ConfigSet")]


def test_a_quorum_puts_other_nodes_in_place(stage: Stage, plan: Plan) -> None:
    """Each signs a copy of its own; whoever has them all sends, and once is enough."""
    copies = [rotation.from_json(rotation.to_json(agreed(stage, plan, (at,)))) for at in (2, 0, 1)]
    whole = rotation.merged(copies)

    mined = rotation.rotate(stage.chain, stage.person(), whole)

    assert mined is not None and rotation.is_done(stage.chain, whole)
    assert tuple(stage.chain.read("PredictionOracle", "signers")) == plan.signers
    assert rotation.rotate(stage.chain, stage.person(), whole) is None
    assert numbers(stage) == [1, 2]


def test_fewer_or_others_change_nothing(stage: Stage, plan: Plan) -> None:
    """Two of four; somebody who is no node; and signatures under a plan that was changed afterwards."""
    with pytest.raises(Denied) as caught:
        rotation.agree(stage.chain, plan, new_signer())
    assert caught.value.kind == "not_a_node"
    whole = agreed(stage, plan)
    changed = replace(
        whole, signers=tuple(sorted((*plan.signers[:3], new_signer().address), key=lambda one: int(one, 16)))
    )
    for given in (agreed(stage, plan, (0, 3)), changed, replace(whole, faulty=0)):
        with pytest.raises(Denied) as caught:
            rotation.rotate(stage.chain, stage.hospital, given)
        assert caught.value.kind == "no_quorum"
    assert numbers(stage) == [1]


def test_a_plan_counts_for_its_time_and_configuration(stage: Stage, plan: Plan) -> None:
    """After another rotation, and at its deadline, it is worth nothing; a second before it is."""
    whole = agreed(stage, plan)
    stage.travel(plan.deadline_s - 1 - stage.now_s())
    assert agreed(stage, plan) == whole
    stage.travel(1)
    with pytest.raises(Denied) as caught:
        rotation.rotate(stage.chain, stage.hospital, whole)
    assert caught.value.kind == "old_plan"

    first, second = (rotation.propose(stage.chain, plan.signers, faulty, HOUR_S) for faulty in (1, 0))
    signed = agreed(stage, second)
    rotation.rotate(stage.chain, stage.hospital, agreed(stage, first))
    for late in (lambda: rotation.rotate(stage.chain, stage.hospital, signed), lambda: agreed(stage, second)):
        with pytest.raises(Denied) as caught:
            late()
        assert caught.value.kind == "old_plan"
    assert numbers(stage) == [1, 2]


class Cut:
    """A chain whose line breaks before or after the sending of the rotation."""

    def __init__(self, chain: Any, when: str) -> None:
        self._chain, self.when = chain, when

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def write(self, *args: Any) -> Any:
        """Once."""
        when, self.when = self.when, ""
        if when == "before":
            raise ChainError("the chain stopped answering")
        mined = self._chain.write(*args)
        if when == "after":
            raise ChainError("the chain stopped answering")
        return mined


@pytest.fixture
def files(stage: Stage, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The command's plan and deployment file."""
    found = SimpleNamespace(plan=tmp_path / "plan.json", deployment=tmp_path / "deployment.json", chain=stage.chain)
    found.plan.write_text(rotation.to_json(agreed(stage, plan)))
    deploy.save(stage.chain.deployment, found.deployment)
    monkeypatch.setattr(command, "signer", lambda _: stage.hospital)
    monkeypatch.setattr(command, "open_suite", lambda _: found.chain)
    monkeypatch.setattr(command.Settings, "read", lambda: SimpleNamespace(deployment=found.deployment))
    yield found


@pytest.mark.parametrize("when", ["before", "after", "save", ""])
def test_cut_off_anywhere_the_command_goes_on(
    stage: Stage, plan: Plan, files: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Before or after sending, before the file is written, or not at all: then one rotation, and the file names it."""
    old = files.deployment.read_text()
    files.chain = Cut(stage.chain, when)
    with monkeypatch.context() as patch:
        if when == "save":
            patch.setattr(deploy, "save", lambda *_: (_ for _ in ()).throw(OSError("no space")))
        if when:
            with pytest.raises((ChainError, OSError)):
                command.rotate([files.plan])
            assert files.deployment.read_text() == old

    command.rotate([files.plan])

    assert numbers(stage) == [1, 2]
    found = deploy.load(files.deployment)
    assert (found.signers, found.f) == (plan.signers, 1)
    assert found.contracts == stage.chain.deployment.contracts
    rotation.refuse_old(stage.chain, found)
    with pytest.raises(Denied) as caught:
        rotation.refuse_old(stage.chain, stage.chain.deployment)
    assert caught.value.kind == "other_nodes"


@pytest.mark.parametrize("change", [
    {"format": "medtwin/rotation/2"}, {"signers": ["0x12"]}, {"oracle": 7}, {"config": "0xno"}, {"number": "two"},
    {"signatures": {"0x12": "0x"}}, {"signatures": []},
])  # fmt: skip
def test_what_is_no_plan_is_refused(plan: Plan, change: dict[str, Any]) -> None:
    """One field wrong is enough; as it was it reads back."""
    told = json.loads(rotation.to_json(plan))
    assert rotation.from_json(json.dumps(told)) == plan

    for text in (json.dumps(told | change), "[]", "{", "null"):
        with pytest.raises(InputError):
            rotation.from_json(text)


def test_plans_that_differ_are_not_put_together(stage: Stage, plan: Plan) -> None:
    """Nor are too few nodes for the liars they shall bear ever proposed."""
    with pytest.raises(InputError):
        rotation.merged([plan, replace(plan, faulty=0)])
    with pytest.raises(InputError):
        rotation.propose(stage.chain, plan.signers[:3], 1, HOUR_S)
    assert numbers(stage) == [1]


def test_a_node_that_runs_on_does_nothing_more(stage: Stage, plan: Plan, twin: Twin) -> None:
    """It is told so at its next turn, until it is started again."""

    def started() -> Member:
        node = Node(signer, stage.chain, twin.edge.store, [], SqliteSignedRounds(":memory:"), os.urandom)
        return Member(node, signer, [], HttpPeers(()), clock_s=time.monotonic)

    signer = stage.node_signers[0]
    running = started()
    assert running.turn() == []
    rotation.rotate(stage.chain, stage.hospital, agreed(stage, plan))

    for _ in range(2):
        with pytest.raises(Denied) as caught:
            running.turn()
        assert caught.value.kind == "other_nodes"
    assert started().turn() == []
