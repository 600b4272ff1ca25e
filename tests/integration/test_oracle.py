"""The oracle as processes on Ganache, by the command: its nodes report, others take their place, a quorum of them lies.

The story's steps are tests in order; each builds on those before it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from oracle import deploy
from oracle.adapters.chain import Web3Chain
from oracle.adapters.ganache import ganache
from oracle.adapters.keys import LocalSigner
from oracle.adapters.owned import owned
from oracle.adapters.process import free_port, last_words, running, wait_until
from oracle.formats.envelope import parse_header
from oracle.formats.merkle import explanation_leaves, root
from oracle.formats.typed_data import Domain, report_digest
from oracle.records import Category, Purpose, Report, Status
from oracle.reports import terms
from oracle.reports.disclose import disclose
from oracle.rights.consent import DAY_S, grant
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.settings import Settings, node_folder, open_chain, open_custodians, open_explanations, open_store
from oracle.stages.explain import explain
from oracle.stages.ingest import collect, read_csv
from oracle.stages.post import post
from oracle.twins import kinds
from oracle.twins.shipped import ShippedKind
from oracle.wiring import watched_kinds

from .clinic import (
    COMMAND,
    ETHER,
    PASSWORD,
    ROOT,
    START_S,
    Cli,
    clean_environment,
    custodian_processes,
    keep,
    now_ms,
    write_csv,
)

KIND = "heart_failure_299"
PATIENCE_S = 120.0
RECORD = {
    "age": 65, "anaemia": 0, "creatinine_phosphokinase": 157, "diabetes": 0, "ejection_fraction": 30,
    "high_blood_pressure": 0, "platelets": 263_358, "serum_creatinine": 1.5, "serum_sodium": 138, "sex": 1, "smoking": 0,
}  # fmt: skip
"""What somebody with heart failure might bring."""


@dataclass
class Oracle:
    """A suite with its deployment file, five nodes' keys, of which four count, and a patient with data."""

    home: Path
    cli: Cli
    chain: Web3Chain
    keys: dict[str, LocalSigner]
    twin_id: int
    kind: ShippedKind
    stack: ExitStack = field(repr=False)
    nodes: ExitStack = field(default_factory=ExitStack, repr=False)
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def twin(self) -> str:
        return hex(self.twin_id)

    def publish(self, **changed: float) -> Path:
        """One more record of the patient."""
        at, units = now_ms(), {channel.name: channel.unit for channel in self.kind.channels}
        rows = [(str(at), name, repr(float(value)), units[name]) for name, value in {**RECORD, **changed}.items()]
        file = write_csv(self.home / f"{at}.csv", rows)
        self.cli.ok("publish", self.twin, str(file), "--device", "device", "--as", "hospital", "--kind", KIND)
        return file

    def start(self, names: Sequence[str], *options: str) -> None:
        """``medtwin node run`` for each, as peers of each other."""
        self.nodes.close()
        self.nodes = self.stack.enter_context(ExitStack())
        ports = {name: free_port() for name in names}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        for name, port in ports.items():
            peers = ",".join(url for other, url in self.urls.items() if other != name)
            command = [*COMMAND, "node", "run", "--as", name, "--port", str(port), "--kind", KIND, *options]
            environment = {**self.cli.environment, "MEDTWIN_PEERS": peers, "PYTHONPATH": str(ROOT)}
            log = self.home / f"{name}.log"
            process = self.nodes.enter_context(running(command, log=log, environment=environment))
            assert wait_until(lambda url=self.urls[name]: _ready(url), process, START_S), last_words(log)

    def latest(self) -> Any:
        return self.chain.read("PredictionOracle", "latest", self.twin_id, self.kind.model_digest)

    def reported(self, round_: int) -> bool:
        """Whether the round stands in good time."""
        return until(lambda: self.latest().round >= round_) and bool(self.latest().round == round_)


