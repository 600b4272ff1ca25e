"""One node among its peers: look at what is due, exchange signed observations, post once.

Every node runs this by itself, on its own view of chain and store. It signs at most one report a round
(remembered before it signs), hands it to the others until the round stands on the chain, and posts when it
is its turn: the nodes take turns by twin and round, and a later one steps in when the earlier did not post in time.
All of it can be lost at any instant but what was signed; a turn begins again from the chain.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import cbor2

from ..batches.anchored import awaited_since, batch_count, batched_twins
from ..errors import ChainError, Denied, MedtwinError, StorageError, VerificationError
from ..formats.bundles import Bundle, place_of
from ..formats.typed_data import Domain, recovers_to, report_digest
from ..ports import Peers, Signer
from ..records import Deployment, Observation, Report
from ..stages.post import agree, post
from ..twins import Kind
from .bundles import LOOK_BACK, Standing, read_manifest
from .bundling import ON_ITS_WAY, Bundler, Ready
from .due import Place, allowed, behind
from .evidence import Evidence, Said, said_alone
from .memory import check_memory
from .predict import Node, Seen, observe

PATIENCE_S = 20.0
"""How long each node waits for the one whose turn it is."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 600.0
"""Before a round that could not be computed is tried again; doubled each time, as each try leaves receipts."""
LONGEST_OUTAGE_S = 16.0
"""The same where chain or store did not answer: nobody was asked for keys, and both come back."""
MOST_A_TURN = 32
"""Rounds that a node computes before it says what it has and looks at the chain again."""
RULES = "medtwin/rules/2"
"""Changes whenever the same inputs may give another report; nodes of other rules are not listened to."""


def config_digest(deployment: Deployment, kinds: Iterable[Kind]) -> bytes:
    """What nodes must have in common to agree: the rules, the deployment with its gateways, the models."""
    facts = [
        RULES, deployment.chain_id, deployment.genesis, sorted(deployment.contracts.items()),
        list(deployment.signers), deployment.f, [list(one) for one in deployment.gateways],
        sorted(kind.model_digest for kind in kinds),
    ]  # fmt: skip
    return hashlib.sha256(cbor2.dumps(facts, canonical=True)).digest()


def first_of(place: Place, nodes: int) -> int:
    """Whose turn a round is, in the order of the contract's signers: each twin's rounds go round, and twins begin anywhere."""
    twin, model, round_ = place
    start = hashlib.sha256(twin.to_bytes(32, "big") + model).digest()
    return (int.from_bytes(start, "big") + round_) % nodes


@dataclass(frozen=True, slots=True)
class Happened:
    """Something an operator may want to know; `kind` of a failure is the error's."""

    event: str
    place: Place
    kind: str = ""


@dataclass(slots=True)
class _Round:
    """What this node knows of a round that is not on the chain yet."""

    mine: Seen | None = None
    failed: str = ""
    wait_s: float = FIRST_WAIT_S
    not_before_s: float = 0.0
    observations: dict[str, Observation] = field(default_factory=dict)
    observed_at_s: float = 0.0
    agreed_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Nodes:
    """What the contract says of them in this turn: how many must agree, whose turn follows whose, who may sign."""

    quorum: int
    order: list[str]
    valid: set[str]


