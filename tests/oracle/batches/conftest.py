"""The fixture of :mod:`.ward`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from oracle import deploy
from oracle.adapters.box import SqliteBox
from oracle.adapters.chain import Web3Chain
from oracle.batches.edge import Gateway
from oracle.records import TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair

from .ward import DAY_S, Ward

if TYPE_CHECKING:
    from ..conftest import Stage, Twin


@pytest.fixture
def ward(stage: Stage, twin: Twin, tmp_path: Path) -> Ward:
    """A gateway paired with a ward's twin, and followed from now on."""
    owner, signer = stage.person(), stage.person()
    ward_twin = new_twin_id(TwinClass.WARD, os.urandom)
    mint(stage.chain, owner, ward_twin)
    pair(stage.chain, owner, signer, ward_twin, stage.now_s() + 180 * DAY_S)
    known = deploy.with_gateway(stage.chain.deployment, signer.address, stage.chain.head().number)
    chain = Web3Chain(stage.opened.web3, known)
    path = tmp_path / "box.sqlite"
    gateway = Gateway(chain, twin.edge.store, SqliteBox(path), signer, stage.now_s, most_bytes=10**8)
    return Ward(stage, twin, chain, gateway, path)
