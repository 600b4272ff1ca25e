"""A twin with a batch, and three custodians to ask for it over HTTP."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.formats import hpke
from oracle.records import AnchoredBatch

from .serving import Case

if TYPE_CHECKING:
    from ...conftest import Stage, Twin


@pytest.fixture
def case(stage: Stage, twin: Twin, anchored: AnchoredBatch, custodians: Any, researcher: LocalSigner) -> Case:
    """Consent for vitals and care."""
    twin.allow(researcher.address)
    return Case(stage, twin, custodians, researcher, anchored, hpke.new_key(os.urandom))
