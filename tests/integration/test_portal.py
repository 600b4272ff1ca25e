"""The portal in a real browser, over a hospital of real processes.

portal
  patient
    sees who can look, and each look, verified by the browser itself
    opens the own signals: what the browser decrypts is what the command fetches
    allows somebody and stops them: never more clicks or signatures to stop than to allow
    without a wallet, a passkey is the account, and the hospital pays
    with a wallet that says no, or moves to another account, nothing is done
  researcher
    buys, opens, and holds the same rows as the command
    is refused once the patient stops
  clinician
    sees whom the patient let in, and nobody else
  auditor, without an account
    checks a twin; a tampered block, a shortened log and a file are told for what they are
  the relay pays for what is signed and for this deployment, nothing else; a sign-in counts once
  a portal that lies about the chain is found out by the page
  guardians give an account back after a lost device, and the owner sees them ask
  a patient erases a twin, and holds a certificate that the command finds true
  hostile names are shown as text
  every page: nothing serious for axe, nothing sideways at 360 px, in light, dark and right to left
  first load: small
"""

from __future__ import annotations

import csv
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_utils import keccak
from playwright.sync_api import Browser, Route

from oracle.adapters.ganache import MNEMONIC
from oracle.adapters.keys import LocalSigner
from oracle.adapters.process import free_port
from oracle.serve.devnet import ROLES

from .browsing import Visit, chromium, give_authenticator, give_wallet, visiting
from .clinic import ROOT, Cli, clean_environment
from .hospital import START_S, Dev, started

RESULTS = ROOT / "bench" / "results" / "portal.json"
FIRST_LOAD_KB = 300
HOSTILE = "<img src=x onerror=alert(1)>\"'`{}\u202e\U0001f9ec" + "x" * 10_000
figures: dict[str, Any] = {"pages": {}, "flows": {}}


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """A hospital with two patients, their recordings, a researcher, nodes, custodians and the portal."""
    with started(tmp_path_factory.mktemp("portal") / "home", free_port()) as running:
        assert running.wait_for(lambda: "event=reported" in running.said(), START_S), running.said()
        yield running
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    pages = figures["pages"].values()
    whole = {**figures, "axe_serious": sum(len(one["axe_serious"]) for one in pages)}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


@pytest.fixture(scope="module")
def opened() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def visit(opened: Browser, dev: Dev) -> Iterator[Visit]:
    """Somebody new, who finds no error in the browser's console."""
    with visiting(opened, url_of(dev)) as one:
        yield one
        assert [said for said in one.troubles if "status of 40" not in said] == []  # a refusal is one, and is meant


def url_of(dev: Dev) -> str:
    return f"http://localhost:{dev.portal_port}"


@pytest.fixture(scope="module")
def cli(dev: Dev) -> Cli:
    settings, _ = dev.printed_commands()
    return Cli(clean_environment(**settings))


@pytest.fixture(scope="module")
def twin(dev: Dev) -> str:
    """Patient 1's."""
    _, commands = dev.printed_commands()
    return next(word for word in commands[0] if word.startswith("0x"))


def accounts(dev: Dev) -> dict[str, str]:
    found: dict[str, str] = json.loads((dev.home / "people.json").read_text("utf-8"))
    return {one["name"]: account for account, one in found.items()}


def flow(name: str, clicks: int, signatures: int) -> None:
    figures["flows"][name] = {"clicks": clicks, "signatures": signatures, "passed": True}


# -- patient -------------------------------------------------------------------------------------


def test_patient_sees_who_can_look_and_each_look(visit: Visit, twin: str) -> None:
    visit.open("/patient")
    visit.be("patient-1")
    visit.click("main a.card")

    assert "Risk forecasts" in visit.see("[data-reader]")
    assert "none is missing" in visit.see("p:has([data-verified])")
    assert "Risk forecasts looked at" in visit.see("[data-look=permitted]")
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


