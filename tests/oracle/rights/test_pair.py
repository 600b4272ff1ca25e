"""Cutting a device off.

given a device that is no gateway
  it is cut off by one transaction
given a gateway that was admitted
  it is cut off and its admission ends, so that its next epoch is refused; after a cut in between the same call goes on
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.errors import ChainError, RevertedError
from oracle.rights.pair import pair, unpair

if TYPE_CHECKING:
    from ..conftest import Stage, Twin

DAY_S = 86_400
EPOCH = bytes([1] * 32), 1, bytes([2] * 32)


class CutOff:
    """A chain that stops answering after the cut-off."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def write(self, signer: Any, contract: str, function: str, *args: Any) -> Any:
        """Not the second transaction."""
        if function == "admit":
            raise ChainError("the chain stopped answering")
        return self._chain.write(signer, contract, function, *args)


@pytest.fixture
def gateway(stage: Stage, twin: Twin) -> LocalSigner:
    """Paired with the twin, admitted, and posting."""
    made = stage.person()
    pair(stage.chain, twin.patient, made, twin.twin_id, stage.now_s() + 30 * DAY_S)
    stage.chain.write(made, "EpochAnchor", "admit", made.address)
    stage.chain.write(made, "EpochAnchor", "anchorEpoch", EPOCH)
    return made


def refused(stage: Stage, gateway: LocalSigner) -> str:
    with pytest.raises(RevertedError) as caught:
        stage.chain.write(gateway, "EpochAnchor", "anchorEpoch", EPOCH)
    return caught.value.error


def test_a_device_is_cut_off_by_one_transaction(stage: Stage, twin: Twin) -> None:
    """Nobody asks EpochAnchor about who never posted there; once more there is nothing to cut off."""
    before = stage.chain.head().number

    mined = unpair(stage.chain, twin.patient, twin.device.address)

    assert [event.name for event in mined.events] == ["DeviceUnpaired"]
    assert stage.chain.head().number == before + 1
    with pytest.raises(RevertedError, match="DeviceNotPaired"):
        unpair(stage.chain, twin.patient, twin.device.address)


def test_a_gateway_cut_off_posts_no_more(stage: Stage, twin: Twin, gateway: LocalSigner) -> None:
    """At once, not a day later."""
    mined = unpair(stage.chain, twin.patient, gateway.address)

    assert [event.name for event in mined.events] == ["GatewayAdmitted"]
    assert not stage.chain.read("DeviceRegistry", "deviceOf", gateway.address).paired
    assert stage.chain.read("EpochAnchor", "headOf", gateway.address).until == 0
    assert refused(stage, gateway) == "NotGateway"


def test_a_cut_in_between_is_made_good(stage: Stage, twin: Twin, gateway: LocalSigner) -> None:
    """The device is cut off, the gateway still posts; the same call again ends that too."""
    with pytest.raises(ChainError):
        unpair(CutOff(stage.chain), twin.patient, gateway.address)  # type: ignore[arg-type]
    stage.chain.write(gateway, "EpochAnchor", "anchorEpoch", EPOCH)

    unpair(stage.chain, twin.patient, gateway.address)

    assert refused(stage, gateway) == "NotGateway"
