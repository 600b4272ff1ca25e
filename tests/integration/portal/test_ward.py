"""What a clinician does with the portal.

clinician
  sees whom the patient let in, and nobody else
"""

from __future__ import annotations

from ..browsing import Visit
from ..clinic import Cli
from ..hospital import Dev
from .scene import accounts


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
