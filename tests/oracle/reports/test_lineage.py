"""A model names the consents it was trained under; a revocation marks it, and may stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.errors import InputError, RevertedError
from oracle.formats.merkle import verify
from oracle.records import Category, Purpose, TwinClass
from oracle.reports import lineage
from oracle.reports.lineage import ConsentId
from oracle.rights.consent import grant, revoke
from oracle.rights.mint import mint, new_twin_id

if TYPE_CHECKING:
    from ..conftest import Stage

MODEL, CARD = b"\x31" * 32, b"\x32" * 32


@pytest.fixture
def trained(stage: Stage, patient: LocalSigner, researcher: LocalSigner) -> list[ConsentId]:
    """Three twins whose owner let the researcher train, one of them for the second time."""
    for number in range(3):
        twin = new_twin_id(TwinClass.PATIENT, lambda size, n=number: bytes([n + 1] * size))
        mint(stage.chain, patient, twin)
        for _ in range(2 if number == 1 else 1):
            allow(stage, patient, twin, researcher.address)
    return lineage.held(stage.chain, researcher.address)


def allow(stage: Stage, owner: LocalSigner, twin: int, grantee: str) -> None:
    """A month of vitals for research."""
    grant(stage.chain, owner, twin, grantee, categories=Category.VITALS, purposes=Purpose.RESEARCH_GENERAL, days=30)


def register(stage: Stage, consents: list[ConsentId], *, stops: bool) -> None:
    """Registered by the hospital and approved."""
    chain, by = stage.chain, stage.hospital
    chain.write(by, "ModelRegistry", "register", MODEL, CARD, lineage.root_of(consents), stops)
    chain.write(by, "ModelRegistry", "approve", MODEL)


def test_what_is_held_is_written_and_read(trained: list[ConsentId], researcher: LocalSigner) -> None:
    """Serials count each pair's grants; the file gives the same back, whatever the order."""
    assert sorted(one.serial for one in trained) == [1, 1, 2]
    assert {one.grantee for one in trained} == {researcher.address}
    assert lineage.read(lineage.write(trained)) == trained
    assert lineage.root_of(trained[::-1]) == lineage.root_of(trained)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '[{"twin": "0x1"}]', '[{"twin": "0x1", "grantee": "me", "serial": 1}]',
     '[{"twin": "0x1", "grantee": "0x1111111111111111111111111111111111111111", "serial": 4294967296}]',
     '[{"twin": "0x1", "grantee": "0x1111111111111111111111111111111111111111", "serial": -1}]',
     '[{"twin": 1, "grantee": "0x1111111111111111111111111111111111111111", "serial": 1}]'],
)  # fmt: skip
def test_what_is_no_list_of_consents_is_refused(text: str) -> None:
    """With a sentence, not a traceback."""
    with pytest.raises(InputError):
        lineage.read(text)


def test_a_consent_named_twice_is_refused(trained: list[ConsentId]) -> None:
    """Each grant is one leaf."""
    with pytest.raises(InputError, match="once"):
        lineage.read(lineage.write([*trained, trained[0]]))


@pytest.mark.parametrize("stops", [True, False])
def test_a_revocation_marks_the_model(
    stage: Stage, trained: list[ConsentId], patient: LocalSigner, stranger: LocalSigner, stops: bool
) -> None:
    """Anybody brings it; what follows was said when the model was registered."""
    register(stage, trained, stops=stops)
    assert lineage.revoked(stage.chain, trained) == []
    with pytest.raises(RevertedError, match="ConsentNotRevoked"):
        lineage.mark(stage.chain, stranger, MODEL, trained, trained[1])
    revoke(stage.chain, patient, trained[1].twin_id, trained[1].grantee)
    assert lineage.revoked(stage.chain, trained) == [trained[1]]

    lineage.mark(stage.chain, stranger, MODEL, trained, trained[1])

    assert stage.chain.read("ModelRegistry", "modelOf", MODEL).marked
    assert stage.chain.read("ModelRegistry", "isApproved", MODEL) is not stops
    with pytest.raises(RevertedError, match="ModelIsMarked"):
        lineage.mark(stage.chain, stranger, MODEL, trained, trained[1])


def test_a_later_consent_hides_no_revocation(
    stage: Stage, trained: list[ConsentId], patient: LocalSigner, stranger: LocalSigner
) -> None:
    """Granting again is a new consent; a model trained under the old one is still marked."""
    register(stage, trained, stops=True)
    revoke(stage.chain, patient, trained[0].twin_id, trained[0].grantee)
    allow(stage, patient, trained[0].twin_id, trained[0].grantee)

    lineage.mark(stage.chain, stranger, MODEL, trained, trained[0])

    assert not stage.chain.read("ModelRegistry", "isApproved", MODEL)


def test_voiding_all_grants_marks_too(
    stage: Stage, trained: list[ConsentId], patient: LocalSigner, stranger: LocalSigner
) -> None:
    """One transaction ends every consent of the twin; each of them counts as revoked."""
    register(stage, trained, stops=True)
    stage.chain.write(patient, "TwinToken", "voidGrants", trained[2].twin_id)
    allow(stage, patient, trained[2].twin_id, trained[2].grantee)

    assert lineage.revoked(stage.chain, trained) == [trained[2]]
    lineage.mark(stage.chain, stranger, MODEL, trained, trained[2])


def test_another_list_marks_nothing(stage: Stage, trained: list[ConsentId], stranger: LocalSigner) -> None:
    """The file must be the one the model was registered with; a consent outside it has no proof."""
    register(stage, trained, stops=True)
    outside = ConsentId(trained[0].twin_id, trained[0].grantee, 7)

    with pytest.raises(InputError, match="other consents"):
        lineage.mark(stage.chain, stranger, MODEL, [*trained, outside], outside)
    with pytest.raises(InputError, match="not in the tree"):
        lineage.mark(stage.chain, stranger, MODEL, trained, outside)
    assert not verify(lineage.root_of(trained), [], outside.leaf())
