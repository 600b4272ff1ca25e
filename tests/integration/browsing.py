"""A browser for whole paths: real Chromium, a wallet that speaks EIP-1193, and a count of what people have to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from scripts.browser import browser

ARGUMENTS = ["--headless=shell", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PATIENCE_MS = 30_000
MOST_STOPS = 150  # of the Tab key on a page

WALLET = """
(() => {
  const listeners = {}
  const wallet = window.testWallet = { account: ACCOUNT, chain: null, rejects: false, signatures: 0, transactions: 0, seen: [],
    tell(event, value) { for (const one of listeners[event] ?? []) one(value) } }
  const ask = async (method, params) => {
    const answer = await (await fetch(CHAIN, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: params ?? [] }) })).json()
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result
  }
  const provider = {
    on(event, listener) { (listeners[event] ??= []).push(listener) },
    removeListener() {},
    async request({ method, params }) {
      if (method === 'eth_requestAccounts' || method === 'eth_accounts') return [wallet.account]
      if (method === 'eth_chainId' && wallet.chain) return wallet.chain
      if (method === 'wallet_switchEthereumChain') { wallet.chain = null; return null }
      const asks = ['personal_sign', 'eth_signTypedData_v4', 'eth_sendTransaction'].includes(method)
      if (asks && wallet.rejects) throw Object.assign(new Error('User rejected the request.'), { code: 4001 })
      if (method === 'eth_sendTransaction') wallet.transactions++
      else if (asks) wallet.signatures++
      if (asks) wallet.seen.push([method, params])
      if (method === 'eth_signTypedData_v4') params = [params[0], JSON.parse(params[1])]
      if (method === 'personal_sign') { method = 'eth_sign'; params = [params[1], params[0]] }
      return ask(method, params)
    },
  }
  const announce = () => window.dispatchEvent(new CustomEvent('eip6963:announceProvider', {
    detail: Object.freeze({ info: { uuid: 'test', name: 'Test wallet', icon: 'data:,', rdns: 'test' }, provider }) }))
  window.addEventListener('eip6963:requestProvider', announce)
  announce()
})()
"""
"""Announced as EIP-6963 has it; the development chain's own accounts sign."""


@dataclass
class Visit:
    """One person at a page; what is clicked is counted."""

    page: Page
    url: str
    clicks: int = 0
    keys: bool = False  # by the keyboard alone: Tab, Enter, Space and arrows
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page and wait until it is there."""
        self.page.goto(self.url + path)
        self.page.wait_for_selector("main h1:not(.loading)")

    def click(self, selector: str) -> None:
        """One click of the person, or what stands for it on a keyboard."""
        self.clicks += 1
        if not self.keys:
            self.page.click(selector)
            return
        kind = self.page.wait_for_selector(f"{selector}:not([disabled])").get_attribute("type")
        if kind == "radio":
            name = self.page.get_attribute(selector, "name")
            self.reach(f"input[type=radio][name={name}]")
            self.page.keyboard.press("Space")
            self._until(selector, "ArrowDown")
        else:
            self.reach(selector)
            self.page.keyboard.press("Space" if kind == "checkbox" else "Enter")

    def choose(self, selector: str, value: str) -> None:
        """One choice from a list."""
        self.clicks += 1
        if not self.keys:
            self.page.select_option(selector, value)
            return
        self.reach(selector)
        for _ in range(MOST_STOPS):
            if self.page.input_value(selector) == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no key leads to {value}")

    def _until(self, selector: str, key: str) -> None:
        for _ in range(MOST_STOPS):
            if self.page.evaluate("(wanted) => document.activeElement?.matches(wanted)", selector):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{key} never leads to {selector}")

    def reach(self, selector: str) -> None:
        """Go there with the Tab key alone, as somebody without a mouse does; the browser begins again after the last."""
        self._until(selector, "Tab")

    def press(self, selector: str, key: str = "Enter") -> None:
        """Reach it, and press a key on it."""
        self.reach(selector)
        self.page.keyboard.press(key)

    def see(self, selector: str, *, timeout_ms: int = PATIENCE_MS) -> str:
        """The text of what appears."""
        return self.page.wait_for_selector(selector, timeout=timeout_ms).inner_text()

    def be(self, role: str) -> None:
        """Sign in as a demonstration account, on the page that is open."""
        self.click(f"[data-demo={role}]")
        self.page.wait_for_selector("header .mark.warn")

    def inject(self, source: str, *, expression: str = "null") -> Any:
        """Run a script past the page's own policy, as a tool would; then the value of `expression`."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Runtime.evaluate", {"expression": source})
        told = session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True})
        session.detach()
        return told["result"].get("value")

    def axe(self) -> list[str]:
        """What axe finds serious or critical on the page as it is."""
        source = Path("node_modules/axe-core/axe.min.js").read_text("utf-8")
        told = self.inject(source, expression="axe.run().then((found) => JSON.stringify(found.violations))")
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:120]}"
            for one in json.loads(told)
            if one["impact"] in ("serious", "critical")
        ]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; each test opens contexts of its own."""
    path, environment = browser()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(path), args=ARGUMENTS, headless=True, env={**os.environ, **environment}
        )
        yield opened
        opened.close()


@contextmanager
def visiting(opened: Any, url: str, **options: Any) -> Iterator[Visit]:
    """A visit with storage of its own; errors of the page are kept."""
    context: BrowserContext = opened.new_context(**{"locale": "en", **options})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    visit = Visit(page, url)
    page.on("pageerror", lambda error: visit.troubles.append(str(error)))
    page.on("console", lambda said: visit.troubles.append(said.text) if said.type == "error" else None)
    yield visit
    context.close()


def give_wallet(visit: Visit, account: str, chain: str) -> None:
    """A wallet with that account, before the page is opened."""
    script = WALLET.replace("ACCOUNT", json.dumps(account)).replace("CHAIN", json.dumps(chain))
    visit.page.add_init_script(script)


def give_authenticator(visit: Visit) -> Any:
    """A passkey authenticator of the browser's own kind, that confirms when asked."""
    session = visit.page.context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session