class Member:
    """A node of the quorum.

    Parameters
    ----------
    node : Node
        Its key, chain, store, custodians and memory of what it signed.
    sender : Signer
        Pays for its transactions.
    kinds : sequence of Kind
        The models it computes.
    peers : Peers
        The other nodes.
    clock_s : callable
        A clock that never goes back (s).
    depth : int
        Blocks until a batch counts.
    patience_s : float
        How long a node waits for the one before it.
    at_once : int
        Twins looked at side by side, where workers compute.
    bundle : int
        Reports of its turn that it posts as one bundle; 0 for all of them by themselves.
    """

    def __init__(
        self,
        node: Node,
        sender: Signer,
        kinds: Sequence[Kind],
        peers: Peers,
        *,
        clock_s: Callable[[], float],
        depth: int = 0,
        patience_s: float = PATIENCE_S,
        at_once: int = 1,
        bundle: int = 0,
    ) -> None:
        self._node = node
        self._sender = sender
        self._kinds = {kind.model_digest: kind for kind in kinds}
        self._peers = peers
        self._clock_s = clock_s
        self._depth = depth
        self._patience_s = patience_s
        self._at_once = at_once
        self._watched: dict[int, int] = {}
        self._read_until = 0
        self._standing = Standing(node.chain, node.store)
        self._bundler = Bundler(
            node, sender, peers, self._standing, self._compare, clock_s=clock_s, least=bundle, patience_s=patience_s
        )
        self._begun = False
        self._config = b""
        self.newest_batch_s = 0
        self._rounds: defaultdict[Place, _Round] = defaultdict(_Round)
        self._evidence = Evidence()

    @property
    def peers(self) -> Peers:
        """The other nodes."""
        return self._peers

    @property
    def open_rounds(self) -> int:
        """Rounds it knows of that are not on the chain."""
        return len(self._rounds)

    @property
    def dissenting(self) -> set[str]:
        """Nodes that signed another report than this one of a round that is open."""
        return {
            signer
            for known in list(self._rounds.values())
            for signer, said in list(known.observations.items())
            if known.mine and said.report != known.mine.observation.report
        }

    @property
    def without_quorum_s(self) -> float:
        """How long a round that this node reported on has had no quorum (s)."""
        waiting = [one.observed_at_s for one in self._rounds.values() if one.mine and one.agreed_at_s is None]
        return self._clock_s() - min(waiting) if waiting else 0.0

    def turn(self) -> list[Happened]:
        """Look once at everything due; never raises a MedtwinError for one twin's sake.

        Raises
        ------
        ChainError
            The node's own chain does not answer: nothing can be done at all.
        Denied
            ``other_nodes``: the oracle's nodes were changed since it began.
        """
        if not self._begun:
            self._begin()
        if self._node.chain.read("PredictionOracle", "configDigest") != self._config:
            raise Denied(
                "the oracle's nodes were changed while this one ran",
                hint="start it again with the deployment file that names them",
                kind="other_nodes",
            )
        places = self.due()
        for place in set(self._rounds) - set(places):
            del self._rounds[place]
        happened = self._all_observed(places)  # a part of them: what was observed is said before more is looked at
        self._peers.send([seen.mine.observation for seen in list(self._rounds.values()) if seen.mine])
        heard = sorted({signer for known in self._rounds.values() for signer in known.observations})
        quorum, order, *valid = self._node.chain.read_many(
            [
                ("PredictionOracle", "quorum"),
                ("PredictionOracle", "signers"),
                *(("PredictionOracle", "isSigner", one) for one in heard),
            ]
        )
        nodes = _Nodes(quorum, list(order), {one for one, yes in zip(heard, valid, strict=True) if yes})
        happened += self._all_posted(places, nodes)
        return happened + self._accuse()

    def due(self) -> list[Place]:
        """Rounds of approved models, of twins that let the oracle look, with confirmed batches after the last report."""
        chain, store = self._node.chain, self._node.store
        head = chain.head().number
        confirmed = max(0, head - self._depth) if self._depth else None
        since = max(0, self._read_until - LOOK_BACK)
        for twin, time_s in batched_twins(chain, store, since=since).items():
            self._watched[twin] = head
            self.newest_batch_s = max(self.newest_batch_s, time_s)
        awaited = awaited_since(chain, store, since=since)
        self._read_until = head if awaited is None else min(head, awaited)
        late = behind(chain, store, self._kinds, list(self._watched), self._standing.look(), block=confirmed)
        self._watched |= dict.fromkeys((twin for twin, *_ in late), head)
        self._watched = {
            twin: since for twin, since in self._watched.items() if head - since <= LOOK_BACK + self._depth
        }
        return allowed(chain, self._kinds, late)

    def receive(self, observation: Observation) -> bool:
        """Keep what a peer signed, if it may matter; two reports of one round by one node are kept as evidence.

        Raises
        ------
        VerificationError
            The sender is no node, or did not sign this.
        """
        chain, report = self._node.chain, observation.report
        place = (report.twin_id, report.model, report.round)
        if place in self._rounds and self._rounds[place].observations.get(observation.signer) == observation:
            return True  # peers say it at each turn until the round stands
        is_signer, config, latest = chain.read_many(
            [
                ("PredictionOracle", "isSigner", observation.signer),
                ("PredictionOracle", "configDigest"),
                ("PredictionOracle", "latest", report.twin_id, report.model),
            ]
        )
        signed = recovers_to(self._digest(report), observation.signature, observation.signer)
        if not signed or not is_signer:
            raise VerificationError("the observation is not signed by one of the oracle's nodes", kind="bad_signature")
        if report.config != config or report.model not in self._kinds or report.round <= latest.round:
            return False
        if self._standing.holds(report):
            return False
        if place not in self._rounds and report.round > batch_count(chain, report.twin_id, self._node.store):
            return False
        earlier = self._rounds[place].observations.setdefault(observation.signer, observation)
        self._evidence.hold(observation.signer, said_alone(earlier), said_alone(observation))
        return True

    def endorse(self, bundle: Bundle, signature: bytes) -> bytes:
        """This node's signature over a bundle that a peer signed and proposes; errors as of :meth:`Bundler.endorse`.

        Raises
        ------
        Denied
            ``not_begun``: it has not looked at the chain yet, so its memory may be older.
        """
        if not self._begun:
            raise Denied("this node has just begun", kind="not_begun")
        return self._bundler.endorse(bundle, signature)

    # -- inside ----------------------------------------------------------------------

    def _begin(self) -> None:
        """Before the first turn: nothing of an earlier life is on its way, and the memory is not older than the chain."""
        self._node.chain.settle(self._sender)  # else what an earlier life sent could block what this one sends
        check_memory(self._node)
        self._config = self._node.chain.read("PredictionOracle", "configDigest")
        self._begun = True

    def _digest(self, report: Report) -> bytes:
        chain = self._node.chain
        return report_digest(Domain(chain.chain_id, chain.address("PredictionOracle")), report)

    def _all_observed(self, places: Sequence[Place]) -> list[Happened]:
        now_s = self._clock_s()
        known = [(place, self._rounds[place]) for place in places]  # made here, so that threads find them
        places = [place for place, one in known if not one.mine and now_s >= one.not_before_s][:MOST_A_TURN]
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="look") as pool:
            looks = pool.map(self._observed, places) if self._at_once > 1 else map(self._observed, places)
            return [one for look in looks for one in look]

    def _observed(self, place: Place) -> list[Happened]:
        """Make this node's own observation, once; a failure is told once and tried again, ever more seldom."""
        twin, model, round_ = place
        known = self._rounds[place]
        try:
            known.mine = observe(self._node, self._kinds[model], twin, round_)
        except MedtwinError as error:
            again = known.failed == error.kind
            known.failed, known.not_before_s = error.kind, self._clock_s() + known.wait_s
            away = isinstance(error, ChainError | StorageError)
            known.wait_s = min(2 * known.wait_s, LONGEST_OUTAGE_S if away else LONGEST_WAIT_S)
            return [] if again else [Happened("not_observed", place, error.kind)]
        known.observations[self._node.signer.address] = known.mine.observation
        known.observed_at_s = self._clock_s()
        return [Happened("observed", place)]

    def _all_posted(self, places: Sequence[Place], nodes: _Nodes) -> list[Happened]:
        """Post what is ready and stands nowhere yet: as a bundle, or one by one."""
        ready = [one for place in places if (one := self._ready(place, nodes))]
        if not ready:
            return []
        try:
            self._bundler.settle()
            self._standing.look()
        except MedtwinError as error:
            return [Happened("not_posted", one.place, error.kind) for one in ready]
        free = [
            one for one in ready if not self._standing.holds(one.report) and not self._standing.may_hold(one.report)
        ]
        together, alone = self._bundler.choose(free)
        happened = []
        if together:
            why = self._bundler.post(together, nodes.quorum, nodes.valid)
            happened = [Happened("not_bundled" if why else "bundled", one.place, why) for one in together]
            alone = together if why and why != ON_ITS_WAY else []
        return happened + [what for one in alone for what in self._posted(one)]

    def _ready(self, place: Place, nodes: _Nodes) -> Ready | None:
        """The round's report, when a quorum agrees and it is this node's turn."""
        known = self._rounds[place]
        if not known.mine or self._node.signer.address not in nodes.order:
            return None  # it puts nothing on the chain that it did not compute itself, nor once others took its place
        now_s, mine = self._clock_s(), known.mine.observation.report
        said = list(known.observations.values())  # others may say more meanwhile
        try:
            report, signatures = agree([one for one in said if one.signer in nodes.valid], nodes.quorum)
        except Denied:
            return None
        if report != mine:
            return None
        if known.agreed_at_s is None:
            known.agreed_at_s = now_s
        count = len(nodes.order)
        before = (nodes.order.index(self._node.signer.address) - first_of(place, count)) % count
        waited_s = now_s - known.agreed_at_s - before * self._patience_s
        free = waited_s >= 0 and not self._bundler.is_left(place)
        return Ready(report, signatures, waited_s) if free else None

    def _posted(self, one: Ready) -> list[Happened]:
        try:
            mined = post(one.report, one.signatures, self._node.chain, self._sender)
        except MedtwinError as error:
            return [Happened("not_posted", one.place, error.kind)]
        return [Happened("posted", one.place)] if mined else []

    def _accuse(self) -> list[Happened]:
        shown = self._evidence.show(self._node.chain, self._sender)
        return [Happened("equivocation_proven", place, signer) for place, signer in shown]

    def _compare(self, signer: str, bundle: Bundle, signature: bytes) -> None:
        """What a node says by itself and what it signs in a bundle must be the same."""
        try:
            root, listed = read_manifest(self._node.chain, self._node.store, bundle.manifest)
        except StorageError:
            return
        for one in listed if root == bundle.root else ():
            known = self._rounds.get(place_of(one.report))
            alone = known.observations.get(signer) if known else None
            if alone is not None:
                here = Said(one.report, (bundle.manifest, one.path), signature)
                self._evidence.hold(signer, said_alone(alone), here)
