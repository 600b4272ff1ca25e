"""What clinicians and departments do with the portal, by click and by keyboard.

clinician
  sees whom the patient let in, and nobody else
  opens the reasons of a report, which are the report's own and add up; damaged ones are not shown
  sees no number of a forecast that was refuted
  sees NEWS2 as a chart that says what is missing, and the model's card
department
  hands a case over: both sign, the receiver looks, it closes; by the receiver, by the patient
two clinicians
  break the glass: the second in a session of their own, the patient is told, somebody else judges
  without the patient's word beforehand nothing can be opened
a command to a device
  waits for the clinician, is shown within its bounds, and the device answers; outside of them it cannot be signed
what one proposes to another
  is seen by nobody else, and strangers propose nothing
"""

from __future__ import annotations

import json

import httpx
import pytest
from eth_utils import keccak
from playwright.sync_api import Browser, Route

from oracle.twins.news2 import PULSE, news2

from ..browsing import Visit, visiting
from ..clinic import Cli
from ..hospital import Dev
from .scene import accounts, flow, let_pass, sign_in, url_of

WAYS = pytest.mark.parametrize("keys", [False, True], ids=["click", "keyboard"])


def at_work(visit: Visit, role: str, path: str, *, keys: bool = False) -> Visit:
    """Signed in, on a page; counting begins."""
    visit.open(path)
    visit.be(role)
    visit.page.wait_for_selector("main h1:not(.loading)")
    visit.keys, visit.clicks = keys, 0
    return visit


def test_clinician_sees_only_whom_the_patient_let_in(visit: Visit, dev: Dev, cli: Cli, twin: str) -> None:
    at_work(visit, "clinician-2", "/ward")
    assert "Nobody has let you in" in visit.see("main p.card")

    cli.facts(
        "consent", "grant", twin, "--to", accounts(dev)["clinician-2"], "--category", "waveform", "--purpose", "care",
        "--days", "7", "--as", "patient-1",
    )  # fmt: skip
    visit.open("/ward")
    assert visit.page.get_attribute("[data-bed]", "data-bed") == twin
    visit.click("[data-bed] h2 a")
    visit.click("[data-look='2']")
    assert "opened and verified" in visit.see("[data-said=good]")
    visit.see(".chart canvas")
    cli.facts("consent", "revoke", twin, "--from", accounts(dev)["clinician-2"], "--as", "patient-1")


@WAYS
def test_reasons_open_and_add_up(opened: Browser, dev: Dev, cli: Cli, twin: str, keys: bool) -> None:
    """Sealed like the data; the page finds the report's own root, and lines that sum to what the report says."""
    with visiting(opened, url_of(dev)) as visit:
        at_work(visit, "clinician", "/ward", keys=keys)
        visit.click("[data-do=reasons]")
        assert "heart rate" in visit.see("[data-reasons]")
        flow("see the reasons of the ward", visit.clicks, 1)
        visit.click("[data-bed] h2 a")
        assert "add up to the sum" in visit.see("p:has([data-explained=true])")
        margin = float(visit.page.get_attribute("[data-margin]", "data-margin") or "nan")
        report = posted(cli, twin)
        assert margin == pytest.approx(report, abs=1e-6)  # the pulse's link is the identity

        rate = float(visit.see("[data-observed=pulse]").replace("●", ""))
        assert visit.page.query_selector("[data-total=incomplete]") and not visit.page.query_selector(
            "[data-total=complete]"
        )
        band = visit.page.inner_text("tr:has([data-observed=pulse]) .points")
        alone = news2(pulse=rate)
        assert int(band) == next(points for top, points in PULSE if top is None or rate <= top)
        assert all(name in visit.see("[data-total]") for name in ("Breathing", "ACVPU")) and not alone.complete

        visit.click("[data-card]")
        card = visit.see("dialog[open]")
        assert "Not a medical device" in card and "4.438" in card and "persistence" in card
        assert visit.axe() == []
        visit.click("dialog[open] button")
        assert visit.troubles == []


def posted(cli: Cli, twin: str) -> float:
    """The score of the newest report, as the command reads it from the chain."""
    return float(cli.facts("predict", twin, "--kind", "pulse")["score"])


REPORT = "(uint256,bytes32,uint48,uint40,uint8,int48,int48,int48,bytes32,bytes32,bytes32)"
POSTED = f"PredictionPosted(uint256,bytes32,uint48,bytes32,{REPORT})"
REFUTED = "0x" + keccak(text="PredictionRefuted(uint256,bytes32,uint48,bytes32,uint8)").hex()


