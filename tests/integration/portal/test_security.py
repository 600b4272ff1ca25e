"""What the portal does not let happen.

the relay pays for what is signed and for this deployment, nothing else; a sign-in counts once
a portal that lies about the chain, or keyholders that are silent, are found out by the page
hostile names are shown as text
it goes by one name, asks the chain only what was looked at, and closes the usual doors
"""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Browser, Route

from ..browsing import visiting
from ..hospital import Dev
from .scene import accounts, message_for, sideways, sign_in, signed_by, url_of

HOSTILE = "<img src=x onerror=alert(1)>\"'`{}\u202e\U0001f9ec" + "x" * 10_000


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


def refused_sign_in(client: httpx.Client, dev: Dev, spoil: Callable[[str], str]) -> str:
    """The signature is over what was sent for the site and chain, and over the true text where words were changed."""
    text = message_for(client, dev, "researcher")
    signature = signed_by(text if "Give all" in spoil(text) else spoil(text), "researcher")
    told = client.post("/api/session", json={"message": spoil(text), "signature": signature})
    assert told.status_code == 403
    return str(told.json()["kind"])


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
