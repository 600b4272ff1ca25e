"""What the portal's tests share: who is who in the development hospital, signing in, and the figures they leave."""

from __future__ import annotations

import json
from typing import Any

import httpx
from eth_utils import keccak

from oracle.adapters.ganache import MNEMONIC
from oracle.adapters.keys import LocalSigner
from oracle.serve.devnet import ROLES

from ..browsing import Visit
from ..hospital import Dev

figures: dict[str, Any] = {"pages": {}, "flows": {}}


def url_of(dev: Dev) -> str:
    return f"http://localhost:{dev.portal_port}"


def accounts(dev: Dev) -> dict[str, str]:
    found: dict[str, str] = json.loads((dev.home / "people.json").read_text("utf-8"))
    return {one["name"]: account for account, one in found.items()}


def flow(name: str, clicks: int, signatures: int) -> None:
    figures["flows"][name] = {"clicks": clicks, "signatures": signatures, "passed": True}


def signed(visit: Visit) -> int:
    return int(visit.page.evaluate("window.testWallet.signatures + window.testWallet.transactions"))


COUNT_ASSERTIONS = """
{ const get = navigator.credentials.get.bind(navigator.credentials); window.touches = 0
  navigator.credentials.get = (options) => { window.touches++; return get(options) } }
"""


def touches(visit: Visit) -> int:
    return int(visit.page.evaluate("window.touches"))


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


def sideways(visit: Visit) -> int:
    """How far the page runs out of the screen, in pixels."""
    return int(visit.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def let_pass(dev: Dev, seconds: int) -> None:
    """Move the chain's clock on; browsers and processes keep theirs."""
    for method, parameters in (("evm_increaseTime", [seconds]), ("evm_mine", [])):
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        httpx.post(f"http://127.0.0.1:{dev.port}", json=asked).raise_for_status()
