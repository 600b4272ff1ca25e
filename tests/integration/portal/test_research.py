"""What a researcher does with the portal: buys, opens, and is refused once the patient stops."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from ..browsing import Visit, visiting
from ..clinic import Cli
from ..hospital import Dev
from .scene import accounts, flow, url_of


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
