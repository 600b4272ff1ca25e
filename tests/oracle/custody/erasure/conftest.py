"""A twin whose two batches a researcher may read, to be erased."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.adapters.store import EmbeddedStore
from oracle.custody.erase import Certificate, erase, verify_certificate
from oracle.custody.release import LocalCustodian
from oracle.errors import Refused, VerificationError
from oracle.formats import hpke
from oracle.formats.envelope import parse_header
from oracle.formats.typed_data import dismissal_digest
from oracle.records import AnchoredBatch, ErasureRequest, KeyRequest, Readings

if TYPE_CHECKING:
    from ...conftest import Stage, Twin


@dataclass
class Case:
    """A twin with two batches that a researcher may read."""

    stage: Stage
    twin: Twin
    custodians: Sequence[LocalCustodian]
    store: Any
    batches: Sequence[AnchoredBatch]
    kept: Sequence[bytes]  # copies of the blocks that somebody made before

    def erase(
        self, owner: LocalSigner | None = None, custodians: Sequence[Any] | None = None, store: Any = None
    ) -> Certificate:
        """Erase the twin."""
        chain = self.stage.chain
        return erase(
            chain, store or self.store, self.custodians if custodians is None else custodians, owner or self.twin.patient,
            self.twin.twin_id, chain.deployment.genesis,
        )  # fmt: skip

    def holds(self, certificate: Certificate, store: Any = None) -> bool:
        """Whether the certificate verifies."""
        try:
            verify_certificate(self.stage.chain, store or self.store, certificate)
        except VerificationError as error:
            assert error.kind == "bad_certificate"
            return False
        return True

    def order(self, signer: LocalSigner, to: LocalCustodian | None = None, **change: Any) -> ErasureRequest:
        """An order to one custodian, the first unless another is named, while the twin lives."""
        made = replace(ErasureRequest(self.twin.twin_id, signer.address, self.stage.now_s() + 60), **change)
        return replace(
            made,
            signature=signer.sign_digest(
                dismissal_digest(self.stage.consent_domain(), made, (to or self.custodians[0]).address)
            ),
        )

    def ask(self, custodian: LocalCustodian, who: LocalSigner) -> str:
        """Reason of one custodian for the first kept block; empty for a yes."""
        header = parse_header(self.kept[0])
        own = next(one for one in header.shares if one.custodian == custodian.address)
        request = KeyRequest(
            self.twin.twin_id, who.address, hpke.public_key(hpke.new_key(os.urandom)), (self.batches[0].batch.digest,),
            1, 1, next(self.stage.nonces), self.stage.now_s() + 300,
        )  # fmt: skip
        try:
            return custodian.release(self.stage.sign(who, request), [(header.context, own)]).receipt.reason
        except Refused as error:
            return error.receipt.reason


@pytest.fixture
def case(
    stage: Stage,
    twin: Twin,
    recorded: Callable[..., Readings],
    custodians: Any,
    researcher: LocalSigner,
    tmp_path: Path,
) -> Case:
    """Blocks in a file as on one machine."""
    store = EmbeddedStore(tmp_path / "blocks.sqlite")
    twin.edge = replace(twin.edge, store=store)
    twin.publish(recorded())
    stage.travel(60)
    batches = twin.publish(recorded(pairs=9))
    twin.allow(researcher.address)
    return Case(stage, twin, custodians, store, batches, [store.get(one.batch.digest) for one in batches])