def test_refuted_forecast_has_no_number(opened: Browser, dev: Dev, twin: str) -> None:
    """The chain and its witness say, of each report of the twin, that it was refuted."""
    posted = "0x" + keccak(text=POSTED).hex()

    def refuted(route: Route) -> None:
        asked = route.request.post_data_json
        topics = asked["params"][0].get("topics") if asked["method"] == "eth_getLogs" else None
        if not topics or topics[0] != REFUTED:
            route.continue_()
            return
        asked["params"][0]["topics"] = [posted, *topics[1:]]
        answer = httpx.post(f"http://127.0.0.1:{dev.port}", json=asked).json()
        for log in answer["result"]:
            log["topics"][0], log["data"] = REFUTED, log["data"][:66] + "00" * 31 + "01"
        route.fulfill(json=answer, headers={"access-control-allow-origin": "*"})

    with visiting(opened, url_of(dev)) as visit:
        visit.page.route(lambda url: url.endswith("/rpc") or f":{dev.port}" in url, refuted)
        at_work(visit, "clinician", f"/ward/{twin}")
        assert "shown to be wrong" in visit.see("[data-round] .notice")
        assert not visit.page.query_selector("[data-round] .big")


def test_damaged_reasons_are_not_shown(opened: Browser, dev: Dev, twin: str) -> None:
    with visiting(opened, url_of(dev)) as visit:

        def spoil(route: Route) -> None:
            body = bytearray(route.fetch().body())
            body[-1] ^= 1
            route.fulfill(body=bytes(body))

        visit.page.route("**/explanations/*", spoil)
        at_work(visit, "clinician", f"/ward/{twin}")
        visit.click("[data-do=why]")
        visit.see("[data-said=bad]")
        assert not visit.page.query_selector("[data-why], [data-reasons], [data-explained]")


@WAYS
def test_departments_hand_a_case_over(opened: Browser, dev: Dev, twin: str, keys: bool) -> None:
    """Nobody may look until both signed; then the receiver may, until either side or the patient ends it."""
    with visiting(opened, url_of(dev)) as origin, visiting(opened, url_of(dev)) as receiver:
        at_work(receiver, "theatre", f"/ward/{twin}", keys=keys)
        assert not receiver.page.query_selector("[data-look]")

        at_work(origin, "radiology", f"/ward/{twin}/handoff", keys=keys)
        origin.choose("select[name=to]", accounts(dev)["theatre"])
        origin.click("input[name=data][value='2']")
        origin.click("input[name=hours][value='12']")
        origin.click("[data-do=ask]")
        origin.see("[data-proposal=Case][data-answered=false] .mark:has-text('waits')")

        receiver.page.click("header nav a[href='/ward']")
        receiver.see("[data-waiting='1']")
        receiver.click("a[href='/ward/signing']")
        asked = receiver.see("[data-proposal=Case]")
        assert twin[-8:] in asked and "signals such as ECG" in asked and "theatre" in asked
        receiver.click("[data-do=sign]")
        assert "you may look" in receiver.see("[data-said=good]")
        flow("hand a case over", origin.clicks + receiver.clicks, 2)  # one of each department

        receiver.open(f"/ward/{twin}")
        assert "by a hand-off" in receiver.see("main .mark:has-text('hand-off')")
        receiver.click("[data-look='2']")
        assert "opened and verified" in receiver.see("[data-said=good]")

        with visiting(opened, url_of(dev)) as patient:
            at_work(patient, "patient-1", f"/patient/{twin}", keys=keys)
            assert "Your case was handed over" in patient.see("[data-told-case=open]")
            if keys:
                patient.click("[data-told-case=open] [data-do=end-case]")
            else:
                receiver.open(f"/ward/{twin}/handoff")
                assert "left" in receiver.see("[data-case=open] .mark")
                receiver.click("[data-case=open] [data-do=ended]")
            patient.see("[data-told-case=over]:first-of-type")
        origin.open(f"/ward/{twin}/handoff")
        assert not origin.page.query_selector("[data-case=open]")
        receiver.open(f"/ward/{twin}")
        assert not receiver.page.query_selector("[data-look]")


def test_no_emergency_without_the_patients_word(visit: Visit, dev: Dev, cli: Cli) -> None:
    stranger = cli.facts("twin", "mint", "--as", "patient-2")["twin"]
    at_work(visit, "clinician", f"/ward/emergency/{stranger}")
    assert "has not let emergencies in" in visit.see("main")
    assert not visit.page.query_selector("[data-do=ask]")