def test_allow_then_stop_with_a_wallet(opened: Browser, dev: Dev, cli: Cli, twin: str) -> None:
    """Through EIP-6963 and EIP-712, the hospital paying: one signature each, and stopping is the shorter way."""
    with visiting(opened, url_of(dev)) as visit:
        give_wallet(visit, accounts(dev)["patient-1"], f"http://127.0.0.1:{dev.port}")
        visit.open(f"/patient/{twin}")
        visit.page.click("[data-wallet=test]")
        visit.see("[data-reader]")
        before = signed(visit)
        clinician = accounts(dev)["clinician"]

        visit.clicks = 0
        visit.click("[data-do=allow]")
        visit.page.select_option("select[name=person]", clinician)
        visit.clicks += 1
        visit.click("input[name=data][value='2']")
        visit.click("input[name=purpose][value='1']")
        visit.click("input[name=days][value='7']")
        said = visit.see("[data-sentence]")
        visit.click("[data-do=yes]")
        visit.see(f"[data-reader='{clinician}']")
        allowed = (visit.clicks, signed(visit) - before)
        flow("grant", *allowed)

        shown = visit.page.evaluate("window.testWallet.seen.at(-1)")
        message = json.loads(shown[1][1])["message"]
        assert (
            message["grantee"].lower() == clinician.lower() and message["categories"] == 2 and message["purposes"] == 1
        )
        assert int(message["expiry"]) - int(message["notBefore"]) == 7 * 86_400
        assert "signals such as ECG" in said and "my care" in said
        assert clinician in [row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]]

        visit.clicks, before = 0, signed(visit)
        visit.click(f"[data-reader='{clinician}'] [data-do=stop]")
        assert "all 3 keyholders must refuse" in visit.see("[data-closing]")
        stopped = (visit.clicks, signed(visit) - before)
        flow("revoke", *stopped)
        assert not visit.page.query_selector(f"[data-reader='{clinician}']")
        assert clinician not in [row["grantee"] for row in cli.facts("consent", "list", twin) if row["active"]]
        assert stopped <= (1, 1) and stopped[0] <= allowed[0] and stopped[1] <= allowed[1]
        assert visit.troubles == []


def signed(visit: Visit) -> int:
    return int(visit.page.evaluate("window.testWallet.signatures + window.testWallet.transactions"))


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


COUNT_ASSERTIONS = """
{ const get = navigator.credentials.get.bind(navigator.credentials); window.touches = 0
  navigator.credentials.get = (options) => { window.touches++; return get(options) } }
"""


def touches(visit: Visit) -> int:
    return int(visit.page.evaluate("window.touches"))


def test_relay_pays_for_nothing_else(dev: Dev, twin: str) -> None:
    """Without a session, for another contract, with a signature of nobody: refused, and nothing is sent."""
    url = url_of(dev)
    revocation = {
        "twin": twin,
        "grantee": accounts(dev)["researcher"],
        "nonce": "0",
        "deadline": 2**33,
        "signature": "0x",
    }
    assert httpx.post(f"{url}/api/relay/revoke", json=revocation).status_code == 401
    with httpx.Client(base_url=url) as client:
        sign_in(client, dev, "researcher")
        assert client.post("/api/relay/revoke", json=revocation).status_code == 403
        elsewhere = {
            "account": "0x" + "11" * 20, "target": "0x" + "22" * 20, "data": "0x", "nonce": "0", "deadline": 2**33,
            "signature": "0x",
        }  # fmt: skip
        told = client.post("/api/relay/call", json=elsewhere)
        assert (told.status_code, told.json()["kind"]) == (400, "not_paid")
        assert client.post("/api/relay/revoke", json={**revocation, "twin": "me"}).status_code == 400
        from_elsewhere = client.post("/api/session/end", headers={"origin": "https://elsewhere.example"})
        assert from_elsewhere.status_code == 403
        assert client.post("/rpc", json={"id": 1, "method": "evm_increaseTime", "params": [9]}).status_code == 403


def test_sign_in_counts_once_here_and_now(dev: Dev) -> None:
    """Replayed, for another site or chain, or by another key: refused. Signing out ends it."""
    with httpx.Client(base_url=url_of(dev)) as client:
        body = sign_in(client, dev, "researcher")
        assert client.get("/api/people").status_code == 200
        assert client.post("/api/session", json=body).json()["kind"] == "nonce_spent"
        for spoil, kind in (
            (lambda text: text.replace("localhost:", "elsewhere:"), "wrong_site"),
            (lambda text: text.replace("Chain ID: 1337", "Chain ID: 1"), "wrong_site"),
            (lambda text: text.replace("Sign in to", "Give all to"), "bad_signature"),
        ):
            assert refused_sign_in(client, dev, spoil) == kind
        client.post("/api/session/end")
        assert client.get("/api/people").status_code == 401


