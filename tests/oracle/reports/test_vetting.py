"""Models and the registry: only the registered bytes under the registered card, approved and not withdrawn, pass."""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from pathlib import Path

import pytest

from oracle.errors import VerificationError
from oracle.reports.vetting import vet
from oracle.serve.cli import model as command
from oracle.twins.shipped import Shipped

from ..conftest import Stage

CARD = b'{"name":"another"}'


def registered(stage: Stage, model: bytes, card: bytes, *, approved: bool = True) -> bytes:
    """The digest of a model that the hospital registered."""
    digest = hashlib.sha256(model).digest()
    stage.chain.write(
        stage.hospital, "ModelRegistry", "register", digest, hashlib.sha256(card).digest(), b"\x07" * 32, False
    )
    if approved:
        stage.chain.write(stage.hospital, "ModelRegistry", "approve", digest)
    return digest


def test_approved_model_passes_with_what_the_registry_knows(stage: Stage) -> None:
    """Digests, who registered it, and the root of the consents."""
    shipped = Shipped.named("pulse")
    graph = shipped.model_bytes + b"\x00"  # other bytes than the stage's own pulse model
    digest = registered(stage, graph, shipped.card_bytes)

    found = vet(stage.chain, graph, shipped.card_bytes)

    assert (found.model, found.card) == (digest, shipped.card_digest)
    assert found.registrar == stage.hospital.address and found.lineage == b"\x07" * 32 and found.registered_at > 0


def test_altered_swapped_and_unregistered_files_are_refused(stage: Stage) -> None:
    """One byte changed, another model's file under this card, and a card changed by one byte: each with its reason."""
    one, other = (Shipped.named(name) for name in ("heart_failure_299", "nhs_ae"))
    registered(stage, one.model_bytes, one.card_bytes)
    registered(stage, other.model_bytes, other.card_bytes)
    altered = bytearray(one.model_bytes)
    altered[len(altered) // 2] ^= 1

    cases = (
        (bytes(altered), one.card_bytes, "model_unregistered"),
        (other.model_bytes, one.card_bytes, "wrong_card"),
        (one.model_bytes, one.card_bytes + b" ", "wrong_card"),
        (Shipped.named("cgm_t1d_30").model_bytes, one.card_bytes, "model_unregistered"),
    )
    for model, card, kind in cases:
        with pytest.raises(VerificationError) as refused:
            vet(stage.chain, model, card)
        assert refused.value.kind == kind and refused.value.hint


def test_withdrawn_and_unapproved_models_are_refused(stage: Stage) -> None:
    """Registered is not approved, and what was taken back stays away."""
    graph = b"\x08\x09 not yet"
    digest = registered(stage, graph, CARD, approved=False)
    with pytest.raises(VerificationError) as early:
        vet(stage.chain, graph, CARD)
    stage.chain.write(stage.hospital, "ModelRegistry", "approve", digest)
    vet(stage.chain, graph, CARD)
    stage.chain.write(stage.hospital, "ModelRegistry", "withdraw", digest, b"\x01" * 32)
    with pytest.raises(VerificationError) as late:
        vet(stage.chain, graph, CARD)

    assert (early.value.kind, late.value.kind) == ("model_not_approved", "model_withdrawn")


class Bomb:
    """Unpickled, it would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_pickle_is_refused_unopened_even_if_registered(stage: Stage, tmp_path: Path) -> None:
    """A file that could run code is refused by how it begins; what it would do is not done."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("data.pkl", pickle.dumps(Bomb(tmp_path / "gone off")))
    for harmful in (pickle.dumps(Bomb(tmp_path / "gone off")), zipped.getvalue(), b"cos\nsystem\n.", b""):
        registered(stage, harmful or b"?", CARD)
        with pytest.raises(VerificationError) as refused:
            vet(stage.chain, harmful, CARD)
        assert refused.value.kind == "foreign_format"
    assert not (tmp_path / "gone off").exists()


def test_command_verifies_installed_and_named_files(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without files it takes the installed ones; a file that is named is what is judged."""
    shipped = Shipped.named("icu2012")
    registered(stage, shipped.model_bytes, shipped.card_bytes)
    monkeypatch.setattr(command, "suite", lambda: stage.chain)
    wrong = tmp_path / "icu2012.onnx"
    wrong.write_bytes(pickle.dumps(1))

    command.verify("icu2012")
    assert shipped.model_digest.hex() in capsys.readouterr().out.replace("\n", "")
    with pytest.raises(VerificationError, match="pickle"):
        command.verify("icu2012", model=wrong)
