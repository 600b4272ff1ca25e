"""The simulation's chain beside the real contracts: both take and refuse the same, and say the same afterwards."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from oracle.adapters.memory import new_signer
from oracle.errors import RevertedError
from oracle.formats import merkle
from oracle.formats.bundles import Bundle, bundle_digest, bundled, leaf_of
from oracle.formats.epochs import epoch_leaf
from oracle.formats.typed_data import Domain, batch_digest, report_digest
from oracle.records import Batch, Report, Status, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.stages.post import ALONE, report_fields
from tests.simulation.endpoint import Endpoint
from tests.simulation.ledger import Ledger, running_hash

if TYPE_CHECKING:
    from oracle.adapters.keys import LocalSigner

    from .conftest import Stage

DAY_S = 86_400
ACTS = 360
MODEL = bytes(31) + b"m"


class Fair:
    """A network on which nothing happens."""

    def call(self) -> None:
        """Nothing."""

    def lag(self) -> int:
        """None."""
        return 0

    def lies(self) -> bool:
        """It does not."""
        return False


@dataclass
class Pair:
    """The same hospital twice: on the contracts, and on the simulated chain."""

    stage: Stage
    rng: random.Random
    twins: dict[int, LocalSigner]
    devices: list[LocalSigner]
    gateway: LocalSigner
    stranger: LocalSigner
    nodes: list[LocalSigner]
    ledger: Ledger
    signed: list[tuple[Report, Report, LocalSigner]] = field(default_factory=list)
    told: Counter[tuple[str, str]] = field(default_factory=Counter)

    def domain(self, contract: str) -> Domain:
        """What both sign for."""
        return Domain(self.stage.chain.chain_id, self.stage.chain.address(contract))

    def both(self, name: str, sender: LocalSigner, real: Callable[[], Any], *args: Any) -> None:
        """Do it on either; both take it, or both refuse."""
        simulated = self.ledger.submit(sender.address, name, *args)
        refused = ""
        try:
            real()
        except RevertedError as error:
            refused = error.error
        here = ""
        try:
            tip = self.ledger.blocks[-1]
            self.ledger.apply(tip.state.copy(), simulated, self.stage.now_s(), tip.head.number + 1, 0)
        except RevertedError as error:
            here = error.error
        assert bool(refused) == bool(here), (
            f"{name}: the contracts say {refused or 'yes'}, the simulation {here or 'yes'}"
        )
        self.told[name, "refused" if refused else "taken"] += 1
        if refused:
            self.ledger.pool.remove(simulated)
        else:
            self.ledger.mine(self.stage.now_s())

    # -- what is done ----------------------------------------------------------------

    def pair(self) -> None:
        """A device, perhaps one that is paired, perhaps by nobody's owner."""
        twin, device = self.rng.choice(list(self.twins)), self.rng.choice([*self.devices, *[self.gateway] * 3])
        sender = self.rng.choice((self.twins[twin], self.twins[twin], self.stranger))
        until_s = self.stage.now_s() + self.rng.choice((DAY_S // 2, 9 * DAY_S))
        self.both(
            "pair", sender, lambda: pair(self.stage.chain, sender, device, twin, until_s), device.address, twin, until_s
        )

    def unpair(self) -> None:
        """A device, perhaps by a stranger."""
        device = self.rng.choice(self.devices).address
        sender = self.rng.choice((*self.twins.values(), self.stranger))
        self._write("unpair", sender, "DeviceRegistry", device)

    def anchor(self) -> None:
        """A device's next batch, perhaps with something wrong."""
        device, twin = self.rng.choice(self.devices), self.rng.choice(list(self.twins))
        sequence, prefix = self.stage.chain.read("DataAnchor", "headOf", device.address)
        now_s = self.stage.now_s()
        batch = Batch(twin, sequence + 1, bytes(prefix) + bytes(8), self.rng.randbytes(32), self.rng.randbytes(32), 3, now_s - 9, now_s)  # fmt: skip
        wrong = ({}, {}, {}, {"sequence": sequence + 2}, {"previous": bytes(31) + b"x"}, {"end_s": now_s + DAY_S})
        batch = replace(batch, **self.rng.choice(wrong))  # type: ignore[arg-type]
        signature = device.sign_digest(batch_digest(self.domain("DataAnchor"), batch))
        self._write("anchor", self.stage.hospital, "DataAnchor", astuple(batch), signature)

    def admit(self) -> None:
        """Anybody may ask for it."""
        self._write("admit", self.stranger, "EpochAnchor", self.gateway.address)

    def anchorEpoch(self) -> None:
        """By the gateway or somebody who is none, perhaps of nothing."""
        sender = self.rng.choice((self.gateway, self.gateway, self.stranger))
        epoch = (self.rng.randbytes(32), self.rng.choice((0, 1, 5)), self.rng.randbytes(32))
        self._write("anchorEpoch", sender, "EpochAnchor", epoch)

    def prove(self) -> None:
        """A new gateway posts an epoch of two batches, and somebody shows one of them or both, right or wrong."""
        stage, rng, now_s = self.stage, self.rng, self.stage.now_s()
        gateway, owner, twin = stage.person(), *rng.choice([(owner, twin) for twin, owner in self.twins.items()])
        until_s, domain = now_s + DAY_S, self.domain("DataAnchor")
        self.both(
            "pair", owner, lambda: pair(stage.chain, owner, gateway, twin, until_s), gateway.address, twin, until_s
        )
        self._write("admit", self.stranger, "EpochAnchor", gateway.address)
        signer = rng.choice((gateway, new_signer()))  # a gateway is a paired device too
        first = Batch(twin, 1, bytes(32), rng.randbytes(32), rng.randbytes(32), 3, now_s - 9, now_s)
        change = rng.choice(({"root": bytes(32)}, {"sequence": 2}, {"sequence": 2, "previous": first.digest}))
        listed = [(one, signer.sign_digest(batch_digest(domain, one))) for one in (first, replace(first, **change))]
        leaves = [epoch_leaf(domain, *one) for one in listed]
        paths = merkle.proofs(leaves)
        others = [(rng.randbytes(32), 1, rng.randbytes(32)) for _ in range(2)]
        posted = [others[0], (merkle.root(leaves), 2, rng.randbytes(32)), others[1]]
        for epoch in posted:
            self._write("anchorEpoch", gateway, "EpochAnchor", epoch)
        wrong = rng.choice(("", "", "", "before", "later", "path"))
        before = bytes(21) if wrong == "before" else running_hash(posted[:1])
        place = (before, posted[1], [] if wrong == "later" else posted[2:])
        shown = [
            (astuple(one), signature, () if wrong == "path" else paths[leaf])
            for (one, signature), leaf in zip(listed, leaves, strict=True)
        ]
        if rng.random() < 0.4:
            self._write("proveUnknownDevice", self.stranger, "EpochAnchor", gateway.address, place, shown[0])
        else:
            both = (place, shown[0], place, shown[1])
            self._write("proveBrokenSequence", self.stranger, "EpochAnchor", gateway.address, *both)
        self._write("anchorEpoch", gateway, "EpochAnchor", others[0])

    def grant(self) -> None:
        """To one of a few, perhaps by a stranger."""
        twin, grantee = self.rng.choice(list(self.twins)), self._grantee()
        sender = self.rng.choice((self.twins[twin], self.twins[twin], self.stranger))
        scope, seconds = (self.rng.randint(1, 3), self.rng.randint(1, 3)), self.rng.choice((DAY_S // 2, 9 * DAY_S))
        now_s = self.stage.now_s()
        self.both(
            "grant", sender,
            lambda: self.stage.chain.write(
                sender, "ConsentRegistry", "grant", twin, grantee, (*scope, now_s, now_s + seconds)
            ),
            twin, grantee, *scope, seconds,
        )  # fmt: skip

    def revoke(self) -> None:
        """What may never have been granted."""
        twin = self.rng.choice(list(self.twins))
        sender = self.rng.choice((self.twins[twin], self.twins[twin], self.stranger))
        self._write("revoke", sender, "ConsentRegistry", twin, self._grantee())

    def post(self) -> None:
        """A report of the next round, perhaps with something wrong."""
        chain, twin, now_s = self.stage.chain, self.rng.choice(list(self.twins)), self.stage.now_s()
        last = chain.read("PredictionOracle", "latest", twin, MODEL).round
        report = Report(
            twin, MODEL, last + 1, now_s, int(Status.ANSWER), 7, 6, 8, bytes(31) + b"i", bytes(31) + b"e", b""
        )
        wrong = ({}, {}, {}, {"round": last}, {"as_of_s": now_s + DAY_S}, {"config": bytes(32)})
        config = chain.read("PredictionOracle", "configDigest")
        real = replace(replace(report, config=config), **self.rng.choice(wrong))  # type: ignore[arg-type]
        simulated = replace(real, config=self.ledger.state.config if real.config == config else real.config)
        trusted = [one for one in self.nodes if one.address not in self.ledger.state.suspended]
        signers = self.rng.choice((trusted, trusted, self.nodes))
        signers = self.rng.sample(signers, min(len(signers), self.rng.choice((2, 3, 3, 3, 4))))
        if self.rng.random() < 0.8:
            signers.sort(key=lambda one: int(one.address, 16))
        self.signed += [(real, simulated, one) for one in signers]
        given, here = (
            (report_fields(one), b"".join(signer.sign_digest(self._digest(one)) for signer in signers))
            for one in (real, simulated)
        )
        self.both("post", self.stranger, lambda: chain.write(self.stranger, "PredictionOracle", "post", *given), *here)

    def postBundle(self) -> None:
        """Some root, perhaps one that was posted, perhaps signed by too few."""
        chain, rng = self.stage.chain, self.rng
        config = chain.read("PredictionOracle", "configDigest")
        root, manifest = (
            rng.choice((rng.randbytes(32), bytes(31) + b"r", bytes(32))),
            rng.choice((bytes(31) + b"m", bytes(32))),
        )
        trusted = [one for one in self.nodes if one.address not in self.ledger.state.suspended]
        signers = sorted(
            rng.sample(trusted, min(len(trusted), rng.choice((2, 3, 3)))), key=lambda one: int(one.address, 16)
        )
        given, here = (
            (
                fields,
                b"".join(
                    one.sign_digest(bundle_digest(self.domain("PredictionOracle"), Bundle(*fields))) for one in signers
                ),
            )
            for fields in ((root, manifest, config), (root, manifest, self.ledger.state.config))
        )
        self.both(
            "postBundle", self.stranger,
            lambda: chain.write(self.stranger, "PredictionOracle", "postBundle", *given), *here,
        )  # fmt: skip

    def proveEquivocation(self) -> None:
        """Of two things that nodes signed, seldom by the same node and of the same round."""
        if len(self.signed) < 2 or self.ledger.state.suspended:
            return
        (real, here, signer), (_, _, other) = self.rng.sample(self.signed, 2)
        other = self.rng.choice((signer, other))
        change = self.rng.choice(({"score_e6": 1}, {"score_e6": 1}, {}, {"round": 99}))
        in_bundles = self.rng.choices((True, False), k=2)
        evidence = [
            [
                self._said(one, who, in_bundle)
                for one, who, in_bundle in zip(
                    (report, replace(report, **change)), (signer, other), in_bundles, strict=True
                )
            ]
            for report in (real, here)
        ]  # type: ignore[arg-type]
        self.both(
            "proveEquivocation", self.stranger,
            lambda: self.stage.chain.write(self.stranger, "PredictionOracle", "proveEquivocation", *evidence[0]),
            *evidence[1],
        )  # fmt: skip

    def pass_time(self) -> None:
        """Grants and calibrations end."""
        if self.rng.random() < 0.3:
            self.stage.travel(DAY_S // 6)
            self.ledger.mine(self.stage.now_s())

    # -- what is compared ------------------------------------------------------------

    def compare(self) -> None:
        """Views of both."""
        chain, simulated = self.stage.chain, Endpoint(self.ledger, Fair())
        parties = [one.address for one in (*self.devices, self.gateway)]
        views: list[tuple[str, str, Any]] = [
            ("PredictionOracle", "quorum", ()), ("PredictionOracle", "signers", ()),
            *(("PredictionOracle", "isSigner", (one.address,)) for one in self.nodes),
            *(("DataAnchor", "batchCount", (twin,)) for twin in self.twins),
            *(("TwinToken", "ownerOf", (twin,)) for twin in self.twins),
            *(("DeviceRegistry", "pairingOf", (one, twin)) for one in parties for twin in self.twins),
            *(
                ("ConsentRegistry", "isAllowed", (twin, who, category, 1))
                for twin in self.twins for who in self.grantees for category in (1, 2)
            ),
        ]  # fmt: skip
        for contract, function, asked in views:
            here = getattr(simulated, f"_{function}")(self.ledger.blocks[-1], *asked)
            found = chain.read(contract, function, *asked)
            assert _plain(found) == _plain(here), f"{function}{asked}"
        for twin in self.twins:
            assert chain.read("PredictionOracle", "latest", twin, MODEL).round == self.ledger.state.latest.get((twin, MODEL), 0)  # fmt: skip
        for one in parties:
            assert tuple(map(_plain, chain.read("DataAnchor", "headOf", one))) == tuple(
                self.ledger.state.heads.get(one, (0, bytes(24)))
            )
        number, _, until_s, _ = chain.read("EpochAnchor", "headOf", self.gateway.address)
        assert (number, until_s) == self.ledger.state.epochs.get(self.gateway.address, (0, 0))

    @property
    def grantees(self) -> list[str]:
        """Whom owners grant."""
        return [self.stranger.address, *(one.address for one in self.nodes[:2])]

    def _grantee(self) -> str:
        return self.rng.choice(self.grantees)

    def _said(self, report: Report, who: LocalSigner, in_bundle: bool) -> tuple[Any, Any, bytes]:
        """As evidence: under the report itself, or under a bundle of it and one more."""
        if not in_bundle:
            return report_fields(report), ALONE, who.sign_digest(self._digest(report))
        domain, more = self.domain("PredictionOracle"), replace(report, round=report.round + 1)
        bundle, _ = bundled(domain, [report, more])
        path = merkle.proofs([leaf_of(domain, one) for one in (report, more)])[leaf_of(domain, report)]
        return report_fields(report), (bundle.manifest, path), who.sign_digest(bundle_digest(domain, bundle))

    def _digest(self, report: Report) -> bytes:
        return report_digest(self.domain("PredictionOracle"), report)

    def _write(self, name: str, sender: LocalSigner, contract: str, *args: Any) -> None:
        self.both(name, sender, lambda: self.stage.chain.write(sender, contract, name, *args), *args)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value


def test_the_simulated_chain_keeps_the_contracts_rules(stage: Stage) -> None:
    """Acts at random, each right or wrong: no difference in what is taken, nor in what is read."""
    rng = random.Random(1)
    owners = [stage.person() for _ in range(2)]
    twins = {}
    for owner in owners:
        twin = new_twin_id(TwinClass.PATIENT, rng.randbytes)
        mint(stage.chain, owner, twin)
        twins[twin] = owner
    stage.chain.write(stage.hospital, "ModelRegistry", "register", MODEL, MODEL, bytes(32), False)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", MODEL)
    ledger = Ledger(
        [one.address for one in stage.node_signers], {twin: owner.address for twin, owner in twins.items()}, {"round"},
        domain=lambda contract: Domain(stage.chain.chain_id, stage.chain.address(contract)),
    )  # fmt: skip
    pair = Pair(
        stage, rng, twins, [new_signer() for _ in range(3)], stage.person(), stage.person(), list(stage.node_signers), ledger
    )  # fmt: skip
    acts = [
        pair.pair, pair.pair, pair.unpair, pair.anchor, pair.anchor, pair.anchor, pair.admit, pair.admit, pair.anchorEpoch, pair.anchorEpoch, pair.prove, pair.grant,
        pair.grant, pair.revoke, pair.post, pair.post, pair.postBundle, pair.proveEquivocation, pair.proveEquivocation, pair.pass_time,
    ]  # fmt: skip
    for step in range(ACTS):
        rng.choice(acts)()
        if step % 12 == 0:
            pair.compare()

    pair.compare()
    names = (
        "pair", "unpair", "anchor", "anchorEpoch", "proveUnknownDevice", "proveBrokenSequence", "grant", "revoke", "post", "postBundle",
        "proveEquivocation",
    )  # fmt: skip
    assert {name for name in names if min(pair.told[name, "taken"], pair.told[name, "refused"]) < 1} == set()