def until(true: Callable[[], bool]) -> bool:
    """Whether it comes true in good time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return False


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    """Deployed, its model approved with its terms, the patient's consent given, custodians serving."""
    home = tmp_path_factory.mktemp("oracle")
    kind = kinds()[KIND]
    assert isinstance(kind, ShippedKind)
    with ExitStack() as stack:
        url = stack.enter_context(ganache())
        opened = stack.enter_context(open_chain(url))
        custodians = [f"custodian-{n}" for n in range(1, 4)]
        nodes = [f"node-{n}" for n in range(1, 6)]
        keys = {role: keep(home / "keys", role) for role in ("hospital", "patient", "device", *nodes, *custodians)}
        for signer in keys.values():
            opened.fund(signer.address, ETHER)
        hospital, patient = keys["hospital"], keys["patient"]
        chain = opened.deploy(hospital, [keys[name].address for name in nodes[:4]], 1)
        deploy.save(chain.deployment, home / "deployment.json")
        chain.write(hospital, "ModelRegistry", "register", kind.model_digest, kind.card_digest, bytes(32), False)
        terms.register(chain, hospital, kind.model_digest, kind.shipped.additive)
        chain.write(hospital, "ModelRegistry", "approve", kind.model_digest)
        twin_id = new_twin_id(kind.twin_class, os.urandom)
        mint(chain, patient, twin_id)
        pair(chain, patient, keys["device"], twin_id, chain.head().time_s + 180 * DAY_S)
        grant(
            chain, patient, twin_id, chain.address("PredictionOracle"), categories=Category(kind.category),
            purposes=Purpose.CARE, days=1,
        )  # fmt: skip
        environment = clean_environment(
            MEDTWIN_HOME=str(home), MEDTWIN_CHAIN=url, MEDTWIN_PASSWORD=PASSWORD,
            MEDTWIN_DEPLOYMENT=str(home / "deployment.json"),
        )  # fmt: skip
        urls = stack.enter_context(custodian_processes(environment, custodians, home))
        cli = Cli({**environment, "MEDTWIN_CUSTODIANS": ",".join(urls)})
        yield Oracle(home, cli, chain, keys, twin_id, kind, stack)


def test_nodes_report(oracle: Oracle) -> None:
    """Three of four are a quorum."""
    oracle.publish()
    oracle.start(["node-1", "node-2", "node-3"])

    assert oracle.reported(1) and oracle.latest().config == 1


def test_others_take_their_place(oracle: Oracle) -> None:
    """Three agree that the fourth leaves and a fifth comes; who runs on with the old file does nothing more, and says why."""
    plan, cli = oracle.home / "plan.json", oracle.cli
    nodes = [oracle.keys[f"node-{n}"].address for n in (1, 2, 3, 5)]
    cli.ok("oracle", "propose", *(f"--node={one}" for one in nodes), "--faulty", "1", "--out", str(plan))
    early = cli("--json", "oracle", "rotate", str(plan), "--as", "hospital")
    assert (early.code, early.facts["error"]) == (3, "no_quorum")
    for name in ("node-3", "node-1", "node-2"):
        cli.ok("oracle", "agree", str(plan), "--as", name)

    for again in (False, True):
        told = cli.facts("oracle", "rotate", str(plan), "--as", "hospital")
        assert (told["number"], told["block"] is None) == (2, again)

    ascending = sorted(nodes, key=lambda one: int(one, 16))
    assert list(deploy.load(oracle.home / "deployment.json").signers) == ascending
    shown = cli.facts("oracle", "show")
    assert (shown["number"], shown["signers"], shown["deployment_agrees"]) == (2, ascending, True)
    oracle.publish()
    for name in oracle.urls:
        log = oracle.home / f"{name}.log"
        assert until(lambda log=log: "event=turn_failed kind=other_nodes" in log.read_text()), name
    assert oracle.latest().round == 1
    gone = cli("--json", "node", "run", "--as", "node-4")
    assert (gone.code, gone.facts["error"]) == (3, "not_a_node")


def test_the_new_nodes_report_and_old_reports_stay(oracle: Oracle) -> None:
    """With the new file, and each with the memory it had."""
    oracle.start(["node-1", "node-2", "node-5"])

    assert oracle.reported(2) and oracle.latest().config == 2
    listed = oracle.cli.facts("report", "list", oracle.twin)
    assert [row["round"] for row in listed] == [1, 2]
    assert all(row["state"].startswith("may be refuted until") for row in listed)
    held = oracle.cli.facts("report", "challenge", oracle.twin, "--kind", KIND, "--purpose", "care", "--as", "patient")
    assert (held["round"], held["fault"], held["terms"]) == (2, "", True)


def test_drift_suspends_the_model(oracle: Oracle) -> None:
    """The 400th row makes each node look: none of 300 people smoked, all who came since do. No answer, told in log and metrics."""
    oracle.nodes.close()
    for name in oracle.urls:
        asked_before(oracle, name)
    oracle.start(list(oracle.urls), "--drift", "suspend")
    oracle.publish(smoking=1)

    assert oracle.reported(3) and oracle.latest().status == Status.NO_ANSWER
    told = f'medtwin_node_drifted{{model="{KIND}"}} 1.0'
    for name, url in oracle.urls.items():
        said = (oracle.home / f"{name}.log").read_text("utf-8")
        assert f"event=drifted model={KIND} policy=suspend what=smoking(PSI=" in said
        assert until(lambda url=url: told in httpx.get(f"{url}/metrics", trust_env=False).text)