@WAYS
def test_two_clinicians_break_the_glass(opened: Browser, dev: Dev, twin: str, keys: bool) -> None:
    """Justified once; not justified the second time, which suspends both."""
    with visiting(opened, url_of(dev)) as first, visiting(opened, url_of(dev)) as second:
        at_work(first, "clinician", f"/ward/emergency/{twin}", keys=keys)
        assert "suspended" in first.see("[data-consequences]") and "4 h" in first.see("[data-consequences]")
        first.choose("select[name=reason]", "2")
        first.click("input[name=data][value='2']")
        first.choose("select[name=second]", accounts(dev)["clinician-2"])
        first.click("[data-do=ask]")
        first.see("[data-waiting=waits]")
        assert first.page.query_selector("[data-do=open][disabled]")

        at_work(second, "clinician-2", "/ward/signing", keys=keys)
        assert "unconscious" in second.see("[data-proposal=Emergency]")
        second.click("[data-proposal=Emergency] [data-do=sign]")
        second.see("[data-said=good]")
        first.see("[data-waiting=signed]")
        first.click("[data-do=open]")
        use = "[data-use][data-open=true]"
        assert "3 h 59 min" in first.see(use)
        flow("break the glass", first.clicks + second.clicks, 2)  # the second's signature, the first's transaction

        first.click(f"{use} a[href='/ward/{twin}']")
        assert "in an emergency" in first.see("main .mark.bad")
        with visiting(opened, url_of(dev)) as patient:
            at_work(patient, "patient-1", f"/patient/{twin}", keys=keys)
            told = patient.see("[data-told-use=open]")
            assert "unconscious" in told and "clinician-2" in told
            if keys:
                patient.click("[data-do=end-use]")
            else:
                first.open(f"/ward/emergency/{twin}")
                first.click(f"{use} [data-do=close]")
            patient.see("[data-told-use=over]")

        with visiting(opened, url_of(dev)) as reviewer:
            at_work(reviewer, "reviewer", "/ward/emergency", keys=keys)
            assert "unconscious" in reviewer.see("[data-use]")
            reviewer.click("[data-do=unjustified]" if keys else "[data-do=justified]")
            flow("judge an emergency", reviewer.clicks, 1)
            assert "Nothing waits" in reviewer.see("main p.card")
        first.open(f"/ward/emergency/{twin}")
        if keys:
            assert "You are suspended" in first.see("[data-suspended]")
            assert not first.page.query_selector("[data-do=ask]")
        else:
            assert "Judged: justified" in first.see("[data-review=justified]")


@WAYS
def test_command_waits_for_its_clinician_and_the_device_answers(
    opened: Browser, dev: Dev, cli: Cli, twin: str, keys: bool
) -> None:
    """The first is the development hospital's example; the second lies within the bounds, not the device's own limits."""
    if keys:
        propose(cli, dev, 138)
        let_pass(dev, 6)  # the device is commanded at most once in 5 s
    with visiting(opened, url_of(dev)) as visit:
        at_work(visit, "clinician", "/ward/signing", keys=keys)
        asked = visit.see("[data-proposal=Command]")
        assert f"{138 if keys else 120} /min" in asked and "once in 5 s" in asked and "within the bounds" in asked
        visit.click("[data-proposal=Command] [data-do=sign]")
        assert "Signed and sent" in visit.see("[data-said]")
        flow("sign a command to a device", visit.clicks, 1)
        visit.open(f"/ward/{twin}")
        visit.see(f"[data-command={'rejected' if keys else 'acknowledged'}]")


def test_command_outside_its_bounds_cannot_be_signed(opened: Browser, dev: Dev, cli: Cli) -> None:
    propose(cli, dev, 150)
    with visiting(opened, url_of(dev)) as visit:
        at_work(visit, "clinician", "/ward/signing")
        assert "outside the bounds" in visit.see("[data-envelope=false]")
        assert visit.page.query_selector("[data-proposal=Command] [data-do=sign][disabled]")
        visit.click("[data-do=decline]")
        assert "Nothing was done" in visit.see("[data-said=good]")
        assert not visit.page.query_selector("[data-proposal]")


def propose(cli: Cli, dev: Dev, value: int) -> None:
    cli.facts(
        "device", "propose", "device-1", "--code", "heart_rate_alarm_high", "--value", str(value), "--to", "clinician",
        "--portal", url_of(dev), "--as", "hospital",
    )  # fmt: skip


def test_what_one_proposes_to_another_is_between_them(dev: Dev, twin: str) -> None:
    """No session, no account the hospital knows, somebody else's sheet, the wrong signer, too many, too long: refused."""
    proposed = {"kind": "Case", "to": accounts(dev)["theatre"], "message": {"twinId": twin}, "signature": "0x"}
    url = url_of(dev)
    assert httpx.post(f"{url}/api/proposals", json=proposed).status_code == 401
    with httpx.Client(base_url=url) as origin, httpx.Client(base_url=url) as other:
        sign_in(origin, dev, "radiology")
        sign_in(other, dev, "clinician")
        number = origin.post("/api/proposals", json=proposed).json()["id"]
        assert number in json.dumps(origin.get("/api/proposals").json())
        assert number not in json.dumps(other.get("/api/proposals").json())
        for path in ("answer", "remove"):
            assert other.post(f"/api/proposals/{number}/{path}", json={"signature": "0x11"}).status_code == 404
        told = origin.post(f"/api/proposals/{number}/answer", json={"signature": "0x11"})
        assert (told.status_code, told.json()["kind"]) == (403, "not_asked")
        for spoilt in ({"kind": "Call"}, {"to": "me"}, {"message": {"a": "x" * 101}}, {"signature": "yes"}):
            assert origin.post("/api/proposals", json=proposed | spoilt).status_code == 400
        stranger = origin.post("/api/proposals", json=proposed | {"to": "0x" + "11" * 20})
        assert (stranger.status_code, stranger.json()["kind"]) == (403, "not_known")
        answers = [origin.post("/api/proposals", json=proposed) for _ in range(20)]
        assert answers[-1].json()["kind"] == "too_many"
        for one in origin.get("/api/proposals").json():
            assert origin.post(f"/api/proposals/{one['id']}/remove").status_code == 200
        assert origin.get("/api/proposals").json() == []
