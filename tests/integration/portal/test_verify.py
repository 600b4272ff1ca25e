"""What anybody checks without an account: a twin; a tampered block, a shortened log and a file are told for what they are."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Route

from ..browsing import Visit, visiting
from ..clinic import Cli
from ..hospital import Dev
from .scene import flow, url_of


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
