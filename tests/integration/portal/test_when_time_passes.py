"""What takes hours or days: the chain's clock is moved on, so these are the last of the portal's tests.

a patient gets the account back after a lost device, through guardians, and sees them ask
"""

from __future__ import annotations

from playwright.sync_api import Browser

from ..browsing import give_authenticator, visiting
from ..hospital import Dev
from .scene import accounts, let_pass, url_of

DAY_S = 86_400


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
