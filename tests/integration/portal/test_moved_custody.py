"""The pages over data that came through a gateway, and whose keys the patient dealt to other custodians since.

reads all of it, of batches anchored alone, in epochs, before and after the custodians changed
takes no table of shares that the owner did not sign
finds a batch's file in an epoch, and tells of the epochs in the evidence
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from oracle.adapters.custodian_http import RemoteCustodian
from oracle.adapters.ganache import MNEMONIC
from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.keys import LocalSigner
from oracle.adapters.process import free_port, last_words, running, wait_until
from oracle.batches.edge import take, turn
from oracle.batches.publish import Edge, prepare, publish
from oracle.custody.rotate import Dealer, rotate
from oracle.formats import share_table
from oracle.records import Readings, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair
from oracle.serve.devnet import ROLES
from oracle.settings import Settings, open_custodians, open_store, open_suite, threshold_of
from oracle.twins import kinds
from oracle.wiring import open_gateway

from ..browsing import Visit, visiting
from ..clinic import COMMAND, ETHER, ROOT, START_S, Clinic, answers, custodian_processes, now_ms, recorded
from .test_hospital import saved

DAY_S = 86_400
PATIENT = "patient-1"


@dataclass(frozen=True)
class Moved:
    """A portal over one twin: how many readings it has, and a sealed block of it that is in an epoch."""

    url: str
    twin: str
    readings: int
    in_epoch: bytes


@pytest.fixture(scope="module")
def moved(clinic: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """A batch anchored alone and two in an epoch; other custodians, but for one; then one batch more of each sort."""
    home = tmp_path_factory.mktemp("moved")
    owner, device = LocalSigner.from_mnemonic(MNEMONIC, ROLES.index(PATIENT)), clinic.key("moved-device")
    gateway, ward = clinic.key("moved-gateway"), clinic.key("moved-ward")
    clinic.opened.fund(owner.address, ETHER)
    chain = clinic.chain
    twin_id, ward_id = (new_twin_id(kind, os.urandom) for kind in (TwinClass.PATIENT, TwinClass.WARD))
    for signer, of, paired in ((owner, twin_id, device), (ward, ward_id, gateway)):
        mint(chain, signer, of)
        pair(chain, signer, paired, of, chain.head().time_s + DAY_S)
    (home / "deployment.json").write_bytes((clinic.home / "deployment.json").read_bytes())
    followed = replace(
        clinic.cli, environment={**clinic.cli.environment, "MEDTWIN_DEPLOYMENT": str(home / "deployment.json")}
    )
    followed.ok("edge", "follow", "moved-gateway")
    settings = Settings.read(followed.environment)
    chain, store, kind = open_suite(settings), open_store(settings.store), kinds()["pulse"]
    posting = open_gateway(settings, home / "gateway", gateway, chain, most_bytes=2**30)

    def edge(keepers: list[RemoteCustodian], name: str) -> Edge:
        return Edge(
            chain, store, SqliteOutbox(home / "outbox.sqlite", device.address, name), device, device, twin_id, kind.channels,
            int(kind.category), {one.address: one.public_key(twin_id) for one in keepers}, threshold_of(keepers), os.urandom,
            lambda: int(time.time()),
        )  # fmt: skip

    def seconds(number: int) -> Readings:
        return recorded(1, end_ms=now_ms() - 2_000 * (6 - number))

    def through_gateway(sealing: Edge, *numbers: int) -> list[bytes]:
        sealed = [prepare(sealing, seconds(number)) for number in numbers]
        for one in sealed:
            take(posting, one)
        turn(posting)
        return [one.block for one in sealed]

    with ExitStack() as stack:
        added = ["moved-custodian-4", "moved-custodian-5"]
        for name in added:
            clinic.key(name)
        others = stack.enter_context(custodian_processes(followed.environment, added, home))
        now = [clinic.custodians[0], *others]
        old, new = (
            [stack.enter_context(closing(one)) for one in open_custodians(replace(settings, custodians=tuple(urls)))]
            for urls in (clinic.custodians, now)
        )
        first = edge(old, "moved")
        list(publish(first, [seconds(0)]))
        blocks = through_gateway(first, 1, 2)
        dealt = rotate(Dealer(chain, store, owner, os.urandom), old, new, twin_id=twin_id, threshold=2)
        assert len(dealt.destroyed) == 2, "of the first three only one can still open anything"
        second = edge(new, "moved")
        through_gateway(second, 3)
        port = free_port()
        command = [*COMMAND, "portal", "serve", "--port", str(port), "--demo"]
        environment = {**followed.environment, "MEDTWIN_CUSTODIANS": ",".join(now), "PYTHONPATH": str(ROOT)}
        process = stack.enter_context(running(command, log=home / "portal.log", environment=environment))
        assert wait_until(lambda: answers(f"http://127.0.0.1:{port}"), process, START_S), last_words(
            home / "portal.log"
        )
        yield Moved(f"http://localhost:{port}", hex(twin_id), sum(len(seconds(0)) for _ in range(4)), blocks[0])


@pytest.fixture
def visit(opened: Browser, moved: Moved) -> Iterator[Visit]:
    with visiting(opened, moved.url) as one:
        yield one


def test_patient_opens_all_of_it(visit: Visit, moved: Moved) -> None:
    visit.open(f"/patient/{moved.twin}")
    visit.be(PATIENT)
    visit.click("[data-look=waveform]")
    with visit.page.expect_download() as got:
        visit.page.click("a[download]")

    assert len(Path(got.value.path()).read_text("utf-8").splitlines()) - 1 == moved.readings


def test_table_that_the_owner_did_not_sign_is_not_taken(visit: Visit, moved: Moved) -> None:
    """The new custodians' tables as somebody else would have them: then too few of those who are asked hold shares."""

    def forged(route: Route) -> None:
        answer = route.fetch()
        if answer.status != 200:
            route.fulfill(response=answer)
            return
        table = share_table.unpack(answer.body())
        route.fulfill(body=share_table.pack(replace(table, generation=table.generation + 1)))

    visit.page.route("**/v1/shares/*", forged)
    visit.open(f"/patient/{moved.twin}")
    visit.be(PATIENT)
    visit.click("[data-look=waveform]")
    assert "has no key" in visit.see("[data-said=bad]")