def message_for(client: httpx.Client, dev: Dev, role: str) -> str:
    nonce = client.post("/api/session/nonce").json()["nonce"]
    return (
        f"localhost:{dev.portal_port} wants you to sign in with your Ethereum account:\n{accounts(dev)[role]}\n\n"
        f"Sign in to Medtwin.\n\nURI: {url_of(dev)}\nVersion: 1\nChain ID: 1337\nNonce: {nonce}\n"
        "Issued At: 2026-01-01T00:00:00Z"
    )


def signed_by(text: str, role: str) -> str:
    signer = LocalSigner.from_mnemonic(MNEMONIC, ROLES.index(role))
    prefixed = f"\x19Ethereum Signed Message:\n{len(text)}{text}"  # EIP-191, by the book
    return "0x" + signer.sign_digest(keccak(text=prefixed)).hex()


def sign_in(client: httpx.Client, dev: Dev, role: str) -> dict[str, str]:
    text = message_for(client, dev, role)
    body = {"message": text, "signature": signed_by(text, role)}
    assert client.post("/api/session", json=body).status_code == 200
    return body


def refused_sign_in(client: httpx.Client, dev: Dev, spoil: Callable[[str], str]) -> str:
    """The signature is over what was sent for the site and chain, and over the true text where words were changed."""
    text = message_for(client, dev, "researcher")
    signature = signed_by(text if "Give all" in spoil(text) else spoil(text), "researcher")
    told = client.post("/api/session", json={"message": spoil(text), "signature": signature})
    assert told.status_code == 403
    return str(told.json()["kind"])


# -- researcher ----------------------------------------------------------------------------------


def test_researcher_buys_opens_and_is_refused_once_stopped(
    visit: Visit, opened: Browser, dev: Dev, cli: Cli, twin: str
) -> None:
    visit.open("/research")
    visit.be("researcher")
    visit.clicks = 0
    visit.click("[data-do=buy]")
    assert "7 days left" in visit.see("[data-bought=active]")
    flow("buy", visit.clicks, 2)  # a demonstration account: the allowance and the purchase
    visit.click("[data-do=fetch]")
    assert "opened and verified" in visit.see("[data-said=good]:has-text('opened')")
    with visit.page.expect_download() as got:
        visit.page.click("a[download]")
    rows = len(Path(got.value.path()).read_text("utf-8").splitlines()) - 1
    assert rows > 1_000 and f"{rows:,}" in visit.see("a[download]")

    with visiting(opened, url_of(dev)) as patient:
        patient.open(f"/patient/{twin}")
        patient.be("patient-1")
        patient.click("[data-do=collect]")
        assert "in your account" in patient.see("[data-said=good]")
        patient.click(f"[data-reader='{accounts(dev)['researcher']}'] [data-do=stop]")
        patient.see("[data-closing]")

    visit.click("[data-do=fetch]")  # the page still shows it as running; the custodians know better
    assert "consent was stopped" in visit.see("[data-said=bad]")
    visit.open("/research")
    assert "ended" in visit.see("[data-bought=ended]")
    visit.click("[data-do=settle]")
    assert "came back to you" in visit.see("[data-said=good]")


# -- clinician -----------------------------------------------------------------------------------


def test_clinician_sees_only_whom_the_patient_let_in(visit: Visit, dev: Dev, cli: Cli, twin: str) -> None:
    visit.open("/ward")
    visit.be("clinician")
    assert "Nobody has let you in" in visit.see("main p.card")

    cli.facts(
        "consent", "grant", twin, "--to", accounts(dev)["clinician"], "--category", "waveform", "--purpose", "care",
        "--days", "7", "--as", "patient-1",
    )  # fmt: skip
    visit.open("/ward")
    assert visit.page.get_attribute("[data-bed]", "data-bed") == twin
    visit.click("[data-bed] h2 a")
    visit.click("[data-look='2']")
    assert "opened and verified" in visit.see("[data-said=good]")
    visit.see(".chart canvas")
    cli.facts("consent", "revoke", twin, "--from", accounts(dev)["clinician"], "--as", "patient-1")


# -- auditor -------------------------------------------------------------------------------------


def test_anybody_checks_a_twin(visit: Visit, twin: str) -> None:
    visit.open("/verify")
    visit.page.fill("input[name=twin]", twin)
    visit.clicks = 0
    visit.click("main form button")
    assert "The record is whole" in visit.see("[data-verdict=whole]")
    flow("verify", visit.clicks, 0)


