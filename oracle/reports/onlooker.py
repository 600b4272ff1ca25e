"""A node without a key looks on."""

from __future__ import annotations

from ..errors import Denied
from ..formats.bundles import Bundle
from ..records import Observation
from .due import Place
from .quorum import Happened, Member


class Onlooker:
    """A node without a key: says which rounds are due, and touches nothing.

    It is what ``medtwin node run`` is until a key is given: the endpoints, the store and the models are tried,
    and nothing is asked of custodians, signed or sent.
    """

    def __init__(self, member: Member) -> None:
        self._member = member
        self._told: set[Place] = set()

    @property
    def open_rounds(self) -> int:
        """Rounds that nodes with keys should report on."""
        return len(self._told)

    @property
    def newest_batch_s(self) -> int:
        """When the newest batch it knows of was anchored (s)."""
        return self._member.newest_batch_s

    @property
    def dissenting(self) -> set[str]:
        """What nodes sign is not for it."""
        return set()

    @property
    def without_quorum_s(self) -> float:
        """It takes no part in one."""
        return 0.0

    def turn(self) -> list[Happened]:
        """Say once what is due."""
        due = set(self._member.due())
        new, self._told = due - self._told, due
        return [Happened("due", place) for place in sorted(new)]

    def receive(self, observation: Observation) -> bool:
        """What nodes sign is not for it."""
        return False

    def endorse(self, bundle: Bundle, signature: bytes) -> bytes:
        """It has no key to sign with."""
        raise Denied("this node looks on and signs nothing", kind="no_key")
