"""The public vectors of RFC 6962 proofs: every proof that holds is taken, every one that does not is refused."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from oracle.formats.receipt_log import verify_consistency, verify_inclusion

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "rfc6962.json").read_text("utf-8"))
PUBLISHED = 196


def proof_of(vector: dict[str, Any]) -> list[bytes]:
    """The hashes; null is none."""
    return [b64decode(one) for one in vector["proof"] or []]


def test_all_that_were_published_are_here() -> None:
    """None was left out."""
    assert len(VECTORS["inclusion"]) + len(VECTORS["consistency"]) == PUBLISHED


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda one: one["name"])
def test_inclusion(vector: dict[str, Any]) -> None:
    """As the vector says."""
    leaf, root = b64decode(vector["leafHash"] or ""), b64decode(vector["root"] or "")
    taken = verify_inclusion(leaf, vector["leafIdx"], vector["treeSize"], proof_of(vector), root)
    assert taken is not vector["wantErr"], vector["desc"]


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda one: one["name"])
def test_consistency(vector: dict[str, Any]) -> None:
    """As the vector says."""
    old, new = b64decode(vector["root1"] or ""), b64decode(vector["root2"] or "")
    taken = verify_consistency(vector["size1"], vector["size2"], old, new, proof_of(vector))
    assert taken is not vector["wantErr"], vector["desc"]