def test_anybody_finds_batches_of_epochs(visit: Visit, moved: Moved, tmp_path: Path) -> None:
    """A sealed block of an epoch is on record, four packets are, none is missing; the evidence has the epochs' lists."""
    visit.open(f"/verify/{moved.twin}")
    found = visit.see("[data-verdict]")
    assert "4 packets are on record" in found and "None is missing in between" in found and "to the bit" in found
    file = tmp_path / "block"
    file.write_bytes(moved.in_epoch)
    visit.page.set_input_files("input[type=file]", str(file))
    assert "sealed packet" in visit.see("[data-good=true] >> text=sealed packet")

    visit.open("/hospital")
    visit.click("[data-do=evidence]")
    visit.see("[data-evidence]")
    held = saved(visit)
    (epochs,) = [one for one in held["findings"] if one["what"] == "epochs"]
    assert epochs["good"] and epochs["count"] == 2
    assert sum(one.get("name") == "EpochAnchored" for one in held["events"]) >= 2
    assert [one["count"] for one in held["findings"] if (one["what"], one["about"]) == ("blocks", moved.twin)] == [4]


def test_list_that_is_withheld_is_told(visit: Visit, moved: Moved) -> None:
    """A page that lacks what an epoch holds shows nothing of it, rather than a part."""
    visit.open("/")
    visit.page.route("**/blocks/*", lambda route: route.fulfill(status=404))
    visit.page.goto(f"{moved.url}/verify/{moved.twin}")
    assert "has not arrived yet" in visit.see("[data-trouble=failed]")
