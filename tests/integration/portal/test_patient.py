"""What a patient does with the portal.

patient
  sees who can look, and each look, verified by the browser itself
  opens the own signals: what the browser decrypts is what the command fetches
  asks why the forecast says so, and is told in plain words that the page checked
  allows somebody and stops them: never more clicks or signatures to stop than to allow
  without a wallet, a passkey is the account, and the hospital pays
  with a wallet that says no, or moves to another account, nothing is done
  sees the forecast's pace as a heart that beats, drawn only when asked for; without 3-D nothing else is missing
  sees what changed elsewhere without asking, and is told when the session ended
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

from playwright.sync_api import Browser

from ..browsing import Visit, give_authenticator, give_wallet, visiting
from ..clinic import ROOT, Cli
from ..hospital import Dev
from .scene import COUNT_ASSERTIONS, accounts, flow, signed, touches, url_of


def test_patient_sees_who_can_look_and_each_look(visit: Visit, twin: str) -> None:
    visit.open("/patient")
    visit.be("patient-1")
    visit.click("main a.card")

    visit.see("[data-reader]:has-text('Risk forecasts')")
    assert "none is missing" in visit.see("p:has([data-verified])")
    visit.see("[data-look=permitted]:has-text('Risk forecasts looked at')")
    assert "Likely between" in visit.see("article[data-round]")
    assert "public recordings" in visit.see("[data-demonstration]")  # no proxy passes for the patient's own


def test_browser_opens_what_the_command_opens(visit: Visit, cli: Cli, twin: str, tmp_path: Path) -> None:
    """Two implementations, one in Python and one in the page: the same rows to the last digit."""
    visit.open(f"/patient/{twin}")
    visit.be("patient-1")
    visit.click("[data-look=waveform]")
    visit.see(".chart canvas")
    with visit.page.expect_download() as got:
        visit.page.click("a[download]")
    seen = list(csv.reader(Path(got.value.path()).read_text("utf-8").splitlines()))

    out = tmp_path / "command.csv"
    cli.facts("fetch", twin, "--purpose", "patient_request", "--kind", "pulse", "--as", "patient-1", "--out", str(out))
    told = list(csv.reader(out.read_text("utf-8").splitlines()))
    assert len(seen) == len(told) > 1_000
    assert [(row[1], float(row[2])) for row in seen[1:]] == [(row[1], float(row[2])) for row in told[1:]]


def test_patient_asks_why(visit: Visit, twin: str) -> None:
    """The strongest reasons in the words of the templates, checked against the report, and the look is noted."""
    say = json.loads((ROOT / "oracle" / "artifacts" / "words" / "en.json").read_text("utf-8"))
    known = {text.lower() for key, text in say.items() if key.startswith("feature.")}
    visit.open(f"/patient/{twin}")
    visit.be("patient-1")
    visit.click("[data-do=why]")
    told = visit.see("[data-why] ul").splitlines()
    assert 1 <= len(told) <= 3
    for line in told:
        words = line.lower().removesuffix(" makes it higher.").removesuffix(" makes it lower.")
        assert words in known and words != line.lower()
    visit.see("[data-why] [data-explained=true]")
    visit.see("[data-look=permitted]:has-text('patient-1')")


def test_allow_then_stop_with_a_wallet(opened: Browser, dev: Dev, cli: Cli, twin: str) -> None:
    """Through EIP-6963 and EIP-712, the hospital paying: one signature each, and stopping is the shorter way."""
    with visiting(opened, url_of(dev)) as visit:
        give_wallet(visit, accounts(dev)["patient-1"], f"http://127.0.0.1:{dev.port}")
        visit.open(f"/patient/{twin}")
        visit.page.click("[data-wallet=test]")
        visit.see("[data-reader]")
        before = signed(visit)
        somebody = accounts(dev)["reviewer"]

        visit.clicks = 0
        visit.click("[data-do=allow]")
        visit.page.select_option("select[name=person]", somebody)
        visit.clicks += 1
        visit.click("input[name=data][value='2']")
        visit.click("input[name=purpose][value='1']")
        visit.click("input[name=days][value='7']")
        said = visit.see("[data-sentence]")
        visit.click("[data-do=yes]")
        visit.see(f"[data-reader='{somebody}']")
        allowed = (visit.clicks, signed(visit) - before)
        flow("grant", *allowed)

        shown = visit.page.evaluate("window.testWallet.seen.at(-1)")
        message = json.loads(shown[1][1])["message"]
        assert (
            message["grantee"].lower() == somebody.lower() and message["categories"] == 2 and message["purposes"] == 1
        )
        assert int(message["expiry"]) - int(message["notBefore"]) == 7 * 86_400
        assert "signals such as ECG" in said and "my care" in said
        assert somebody in [row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]]

        visit.clicks, before = 0, signed(visit)
        visit.click(f"[data-reader='{somebody}'] [data-do=stop]")
        assert "all 3 keyholders must refuse" in visit.see("[data-closing]")
        stopped = (visit.clicks, signed(visit) - before)
        flow("revoke", *stopped)
        assert not visit.page.query_selector(f"[data-reader='{somebody}']")
        assert somebody not in [row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]]
        assert stopped <= (1, 1) and stopped[0] <= allowed[0] and stopped[1] <= allowed[1]
        assert visit.troubles == []


def test_wallet_that_says_no_or_moves(opened: Browser, dev: Dev, cli: Cli, twin: str) -> None:
    with visiting(opened, url_of(dev)) as visit:
        give_wallet(visit, accounts(dev)["patient-1"], f"http://127.0.0.1:{dev.port}")
        visit.open(f"/patient/{twin}")
        visit.page.evaluate("window.testWallet.rejects = true")
        visit.page.click("[data-wallet=test]")
        assert "You said no. Nothing was done." in visit.see("[data-said=bad]")
        visit.page.evaluate("window.testWallet.rejects = false")
        visit.page.click("[data-wallet=test]")
        visit.see("[data-reader]")

        visit.page.evaluate("window.testWallet.rejects = true")
        visit.page.click("[data-do=stop]")
        assert "You said no. Nothing was done." in visit.see("[data-said=bad]")
        assert [row for row in cli.facts("consent", "list", twin) if row["active"]]

        visit.page.evaluate("window.testWallet.tell('accountsChanged', ['0x0000000000000000000000000000000000000001'])")
        assert "signed out" in visit.see("[data-said=bad]:has-text('moved')")
        assert not visit.page.query_selector("[data-do=stop]")


def test_passkey_is_an_account(opened: Browser, dev: Dev, cli: Cli) -> None:
    """No wallet, no ether: sign up, own a twin, allow, stop one and stop all, each with one touch of the device."""
    with visiting(opened, url_of(dev)) as visit:
        visit.page.add_init_script(COUNT_ASSERTIONS)
        give_authenticator(visit)
        visit.open("/")
        visit.click("[data-do=passkey]")
        visit.see("[data-do=mint]")
        flow("sign up with a passkey", visit.clicks, 2)  # one makes it, one signs in
        visit.click("[data-do=mint]")
        assert "Your twin is made" in visit.see("[data-said=good]")
        twin = visit.page.url.rpartition("/")[2]
        assert cli.facts("twin", "show", twin)[0]["owner"] not in accounts(dev).values()

        for name in ("clinician", "researcher"):
            visit.clicks, before = 0, touches(visit)
            visit.click("[data-do=allow]")
            visit.page.select_option("select[name=person]", accounts(dev)[name])
            visit.clicks += 1
            visit.click("input[name=data][value='1']")
            visit.click("input[name=purpose][value='1']")
            visit.click("input[name=days][value='90']")
            visit.click("[data-do=yes]")
            visit.see(f"[data-reader='{accounts(dev)[name]}']")
        allowed = (visit.clicks, touches(visit) - before)
        flow("grant with a passkey", *allowed)
        assert {row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]} == {
            accounts(dev)["clinician"], accounts(dev)["researcher"]
        }  # fmt: skip

        visit.clicks, before = 0, touches(visit)
        visit.click(f"[data-reader='{accounts(dev)['clinician']}'] [data-do=stop]")
        visit.see("[data-closing]")
        stopped = (visit.clicks, touches(visit) - before)
        flow("revoke with a passkey", *stopped)
        assert allowed == (6, 1) and stopped == (1, 1)
        assert not visit.page.query_selector(f"[data-reader='{accounts(dev)['clinician']}']")

        visit.open(f"/patient/{twin}")  # a new visit: the same passkey is the same account
        visit.page.click("section.card button.main")
        visit.see("[data-reader]")
        visit.page.click("[data-do=allow]")
        assert visit.troubles == []


BEATS = """async () => {
  const canvas = document.querySelector('[data-heart] canvas'), seen = new Set()
  const look = (left) => new Promise((done) => requestAnimationFrame(() => {
    seen.add(canvas.toDataURL())
    done(left ? look(left - 1) : seen.size)
  }))
  return look(20)
}"""


def test_heart_is_drawn_when_asked_for(opened: Browser, dev: Dev, twin: str) -> None:
    """Its picture changes while it beats, and stands still for those who asked for less motion; the words say the same."""
    for motion in ("no-preference", "reduce"):
        with visiting(opened, url_of(dev), reduced_motion=motion) as visit:
            loaded: list[str] = []
            visit.page.on("response", lambda answer, into=loaded: into.append(answer.url))
            visit.open(f"/patient/{twin}")
            visit.be("patient-1")
            visit.see("[data-do=heart]")
            before = len(loaded)
            visit.page.click("[data-do=heart]")
            visit.page.wait_for_selector("[data-heart] canvas")
            assert any("/part-" in url for url in loaded[before:])
            assert "/min" in str(visit.page.get_attribute("[data-heart]", "aria-label"))
            assert (visit.page.evaluate(BEATS) > 1) == (motion == "no-preference")


WITHOUT_3D = """
{ const { prototype } = HTMLCanvasElement, given = prototype.getContext
  prototype.getContext = function (kind, ...more) { return kind.startsWith('webgl') ? null : given.call(this, kind, ...more) } }
