"""A guardian decides for a child until a day, and hands that over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.errors import RevertedError
from oracle.records import Category, Purpose, TwinClass
from oracle.rights import guardian
from oracle.rights.consent import DAY_S, consents, grant, revoke
from oracle.rights.mint import mint, new_twin_id

if TYPE_CHECKING:
    from ..conftest import Stage

NOBODY = "0x" + "0" * 40


def test_a_guardian_grants_hands_over_and_ends(
    stage: Stage, patient: LocalSigner, researcher: LocalSigner, stranger: LocalSigner
) -> None:
    """The hospital's grant comes from the first guardian and is ended by the second; the owner ends the rest."""
    chain, mother, father = stage.chain, researcher, stranger
    twin = new_twin_id(TwinClass.PATIENT, lambda size: b"\x07" * size)
    mint(chain, patient, twin)
    until, soon = stage.now_s() + 30 * DAY_S, stage.now_s() + 600
    guardian.appoint(chain, patient, mother, twin, until, nonce=0, deadline_s=soon)
    allowed = {"categories": Category.VITALS, "purposes": Purpose.CARE}
    with pytest.raises(RevertedError, match="GuardianshipExceeded"):
        grant(chain, mother, twin, stage.hospital.address, **allowed, days=31)
    grant(chain, mother, twin, stage.hospital.address, **allowed, days=29)
    assert consents(chain, twin)[0].active

    guardian.hand_over(chain, mother, father, twin, nonce=0, deadline_s=soon)

    assert guardian.guardian_of(chain, twin) == (father.address, until)
    with pytest.raises(RevertedError, match="NotTwinOwner"):
        revoke(chain, mother, twin, stage.hospital.address)
    revoke(chain, father, twin, stage.hospital.address)
    assert not consents(chain, twin)[0].active
    guardian.dismiss(chain, patient, twin)
    assert guardian.guardian_of(chain, twin) == (NOBODY, 0)