def test_tampered_block_is_found(opened: Browser, dev: Dev, twin: str) -> None:
    with visiting(opened, url_of(dev)) as visit:

        def spoil(route: Route) -> None:
            body = bytearray(route.fetch().body())
            body[-1] ^= 1
            route.fulfill(body=bytes(body))

        visit.page.route("**/blocks/*", spoil)
        visit.open(f"/verify/{twin}")
        assert "is not the one on the chain" in visit.see("[data-verdict=broken]")


def test_shortened_log_is_found(opened: Browser, dev: Dev, twin: str) -> None:
    """Once the chain witnesses a log, its custodian can take nothing out of it."""
    with visiting(opened, url_of(dev)) as visit:
        visit.open("/hospital")
        for _ in range(60):
            if int(visit.page.inner_text("tr[data-keyholder] td:nth-of-type(2)").replace(",", "")):
                break
            visit.page.wait_for_timeout(1_000)
            visit.open("/hospital")
        visit.page.route("**/custodians/1/v1/receipts*", lambda route: route.fulfill(body=b"\x80"))
        visit.open(f"/verify/{twin}")
        assert "taken lines out of its log" in visit.see("[data-verdict=broken]")


def test_file_is_looked_up(visit: Visit, dev: Dev, cli: Cli, tmp_path: Path) -> None:
    visit.open("/verify")
    unknown = tmp_path / "any.txt"
    unknown.write_text("nothing of anybody")
    visit.page.set_input_files("input[type=file]", str(unknown))
    assert "Not on record" in visit.see("[data-good=false]")


def test_silent_keyholders_are_named_and_none_is_left_out(opened: Browser, dev: Dev, twin: str) -> None:
    """One shows no log, another not even a name; and a portal that knows of no keyholder at all verifies nothing."""
    with visiting(opened, url_of(dev)) as visit:
        visit.page.route("**/custodians/1/v1/receipts*", lambda route: route.fulfill(status=503))
        visit.page.route("**/custodians/2/v1/identity", lambda route: route.abort())
        visit.open(f"/patient/{twin}")
        visit.be("patient-1")
        visit.see("[data-log=silent]")
        assert len(visit.page.query_selector_all("[data-log=silent]")) == 2
        assert not visit.page.query_selector("[data-verified]")


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


# -- a portal that lies --------------------------------------------------------------------------


@pytest.mark.parametrize("lie", ["balance", "logs"])
def test_portal_that_lies_is_found_out(opened: Browser, dev: Dev, twin: str, lie: str) -> None:
    """It says that a grant has ended, or hides events; the witness says otherwise, and the page believes neither."""
    with visiting(opened, url_of(dev)) as visit:
        visit.open(f"/patient/{twin}")
        visit.be("patient-1")
        visit.see("[data-reader]")

        def lying(route: Route) -> None:
            asked = route.request.post_data_json
            answer = route.fetch().json()
            if lie == "balance" and asked["method"] == "eth_call":
                answer["result"] = "0x" + "00" * 32
            if lie == "logs" and asked["method"] == "eth_getLogs":
                answer["result"] = []
            route.fulfill(json=answer)

        visit.page.route("**/rpc", lying)
        visit.page.click("header nav a[href='/hospital']")
        assert "Believe neither yet" in visit.see("[data-trouble=lie]")


# -- hostile words -------------------------------------------------------------------------------


def test_hostile_names_are_text(opened: Browser, dev: Dev, twin: str) -> None:
    with visiting(opened, url_of(dev), viewport={"width": 360, "height": 800}) as visit:
        known = json.loads((dev.home / "people.json").read_text("utf-8"))
        hostile = {account: {"name": HOSTILE, "role": HOSTILE} for account in known}
        visit.page.route("**/api/people", lambda route: route.fulfill(json=hostile))
        visit.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
        visit.open(f"/patient/{twin}")
        visit.click("[data-demo=patient-1]")
        visit.see("[data-look]")
        assert "<img src=x" in visit.page.inner_text("header")
        assert not visit.page.query_selector("img[src=x]")
        assert sideways(visit) == 0


# -- the end of a twin ---------------------------------------------------------------------------


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


# -- a lost device -------------------------------------------------------------------------------


