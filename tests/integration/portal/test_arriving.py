"""How people arrive: a code at the bedside, an account in one screen, and somebody who helps with an account of their own."""

from __future__ import annotations

import base64
import time

import httpx
from playwright.sync_api import Browser

from ..browsing import Visit, give_authenticator, visiting
from ..clinic import Cli
from ..hospital import Dev
from .scene import COUNT_ASSERTIONS, figures, flow, touches, url_of

READ_CODE = """async () => {
  const image = document.querySelector('img'), canvas = document.createElement('canvas')
  canvas.width = canvas.height = 600
  const pen = canvas.getContext('2d')
  await image.decode()
  pen.drawImage(image, 0, 0, 600, 600)
  return jsQR(pen.getImageData(0, 0, 600, 600).data, 600, 600).data
}"""


def read_code(opened: Browser, visit: Visit, number: int) -> str:
    """What a phone's camera would read from a code on the page."""
    code = visit.page.wait_for_selector(f"img.code >> nth={number}")
    drawn = visit.page.request.get(visit.url + str(code.get_attribute("src"))).body()
    with visiting(opened, "") as phone:
        phone.page.set_content(f"<img src='data:image/svg+xml;base64,{base64.b64encode(drawn).decode()}'>")
        phone.page.add_script_tag(path="node_modules/jsqr/dist/jsQR.js")
        return str(phone.page.evaluate(READ_CODE))


def test_patient_arrives_by_a_code(visit: Visit, opened: Browser, dev: Dev, cli: Cli) -> None:
    """From the code on the ward's screen to a twin of one's own: one click, and nobody else can look."""
    visit.open("/invite")
    code = read_code(opened, visit, 0)
    assert code == f"{url_of(dev)}/welcome"

    with visiting(opened, url_of(dev), viewport={"width": 360, "height": 800}) as patient:
        patient.page.add_init_script(COUNT_ASSERTIONS)
        give_authenticator(patient)
        begun = time.monotonic()
        patient.open(code.removeprefix(url_of(dev)))
        patient.click("[data-do=begin]")
        patient.see("[data-readers='0']")
        figures["sign_up_s"] = round(time.monotonic() - begun, 1)
        flow("from the code to a twin", patient.clicks, 1 + touches(patient))  # the first makes the passkey
        twin = patient.page.url.rpartition("/")[2]
        assert cli.facts("consent", "list", twin) == []
        assert patient.troubles == []


def test_helper_has_an_account_of_their_own(opened: Browser, dev: Dev, twin: str) -> None:
    """The patient scans the helper's code and chooses what they may see; the helper then sees that, under their own name."""
    with visiting(opened, url_of(dev)) as helper, visiting(opened, url_of(dev)) as patient:
        give_authenticator(helper)
        helper.open("/")
        helper.click("[data-do=passkey]")
        helper.see("[data-do=mint]")
        helper.page.click("a[href='/invite']")
        code = read_code(opened, helper, 1)  # the first is for new patients
        address = code.rpartition("/")[2]

        patient.open(code.removeprefix(url_of(dev)))
        patient.be("patient-1")
        patient.click(f"main a.card[href*='{int(twin, 16):x}']")
        patient.click("input[name=data][value='2']")
        patient.click("input[name=purpose][value='1']")
        patient.click("input[name=days][value='7']")
        patient.click("[data-do=yes]")
        patient.see(f"[data-reader='{address}']")

        helper.page.click("header nav a[href='/ward']")
        helper.page.click("[data-bed] a")
        helper.click("[data-look='2']")
        helper.see(".chart canvas")
        patient.page.reload()
        patient.see(f"[data-look=permitted] bdi[title='{address}']")
        patient.click(f"[data-reader='{address}'] [data-do=stop]")
        patient.see("[data-closing]")
        assert helper.troubles == patient.troubles == []


def test_code_leads_nowhere_else(dev: Dev) -> None:
    """No address but this portal's own pages can be put into a code."""
    for path in ("//elsewhere.example", "https://elsewhere.example", "/a?b", "/../x", "", "/" + "a" * 301):
        answer = httpx.get(url_of(dev) + "/api/qr", params={"path": path})
        assert answer.status_code == 400, path
    assert httpx.get(url_of(dev) + "/api/qr").status_code == 400
