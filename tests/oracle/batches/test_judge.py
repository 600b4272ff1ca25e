"""A gateway that does what it may not is found, and suspended."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from oracle.adapters.journal import SqliteOutbox
from oracle.adapters.memory import new_signer
from oracle.batches.judge import accuse, find_fault
from oracle.batches.publish import prepare
from oracle.formats import merkle
from oracle.formats.epochs import epoch_leaf, pack_manifest
from oracle.formats.typed_data import Domain
from oracle.records import Readings, TwinClass
from oracle.rights.mint import mint, new_twin_id
from oracle.rights.pair import pair

from .ward import DAY_S, Ward, recorded_later


def test_a_gateway_at_fault_is_found_and_suspended(
    ward: Ward, recorded: Callable[..., Readings], tmp_path: Path
) -> None:
    """A batch nobody paired signed, two of one number, one that does not follow: each proof the contract takes."""
    twice = replace(ward.twin.edge, outbox=SqliteOutbox(tmp_path / "clone.sqlite", ward.twin.device.address, "clone"))
    unpaired = replace(ward.twin.edge, device=new_signer(), outbox=SqliteOutbox(tmp_path / "x.sqlite", "x", "x"))
    first, second = ward.seal(*recorded_later(recorded, ward, 2))
    other_first, other_second = (prepare(twice, one) for one in recorded_later(recorded, ward, 2))
    strange = prepare(unpaired, recorded())
    chain, store = ward.chain, ward.gateway.store
    domain = Domain(chain.chain_id, chain.address("DataAnchor"))
    for epochs, function in (
        (((first,), (second,)), ""),
        (((first, second), (strange,)), "proveUnknownDevice"),
        (((first,), (other_first, second)), "proveBrokenSequence"),
        (((first,), (other_second,)), "proveBrokenSequence"),
        (((other_second,), (first,)), "proveBrokenSequence"),
    ):
        owner, gateway, twin_id = ward.stage.person(), ward.stage.person(), new_twin_id(TwinClass.WARD, os.urandom)
        mint(chain, owner, twin_id)
        pair(chain, owner, gateway, twin_id, ward.stage.now_s() + DAY_S)
        chain.write(gateway, "EpochAnchor", "admit", gateway.address)
        for listed in epochs:
            signed = [(one.batch, one.signature) for one in listed]
            root = merkle.root([epoch_leaf(domain, *one) for one in signed])
            chain.write(gateway, "EpochAnchor", "anchorEpoch", (root, len(listed), store.put(pack_manifest(signed))))
        fault = find_fault(chain, store, gateway.address)
        assert (fault.function if fault else "") == function
        if fault:
            chain.write(gateway, "EpochAnchor", "anchorEpoch", (os.urandom(32), 1, os.urandom(32)))
            assert find_fault(chain, store, gateway.address), "a list kept back hides no fault in the others"
            accuse(chain, ward.stage.hospital, find_fault(chain, store, gateway.address))
        assert chain.read("EpochAnchor", "headOf", gateway.address)[3] == bool(fault)