def test_guardians_give_an_account_back(opened: Browser, dev: Dev) -> None:
    """Two named people and three days; the owner sees it coming. After it the old device opens nothing."""
    chain = f"http://127.0.0.1:{dev.port}"
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
        for method, parameters in (("evm_increaseTime", [3 * 86_400 + 1]), ("evm_mine", [])):
            httpx.post(chain, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        device.open(asked)
        device.click("[data-do=finish]")
        device.click("a[href='/patient']")
        device.click("section.card button.main")
        assert twin[-8:] in device.see("main a.card")

        owner.open("/")
        owner.page.click("section.card button.main")
        assert "not signed by that account" in owner.see("[data-said=bad]")


# -- every page ----------------------------------------------------------------------------------

PAGES = {
    "home": ("", "/"), "patient": ("patient-1", "/patient"), "twin": ("patient-1", "/patient/{twin}"),
    "allow": ("patient-1", "/patient/{twin}/allow"), "research": ("researcher", "/research"),
    "ward": ("clinician", "/ward"), "bedside": ("clinician", "/ward/{twin}"), "hospital": ("", "/hospital"),
    "verify": ("", "/verify/{twin}"),
    "guardians": ("patient-1", "/guardians"),
    "erase": ("patient-1", "/patient/{twin}/erase"),
}  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_page_for_everybody(opened: Browser, dev: Dev, twin: str, page: str) -> None:
    """axe finds nothing serious, and nothing runs out of a small screen: light and dark, in both directions."""
    role, path = PAGES[page]
    found: list[str] = []
    for scheme, language in (("light", "en"), ("dark", "ar")):
        options = {"viewport": {"width": 360, "height": 800}, "color_scheme": scheme, "locale": language}
        with visiting(opened, url_of(dev), **options) as visit:
            visit.open(path.format(twin=twin))
            if role:
                visit.be(role)
                visit.page.wait_for_selector("main h1:not(.loading)")
            visit.page.wait_for_load_state("networkidle")
            assert visit.page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
            assert sideways(visit) == 0
            found += visit.axe()
            assert visit.troubles == []
    figures["pages"][page] = {"axe_serious": found}
    assert found == []


def sideways(visit: Visit) -> int:
    """How far the page runs out of the screen, in pixels."""
    return int(visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def test_first_load_is_small_and_from_here_alone(opened: Browser, dev: Dev) -> None:
    with visiting(opened, url_of(dev)) as visit:
        bodies: dict[str, int] = {}
        visit.page.on("response", lambda answer: bodies.update({answer.url: len(gzip.compress(answer.body(), 6))}))
        visit.open("/")
        visit.page.wait_for_load_state("networkidle")
        weight = sum(bodies.values()) / 1024
        figures["first_load_gzip_kb"] = round(weight, 1)
        assert 0 < weight < FIRST_LOAD_KB
        witness = f"http://127.0.0.1:{dev.port}"
        assert all(url.startswith((url_of(dev), witness)) for url in bodies), bodies


def test_slow_phone_is_soon_in_use(opened: Browser, dev: Dev) -> None:
    """Measured, not judged: the profile of a slow phone (a quarter of the speed, 1.6 Mbit/s, 150 ms) to the first button."""
    with visiting(opened, url_of(dev)) as visit:
        session = visit.page.context.new_cdp_session(visit.page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        slow = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
        session.send("Network.emulateNetworkConditions", slow)
        begun = time.perf_counter()
        visit.open("/")
        visit.see("[data-do=passkey]")
        figures["interactive_throttled_s"] = round(time.perf_counter() - begun, 2)


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


def test_portal_goes_by_one_name(dev: Dev) -> None:
    """A page in between, which passes everything on under its own name, is answered nothing."""
    for name in ("elsewhere.example", f"127.0.0.1:{dev.portal_port}", f"localhost:{dev.portal_port}.elsewhere.example"):
        for method, path in (("GET", "/"), ("GET", "/api/config"), ("POST", "/api/session/nonce")):
            answer = httpx.request(method, url_of(dev) + path, headers={"host": name})
            assert (answer.status_code, answer.json()["kind"]) == (421, "wrong_site")


def test_chain_is_asked_only_what_was_looked_at(dev: Dev) -> None:
    """A second spelling of the method, which some nodes would read, does not reach the chain."""
    asked = {"id": 7, "method": "eth_chainId", "METHOD": "evm_mine", "Method": "evm_mine", "extra": 1}
    assert httpx.post(url_of(dev) + "/rpc", json=asked).json() == {"id": 7, "jsonrpc": "2.0", "result": "0x539"}
    for broken in ([], "x", 3, None, {"method": "eth_chainId"}, [asked]):
        assert httpx.post(url_of(dev) + "/rpc", json=broken).status_code == 400


def test_headers_close_the_usual_doors(dev: Dev) -> None:
    answer = httpx.get(url_of(dev))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy and answer.headers["x-content-type-options"] == "nosniff"