def test_resumed_model_answers_again(oracle: Oracle) -> None:
    """Also about the same person as before."""
    oracle.nodes.close()
    for name in oracle.urls:
        oracle.cli.ok("node", "resume", KIND, "--as", name)
    oracle.start(list(oracle.urls), "--drift", "suspend")
    oracle.publish(smoking=1)

    assert oracle.reported(4) and oracle.latest().status == Status.ANSWER


def asked_before(oracle: Oracle, name: str) -> None:
    """Give a node the memory of 399 people, of whom the last 99 smoke; in nothing else they differ by more than a little."""
    settings = Settings.read(oracle.cli.environment)
    folder = node_folder(settings, oracle.keys[name].address, deploy.load(oracle.home / "deployment.json"))
    said: list[str] = []
    with owned(folder):
        (watched,) = watched_kinds(folder, [oracle.kind], "suspend", said.append)
        for n in range(399):
            person = {**RECORD, "platelets": 263_400 + n, "smoking": int(n >= 300)}
            at = [(0, channel, float(value)) for channel, value in person.items()]
            watched.predict(oracle.kind.features(collect(at, oracle.kind.schema)))
    assert not said


def lie(oracle: Oracle) -> str:
    """Three nodes' keys sign that age adds a hundredth more, and the base as much less; the feature's name."""
    oracle.nodes.close()
    file, settings = oracle.publish(), Settings.read(oracle.cli.environment)
    true = oracle.kind.predict(oracle.kind.features(read_csv(file, oracle.kind.schema, oracle.kind.channels)))
    first, *others = true.contributions
    parts = (replace(first, contribution_e6=first.contribution_e6 + 10_000), *others)
    told = replace(true, contributions=parts, base_e6=true.base_e6 - 10_000)
    newest = oracle.chain.events("DataAnchor", "BatchAnchored", twinId=oracle.twin_id)[-1].args
    store = open_store(settings.store)
    beside = parse_header(store.get(newest["batch"]["digest"])).context
    with ExitStack() as stack:
        custodians = [stack.enter_context(closing(one)) for one in open_custodians(settings)]
        kept = open_explanations(settings)
        assert disclose(explain(told, unit=oracle.kind.unit), beside, custodians, store, kept, os.urandom)
    report = Report(
        oracle.twin_id, oracle.kind.model_digest, oracle.latest().round + 1, newest["batch"]["end"], int(told.status), told.score_e6, told.low_e6,
        told.high_e6, bytes([1] * 32), root(explanation_leaves(told)), oracle.chain.read("PredictionOracle", "configDigest"),
    )  # fmt: skip
    domain = Domain(oracle.chain.chain_id, oracle.chain.address("PredictionOracle"))
    liars = sorted((oracle.keys[f"node-{n}"] for n in (1, 2, 5)), key=lambda one: int(one.address, 16))
    signatures = [one.sign_digest(report_digest(domain, report)) for one in liars]
    assert post(report, signatures, oracle.chain, oracle.keys["hospital"]) is not None
    return first.feature


def test_a_lie_is_refuted(oracle: Oracle) -> None:
    """First without sending; then its three signers are suspended, for the list, for the timeline and for good."""
    feature = lie(oracle)
    asked = ("report", "challenge", oracle.twin, "--kind", KIND, "--purpose", "care", "--as", "patient")

    planned = oracle.cli.facts(*asked, "--dry-run")

    assert planned["fault"] == "term" and planned["feature"] in (feature, "base")
    assert int(planned["gas"]) > 0 and oracle.latest().status == Status.ANSWER
    done = oracle.cli.facts(*asked)
    assert set(done["suspended"]) == {oracle.keys[f"node-{n}"].address for n in (1, 2, 5)}
    assert oracle.latest().status == 3
    assert [row["state"] == "refuted" for row in oracle.cli.facts("report", "list", oracle.twin)] == [
        *[False] * 4,
        True,
    ]
    timeline = oracle.cli.facts("audit", "show")
    told = [row["what"] for row in timeline]
    assert told.count("had a report refuted") == 1 and told.count("signed what was refuted") == 3
    again = oracle.cli("--json", *asked)
    assert (again.code, again.facts["error"]) == (3, "already_refuted")
