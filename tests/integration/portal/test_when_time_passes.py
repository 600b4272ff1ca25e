"""What cannot be taken back: a twin is erased, then the chain's clock is moved on. So these are the last of the portal's tests.

a patient erases a twin, and holds a certificate that the command finds true
a patient gets the account back after a lost device, through guardians, and sees them ask
a case, a command and an emergency end by themselves, and a judgement that is late blocks the next emergency
"""

from __future__ import annotations

from pathlib import Path

import httpx
from playwright.sync_api import Browser

from ..browsing import Visit, give_authenticator, visiting
from ..clinic import Cli
from ..hospital import Dev
from .scene import accounts, let_pass, sign_in, url_of

HOUR_S, DAY_S = 3_600, 86_400


def test_owner_erases_a_twin(visit: Visit, cli: Cli, dev: Dev, tmp_path: Path) -> None:
    """The certificate that the page hands out is one that the command finds true; nobody else may."""
    visit.open("/patient")
    visit.be("patient-2")
    visit.click("main a.card")
    visit.see("[data-verified]")
    twin = visit.page.url.rpartition("/")[2]
    with httpx.Client(base_url=url_of(dev)) as client:
        sign_in(client, dev, "researcher")
        order = {"twin": twin, "owner": accounts(dev)["researcher"], "deadline": 2**33, "signature": "0x" + "11" * 65}
        assert client.post("/api/erase", json=order).json()["kind"] == "not_retired"

    visit.click("a[href$='/erase']")
    visit.click("[data-do=erase]")
    assert "3 keyholders signed" in visit.see("[data-erased='3']")
    with visit.page.expect_download() as got:
        visit.page.click("a[download]")
    kept = tmp_path / "erasure.json"
    kept.write_bytes(Path(got.value.path()).read_bytes())
    assert cli("audit", "certificate", str(kept)).code == 0

    visit.open(f"/patient/{twin}")
    visit.page.click("[data-look=waveform]")
    assert "is not in the store" in visit.see("[data-said=bad]")


def test_command_without_an_answer_runs_out(opened: Browser, dev: Dev, cli: Cli, twin: str) -> None:
    """Signed, sent, and nobody listens where the device should be."""
    cli("keys", "new", "pump")
    cli.facts("device", "pair", twin, "--device", "pump", "--days", "30", "--as", "patient-1")
    code = ("--code", "heart_rate_alarm_high")
    cli.facts("device", "bound", "pump", *code, "--low", "90", "--high", "140", "--as", "hospital")
    cli.facts(
        "device", "propose", "pump", *code, "--value", "111", "--to", "clinician", "--portal", url_of(dev), "--as",
        "hospital",
    )  # fmt: skip
    with visiting(opened, url_of(dev)) as visit:
        visit.open("/ward/signing")
        visit.be("clinician")
        visit.page.click("[data-proposal=Command]:has-text('111') [data-do=sign]")
        assert "The device must answer" in visit.see("[data-said]")
        visit.open(f"/ward/{twin}")
        assert "left" in visit.see("[data-command=pending]")
        let_pass(dev, HOUR_S)
        visit.open(f"/ward/{twin}")
        assert "without an answer" in visit.see("[data-command=expired]")


def test_case_and_emergency_end_by_themselves(opened: Browser, dev: Dev, cli: Cli, twin: str) -> None:
    """A case after its hours, a command after its deadline, an emergency after four hours; its review falls due."""
    cli.facts("emergency", "appoint", "hospital", "--role", "clinician", "--as", "hospital")
    cli.facts("emergency", "appoint", "researcher", "--role", "clinician", "--as", "hospital")
    cli.facts(
        "emergency", "open", twin, "--second", "researcher", "--reason", "sepsis", "--category", "waveform", "--as",
        "hospital",
    )  # fmt: skip
    cli.facts(
        "case", "open", twin, "--to", "theatre", "--category", "waveform", "--hours", "2", "--as", "radiology"
    )  # fmt: skip
    with visiting(opened, url_of(dev)) as visit:
        visit.open("/ward/emergency")
        visit.be("hospital")
        assert "3 h 59 min" in visit.see("[data-use][data-open=true]")
        visit.open(f"/ward/{twin}/handoff")
        assert "1 h 59 min" in visit.see("[data-case=open]")

        let_pass(dev, 4 * HOUR_S)
        visit.open(f"/ward/{twin}/handoff")
        assert "ended by itself" in visit.see("[data-case=ended]")
        visit.open("/ward/emergency")
        assert "over" in visit.see("[data-use][data-open=false][data-review=pending]")
        refused = cli(
            "fetch", twin, "--purpose", "emergency", "--through", "emergency", "--as", "hospital", "--out", "x"
        )
        assert refused.code == 3

        let_pass(dev, 3 * DAY_S)
        visit.open(f"/ward/emergency/{twin}")
        assert "you can open nothing" in visit.see("[data-overdue]")
    late = cli(
        "emergency",
        "open",
        twin,
        "--second",
        "researcher",
        "--reason",
        "sepsis",
        "--category",
        "waveform",
        "--as",
        "hospital",
    )
    assert late.code == 3 and "ReviewOverdue" in late.err


def test_guardians_give_an_account_back(opened: Browser, dev: Dev) -> None:
    """Two named people and three days; the owner sees it coming. After it the old device opens nothing."""
    with visiting(opened, url_of(dev)) as owner, visiting(opened, url_of(dev)) as device:
        give_authenticator(owner)
        owner.open("/")
        owner.click("[data-do=passkey]")
        owner.click("[data-do=mint]")
        owner.see("[data-said=good]")
        twin = owner.page.url.rpartition("/")[2]
        owner.page.click("header nav a[href='/patient']")
        owner.click("a[href='/guardians']")
        for name in ("clinician", "hospital"):
            owner.click(f"input[value='{accounts(dev)[name]}']")
        owner.click("input[name=wait][value='3']")
        owner.click("[data-do=appoint]")
        owner.see("[data-guardians='2']")
        address = owner.page.inner_text("[data-guardians] code").rpartition("/")[2]

        give_authenticator(device)
        device.open(f"/recover/{address}")
        device.click("[data-do=replace]")
        device.see("[data-supporters='0']")
        asked = device.page.url.removeprefix(device.url)
        with visiting(opened, url_of(dev)) as stranger:
            stranger.open(asked)
            stranger.be("researcher")
            assert "did not name you" in stranger.see("main p.notice")
        for count, name in enumerate(("clinician", "hospital"), 1):
            with visiting(opened, url_of(dev)) as guardian:
                guardian.open(asked)
                guardian.be(name)
                guardian.click("[data-do=help]")
                guardian.see(f"[data-supporters='{count}']")

        owner.page.click("header nav a[href='/patient']")
        owner.page.click("a[href='/guardians']")
        assert "2 people ask to replace your passkey" in owner.see("[data-asked]")

        device.open(asked)
        assert not device.page.query_selector("[data-do=finish]")
        let_pass(dev, 3 * DAY_S + 1)
        device.open(asked)
        device.click("[data-do=finish]")
        device.click("a[href='/patient']")
        device.click("section.card button.main")
        assert twin[-8:] in device.see("main a.card")

        owner.open("/")
        owner.page.click("section.card button.main")
        assert "not signed by that account" in owner.see("[data-said=bad]")
