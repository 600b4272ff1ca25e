"""Nodes that bundle, on the real contracts: who proposes, who signs, and what happens when somebody does not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.index import EventIndex, IndexedChain
from oracle.adapters.journal import SqliteOutbox, SqliteSignedRounds
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches import anchored
from oracle.batches.publish import publish
from oracle.errors import ChainError, Denied, MedtwinError, StorageError, VerificationError
from oracle.formats.bundles import Bundle, bundle_digest, bundled, place_of
from oracle.formats.typed_data import Domain, report_digest
from oracle.records import Category, Observation, Purpose, Readings, Report, TwinClass
from oracle.reports import bundles
from oracle.reports.lists import read_lists
from oracle.reports.memory import check_memory
from oracle.reports.posted import postings, report_of
from oracle.reports.predict import Node
from oracle.reports.quorum import Happened, Member, first_of
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.stages.post import post, post_bundle

from .test_quorum import Rate

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

PATIENCE_S = 10.0
TWINS = 2


@dataclass
class Table:
    """Four nodes, and twins whose first round is the same node's: number 0."""

    stage: Stage
    store: MemoryStore
    twins: list[int]
    members: list[Member] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    silent: set[int] = field(default_factory=set)
    now_s: float = 0.0
    asked: list[tuple[Bundle, bytes]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def turn(self, *whose: int) -> list[Happened]:
        """One turn of each, in this order."""
        return [one for number in whose for one in self.members[number].turn()]

    def agreed(self) -> None:
        """All have said what they saw; nothing is posted yet, as the turn is number 0's."""
        self.turn(1, 2, 3)
        self.members[0]._begin()
        self.members[0]._all_observed(self.members[0].due())
        self.members[0]._peers.send([one.mine.observation for one in self.members[0]._rounds.values() if one.mine])

    @property
    def domain(self) -> Domain:
        return Domain(self.stage.chain.chain_id, self.stage.chain.address("PredictionOracle"))

    def alone(self) -> int:
        """Reports posted by themselves."""
        return len(self.events("PredictionPosted"))

    def events(self, name: str) -> list[Any]:
        """Of the oracle."""
        return self.stage.chain.events("PredictionOracle", name)

    def reports(self) -> list[Report]:
        """What number 1 signed."""
        return [one.mine.observation.report for one in self.members[1]._rounds.values() if one.mine]

    def proposed(
        self, reports: Sequence[Report], by: int = 0, *, keep: bool = True, **change: Any
    ) -> tuple[Bundle, bytes]:
        """A bundle in a node's own hand."""
        made, block = bundled(self.domain, reports)
        made = replace(made, **change)
        if keep:
            self.store.put(block)
        return made, self.nodes[by].signer.sign_digest(bundle_digest(self.domain, made))

    def standing(self) -> list[list[int]]:
        """Rounds of each twin, as readers see them."""
        return [[one.report.round for one in postings(self.stage.chain, self.store, twin)] for twin in self.twins]


class Seat:
    """One node's voice at the table."""

    def __init__(self, table: Table, number: int) -> None:
        self.table, self.number = table, number

    def send(self, observations: Sequence[Observation]) -> None:
        """To all others."""
        for number, member in enumerate(self.table.members):
            if number != self.number:
                for one in observations:
                    member.receive(one)

    def ask(self, bundle: Bundle, signature: bytes) -> Iterator[bytes]:
        """Those who are awake."""
        self.table.asked.append((bundle, signature))
        for number, member in enumerate(self.table.members):
            if number != self.number and number not in self.table.silent:
                try:
                    yield member.endorse(bundle, signature)
                except MedtwinError as error:
                    self.table.refused.append(error.kind)


@pytest.fixture
def table(stage: Stage, twin: Twin, custodians: Any, recorded: Callable[..., Readings], tmp_path: Path) -> Table:
    """A batch for each twin, and nodes in the contract's order that begin with whose turn it is."""
    anchored._awaited.clear()
    bundles._read.cache.clear()
    chain, kind = stage.chain, Rate()
    chain.write(stage.hospital, "ModelRegistry", "register", kind.model_digest, bytes([7] * 32), bytes(32), False)
    chain.write(stage.hospital, "ModelRegistry", "approve", kind.model_digest)
    order, twins = [str(one) for one in chain.read("PredictionOracle", "signers")], list[int]()
    while len(twins) < TWINS:
        twin_id = new_twin_id(TwinClass.PATIENT, os.urandom)
        if first_of((twin_id, kind.model_digest, 1), len(order)) == 0:
            twins.append(twin_id)
    for twin_id in twins:
        owner, device = stage.person(), new_signer()
        mint(chain, owner, twin_id)
        pair(chain, owner, device, twin_id, stage.now_s() + DAY_S)
        oracle = chain.address("PredictionOracle")
        grant(chain, owner, twin_id, oracle, categories=Category.VITALS, purposes=Purpose.CARE, days=1)
        keys = {one.address: one.public_key(twin_id) for one in custodians}
        outbox = SqliteOutbox(tmp_path / f"{twin_id}.sqlite", device.address, "test")
        list(publish(replace(twin.edge, device=device, twin_id=twin_id, outbox=outbox, custodians=keys), [recorded()]))
    assert isinstance(twin.edge.store, MemoryStore)
    made, by_address = Table(stage, twin.edge.store, twins), {one.address: one for one in stage.node_signers}
    for at, address in enumerate(order):
        stage.opened.fund(address, 10**17)
        signed = SqliteSignedRounds(tmp_path / f"n{at}.sqlite")
        made.nodes.append(Node(by_address[address], chain, made.store, custodians, signed, os.urandom))
        made.members.append(seated(made, at))
    return made


def seated(table: Table, at: int, least: int = TWINS) -> Member:
    """A fresh process of a node."""
    return Member(
        table.nodes[at], table.nodes[at].signer, [Rate()], Seat(table, at), clock_s=lambda: table.now_s,
        patience_s=PATIENCE_S, bundle=least,
    )  # fmt: skip


def names(happened: list[Happened]) -> list[tuple[str, str]]:
    """What happened, and why."""
    return [(one.event, one.kind) for one in happened]


def test_rounds_of_one_turn_are_posted_as_one_bundle(table: Table) -> None:
    """One transaction, no report by itself; everybody sees both rounds, once, and nothing is left to do."""
    table.agreed()
    first = table.turn(0)
    again = table.turn(0, 1, 2, 3)

    assert names(first) == [("bundled", "")] * TWINS
    assert (again, table.alone(), len(table.events("BundlePosted"))) == ([], 0, 1)
    assert table.standing() == [[1]] * TWINS
    assert [member.open_rounds for member in table.members] == [0] * 4
    assert not table.members[1].receive(late(table))


def late(table: Table) -> Observation:
    """What a node says again of a round that stands in a bundle."""
    report = postings(table.stage.chain, table.store, table.twins[0])[0].report
    signer = table.nodes[3].signer
    return Observation(report, signer.address, signer.sign_digest(report_digest(table.domain, report)))


def test_bundled_reports_are_found_through_the_index(table: Table, tmp_path: Path) -> None:
    """By twin, as the event that posting each would have made; a twin in no list costs no look into any."""
    table.agreed()
    table.turn(0)
    chain, first = table.stage.chain, table.twins[0]
    index = EventIndex(f"sqlite:///{tmp_path}/index.sqlite", chain.deployment)
    index.follow(chain)
    assert read_lists(chain, table.store, index) == len(table.events("BundlePosted"))

    through = IndexedChain(chain, index)
    (entry,) = index.entries("BundlePosted", twin_id=first)
    assert report_of(entry.args["report"]) in table.reports() and entry.args["twinId"] == first
    assert postings(through, table.store, first) == postings(chain, table.store, first) != []  # type: ignore[arg-type]
    assert through.naming(table.events("BundlePosted"), first)
    assert through.naming(table.events("BundlePosted"), 7) == []
    index.close()


def test_without_a_quorum_of_answers_they_are_posted_one_by_one(table: Table) -> None:
    """In the same turn: nothing waits for peers that are silent."""
    table.silent = {2, 3}
    table.agreed()
    happened = table.turn(0)

    assert names(happened) == [("not_bundled", "no_quorum")] * TWINS + [("posted", "")] * TWINS
    assert (table.alone(), table.events("BundlePosted")) == (TWINS, [])
    assert table.standing() == [[1]] * TWINS


def test_too_few_wait_for_company_for_half_of_the_patience(table: Table) -> None:
    """Then they are posted by themselves, before the next node would step in."""
    table.members[0] = seated(table, 0, least=TWINS + 1)
    table.agreed()
    early = table.turn(0)
    table.now_s = PATIENCE_S / 2
    happened = table.turn(0)

    assert (early, names(happened)) == ([], [("posted", "")] * TWINS)


def test_a_node_that_proposes_none_signs_others(table: Table) -> None:
    """So that operators may begin one by one."""
    table.members[1:] = [seated(table, at, least=0) for at in (1, 2, 3)]
    table.agreed()

    assert names(table.turn(0)) == [("bundled", "")] * TWINS


def test_the_next_node_bundles_for_one_that_died(table: Table) -> None:
    """It had asked for signatures and was killed: its peers leave the rounds to it for a while, and then none is lost."""
    table.agreed()
    reports = table.reports()
    for at in (1, 2, 3):
        table.members[at].endorse(*table.proposed(reports))
    table.now_s = PATIENCE_S / 2
    early = table.turn(1, 2, 3)
    table.now_s = PATIENCE_S * 3 / 2
    happened = table.turn(1, 2, 3)

    assert early == []
    assert names(happened) == [("bundled", "")] * TWINS
    assert table.standing() == [[1]] * TWINS


def test_who_proposes_again_and_again_and_never_posts_holds_nothing_up(table: Table) -> None:
    """A liar's proposals are sound, so they are signed; the others leave it a round once and no longer."""
    table.agreed()
    reports = table.reports()
    for at in range(12):
        table.now_s = at * PATIENCE_S / 4
        for number in (1, 2, 3):
            with suppress(Denied):
                table.members[number].endorse(*table.proposed(reports[:1]))
        table.turn(1, 2, 3)

    assert table.standing() == [[1]] * TWINS


def test_what_became_of_a_bundle_is_known_before_more_is_sent(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain took it and the answer was lost: its reports are not posted as well."""
    table.agreed()
    write = type(table.stage.chain).write

    def lost(chain: Any, *args: Any, **more: Any) -> Any:
        write(chain, *args, **more)
        raise ChainError("the chain stopped answering")

    monkeypatch.setattr(type(table.stage.chain), "write", lost)
    happened = table.turn(0)
    monkeypatch.undo()
    again = table.turn(0, 1, 2, 3)

    assert names(happened) == [("not_bundled", "may_be_posted")] * TWINS
    assert (again, table.alone(), len(table.events("BundlePosted"))) == ([], 0, 1)


def test_a_restarted_proposer_posts_once(table: Table) -> None:
    """Killed after it stored the list, or after it posted: it comes back, and each round stands once."""
    table.agreed()
    table.proposed(table.reports())
    table.members[0] = seated(table, 0)
    table.turn(0)
    table.turn(1, 2, 3)
    table.turn(0)
    table.members[0] = seated(table, 0)
    table.turn(0, 1, 2, 3)

    assert table.standing() == [[1]] * TWINS
    assert table.alone() + TWINS * len(table.events("BundlePosted")) == TWINS


def test_a_bundle_that_is_wrong_is_not_signed(table: Table) -> None:
    """Another value, a list that is missing or does not give its root, a stranger's hand, another configuration."""
    table.agreed()
    honest = table.reports()
    lie = replace(honest[0], score_e6=honest[0].score_e6 + 1, high_e6=honest[0].high_e6 + 1)
    made, _ = table.proposed(honest)
    stranger = new_signer().sign_digest(bundle_digest(table.domain, made))
    cases: list[tuple[tuple[Bundle, bytes], type[MedtwinError], str]] = [
        (table.proposed([lie, honest[1]]), VerificationError, "other_report"),
        (table.proposed([lie], keep=False), StorageError, "missing_block"),
        (table.proposed(honest, root=bytes([1] * 32)), VerificationError, "malformed_manifest"),
        (table.proposed(honest, manifest=table.store.put(b"junk")), VerificationError, "malformed_manifest"),
        (table.proposed([replace(one, config=bytes(32)) for one in honest]), Denied, "other_config"),
        (table.proposed([replace(honest[0], round=2)]), Denied, "not_signed"),
        ((made, stranger), VerificationError, "bad_signature"),
        ((made, bytes(65)), VerificationError, "bad_signature"),
    ]

    for proposal, error, kind in cases:
        with pytest.raises(error) as caught:
            table.members[1].endorse(*proposal)
        assert caught.value.kind == kind
    assert not table.nodes[1].signed.knows(int.from_bytes(made.root, "big"), made.config, 0)


def test_who_says_one_thing_alone_and_proposes_another_is_suspended(table: Table) -> None:
    """Whoever is asked has both signatures, and shows them to the contract; the rounds stand all the same."""
    table.agreed()
    honest, liar = table.reports(), table.nodes[0].signer.address
    lie = replace(honest[0], score_e6=honest[0].score_e6 + 1, high_e6=honest[0].high_e6 + 1)
    with pytest.raises(VerificationError):
        table.members[1].endorse(*table.proposed([lie, honest[1]]))
    happened = table.turn(1)
    table.now_s = PATIENCE_S
    table.turn(1, 2, 3)

    assert ("equivocation_proven", liar) in names(happened)
    assert not table.stage.chain.read("PredictionOracle", "isSigner", liar)
    assert table.standing() == [[1]] * TWINS


def test_who_says_one_thing_alone_and_signs_another_proposal_is_suspended(table: Table) -> None:
    """The proposer has both signatures."""
    table.agreed()
    honest, signer = table.reports()[0], table.nodes[3].signer
    lie = replace(honest, score_e6=honest.score_e6 + 1, high_e6=honest.high_e6 + 1)
    said = Observation(lie, signer.address, signer.sign_digest(report_digest(table.domain, lie)))
    table.members[0]._rounds[place_of(honest)].observations[signer.address] = said
    table.silent = {2}
    happened = table.turn(0)

    assert ("equivocation_proven", signer.address) in names(happened)
    assert not table.stage.chain.read("PredictionOracle", "isSigner", signer.address)


def test_a_round_is_signed_in_one_bundle_at_a_time(table: Table) -> None:
    """The same again, and after a while another; a round that stands, alone or bundled, in none."""
    table.agreed()
    one, two = table.reports()
    first = table.members[1].endorse(*table.proposed([one, two]))
    assert table.members[1].endorse(*table.proposed([one, two])) == first
    with pytest.raises(Denied) as caught:
        table.members[1].endorse(*table.proposed([one], by=2))
    table.now_s = PATIENCE_S
    table.members[1].endorse(*table.proposed([one], by=2))
    post(one, votes(table, report_digest(table.domain, one)), table.stage.chain, table.stage.hospital)
    with pytest.raises(Denied) as alone:
        table.members[1].endorse(*table.proposed([one, two]))
    made, _ = table.proposed([two])
    post_bundle(made, votes(table, bundle_digest(table.domain, made)), table.stage.chain, table.stage.hospital)
    with pytest.raises(Denied) as in_bundle:
        table.members[2].endorse(*table.proposed([two]))

    assert [error.value.kind for error in (caught, alone, in_bundle)] == ["left_to_another", "on_chain", "on_chain"]


def votes(table: Table, digest: bytes) -> list[bytes]:
    """Of three nodes, ascending as the contract has them."""
    return [node.signer.sign_digest(digest) for node in table.nodes[:3]]


def test_while_a_list_is_awaited_nothing_it_may_hold_is_posted(table: Table) -> None:
    """A quorum posted something that this node cannot read yet: for five minutes that may be these rounds."""
    table.agreed()
    made, block = bundled(table.domain, table.reports())
    post_bundle(made, votes(table, bundle_digest(table.domain, made)), table.stage.chain, table.stage.hospital)
    waiting = table.turn(0, 1)
    with pytest.raises(Denied):
        table.members[1].endorse(*table.proposed(table.reports()[:1]))
    table.store.put(block)
    anchored._awaited.clear()
    table.turn(0)

    assert (waiting, table.alone(), table.standing()) == ([], 0, [[1]] * TWINS)


def test_a_memory_older_than_a_bundle_is_refused(table: Table) -> None:
    """Also while its list is not there: what it signed is remembered by its root."""
    table.agreed()
    table.turn(0)
    table.store.remove(table.asked[0][0].manifest)
    signed = SqliteSignedRounds(":memory:")
    for one in (0, 1):
        check_memory(table.nodes[one])

    with pytest.raises(Denied) as caught:
        check_memory(replace(table.nodes[0], signed=signed))
    assert caught.value.kind == "old_memory"


def test_a_node_that_has_not_begun_signs_nothing(table: Table) -> None:
    """Its memory was not held against the chain yet."""
    table.agreed()
    fresh = seated(table, 2)

    with pytest.raises(Denied) as caught:
        fresh.endorse(*table.proposed(table.reports()))
    assert caught.value.kind == "not_begun"
