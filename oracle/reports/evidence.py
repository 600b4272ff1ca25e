"""Two reports of one round in one node's hand, alone or in bundles: kept until the contract is shown, which suspends the node."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import RevertedError
from ..formats.bundles import place_of
from ..ports import Chain, Signer
from ..records import Observation, Report
from ..stages.post import ALONE, report_fields
from .due import Place


@dataclass(frozen=True, slots=True)
class Said:
    """A report and where its signature stands: under itself, or under a bundle that it is in."""

    report: Report
    place: tuple[bytes, tuple[bytes, ...]]
    signature: bytes


def said_alone(observation: Observation) -> Said:
    """What a node signed by itself."""
    return Said(observation.report, ALONE, observation.signature)


class Evidence:
    """What nodes are caught at."""

    def __init__(self) -> None:
        self._caught: dict[str, tuple[Said, Said]] = {}

    def hold(self, signer: str, one: Said, other: Said) -> None:
        """Against each other: kept if they are two reports of one round under one configuration."""
        of_one_round = place_of(one.report) == place_of(other.report) and one.report.config == other.report.config
        if of_one_round and one.report != other.report:
            self._caught[signer] = (one, other)

    def show(self, chain: Chain, sender: Signer) -> Iterator[tuple[Place, str]]:
        """Bring all of it before the contract, once; the round and the node of each that this suspended.

        Raises
        ------
        ChainError
            The chain does not answer; what was not shown is kept.
        """
        for signer, both in list(self._caught.items()):
            if _suspended(chain, sender, signer, both):
                yield place_of(both[0].report), signer
            del self._caught[signer]


def _suspended(chain: Chain, sender: Signer, signer: str, both: tuple[Said, Said]) -> bool:
    """Whether this transaction did; False if another node was faster."""
    if not chain.read("PredictionOracle", "isSigner", signer):
        return False
    try:
        shown = [(report_fields(one.report), one.place, one.signature) for one in both]
        chain.write(sender, "PredictionOracle", "proveEquivocation", *shown)
    except RevertedError:
        return False
    return True