"""


def test_without_3d_nothing_else_is_missing(opened: Browser, dev: Dev, twin: str) -> None:
    with visiting(opened, url_of(dev)) as visit:
        visit.page.add_init_script(WITHOUT_3D)
        visit.open(f"/patient/{twin}")
        visit.be("patient-1")
        visit.page.click("[data-do=heart]")
        assert "shows no 3-D" in visit.see("[data-said=bad]")
        visit.see("[data-do=heart]")
        visit.page.click("[data-look=waveform]")
        visit.see(".chart canvas")


def test_page_follows_the_chain(visit: Visit, cli: Cli, dev: Dev, twin: str) -> None:
    """A consent given elsewhere appears by itself."""
    visit.open(f"/patient/{twin}")
    visit.be("patient-1")
    visit.see("[data-verified]")
    somebody = accounts(dev)["hospital"]
    visit.page.wait_for_timeout(5_000)  # it has looked at the chain once
    cli.facts(
        "consent", "grant", twin, "--to", somebody, "--category", "vitals", "--purpose", "care", "--days", "1",
        "--as", "patient-1",
    )  # fmt: skip
    visit.see(f"[data-reader='{somebody}']")


def test_session_that_ended_is_told(opened: Browser, dev: Dev, cli: Cli, twin: str) -> None:
    with visiting(opened, url_of(dev)) as visit:
        visit.open(f"/patient/{twin}")
        visit.be("patient-1")
        visit.see("[data-reader]")
        visit.page.context.clear_cookies()
        visit.page.click("[data-do=stop]")
        assert "Sign in again; nothing was done" in visit.see("[data-said=bad]")
        visit.see("[data-demo=patient-1]")
        assert [row for row in cli.facts("consent", "list", twin) if row["active"]]
