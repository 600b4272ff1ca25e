"""What a custodian's chain endpoints say of requests: all of them are asked, in two messages each for all that wait.

Any no is a no. Endpoints that are behind, or on another branch, cannot be told from ones that lie, and are a no as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import MedtwinError, RevertedError
from ..ports import AskBlock, AskSigned, AskView, Chain, Head, Question
from ..records import KeyRequest

MOST_BLOCKS_BEHIND = 2
VIEWS = 3
"""Asked of a request at each block."""
NO_HEAD = Head(0, bytes(32), 0)

Asked = tuple[KeyRequest, bytes]
"""A request and its digest."""
Answers = Sequence[Sequence[Any]]
"""Of one endpoint, for each request."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the endpoints say of one request.

    `apart` is why they are not believed; of those who are, `signed` is whether all say that the grantee signed it, and
    `reason` empty if all allow it.
    """

    head: Head
    now_s: int
    apart: str
    signed: bool = False
    reason: str = ""


class Endpoints:
    """The endpoints of one custodian.

    Parameters
    ----------
    chains : sequence of Chain
    clock : callable
        Now (s).
    depth : int
        Blocks until a grant counts; a revocation counts at once.
    longest_silence_s : int, optional
        Age of the newest block above which the chain is taken for cut off.
    at_once : Executor, optional
        Asks them at the same time; without one they are asked in turn.
    """

    def __init__(
        self,
        chains: Sequence[Chain],
        clock: Callable[[], int],
        *,
        depth: int = 0,
        longest_silence_s: int | None = None,
        at_once: Executor | None = None,
    ) -> None:
        self.chains = chains
        self._clock = clock
        self._depth = depth
        self._longest_silence_s = longest_silence_s
        self._map: Any = at_once.map if at_once else map

    def problem(self) -> str:
        """Why no decision could be made now; empty if one could."""
        return self._told([], self._clock())[0]

    def ask(self, asked: Sequence[Asked]) -> list[Said]:
        """What they say of requests with these digests, by the newest blocks there are now."""
        now_s = self._clock()
        apart, head, told = self._told(asked, now_s)
        if apart:
            return [Said(head, now_s, apart)] * len(asked)
        return [_judged(request, head, now_s, *answers) for (request, _), *answers in zip(asked, *told, strict=True)]

    # -- inside ----------------------------------------------------------------------

    def _told(self, asked: Sequence[Asked], now_s: int) -> tuple[str, Head, Sequence[Answers]]:
        """Why they are not believed, the head of the first, and what each answers of each request."""
        try:
            heads = list(self._map(lambda chain: chain.head(), self.chains))
            numbers = [head.number for head in heads]
            if max(numbers) - min(numbers) > MOST_BLOCKS_BEHIND:
                return "chain_lagging", heads[0], ()
            if (
                self._longest_silence_s is not None
                and now_s - min(head.time_s for head in heads) > self._longest_silence_s
            ):
                return "chain_stale", heads[0], ()
            common: list[Question] = [AskBlock(0), AskBlock(max(0, min(numbers) - self._depth))]

            def answers(chain: Chain, head: Head) -> Answers:
                questions: list[list[Question]] = [common, *(self._about(*one, head) for one in asked)]
                found = iter(chain.answers([question for some in questions for question in some]))
                return [list(islice(found, len(some))) for some in questions]

            told = list(self._map(answers, self.chains, heads))
            first, last = ({_sure(by_chain[0][at]).hash for by_chain in told} for at in (0, 1))
        except MedtwinError:
            return "chain_unavailable", NO_HEAD, ()
        agreed = first == {self.chains[0].genesis} and len(last) == 1
        return "" if agreed else "chain_forked", heads[0], [by_chain[1:] for by_chain in told]

    def _about(self, request: KeyRequest, digest: bytes, head: Head) -> list[Question]:
        """The signature where the receipt says it was so, or an auditor finds otherwise; then what :func:`_why_not` reads."""
        at = [None, max(0, head.number - self._depth)] if self._depth else [None]
        asked = (request.twin_id, request.grantee)
        calls = (
            ("ConsentRegistry", "isAllowed", *asked, request.category, request.purpose),
            ("ConsentRegistry", "grantOf", *asked),
            ("TwinToken", "ownerOf", request.twin_id),
        )
        signed = AskSigned(request.grantee, digest, request.signature, head.number)
        return [signed, *(AskView(call, block) for block in at for call in calls)]


def _judged(request: KeyRequest, head: Head, now_s: int, *by_chain: Sequence[Any]) -> Said:
    """A revocation counts at once, a grant once it is confirmed; an idle chain's clock does not prolong it."""
    try:
        signed = all([_sure(answers[0]) for answers in by_chain])
        reasons = [
            _why_not(request, now_s, *answers[at : at + VIEWS])
            for answers in by_chain
            for at in range(1, len(answers), VIEWS)
        ]
    except MedtwinError:
        return Said(head, now_s, "chain_unavailable")
    return Said(head, now_s, "", signed, next(filter(None, reasons), ""))


def _sure(answer: Any) -> Any:
    if isinstance(answer, MedtwinError):
        raise answer
    return answer


def _why_not(request: KeyRequest, now_s: int, allowed: Any, grant: Any, owner: Any) -> str:
    """Empty if the chain allows it now and at `now_s`; else which rule said no."""
    allowed, grant = _sure(allowed), _sure(grant)
    if allowed and (now_s < grant.expiry or _owns(request, owner)):
        return ""
    rules = (
        (grant.serial == 0, "no_consent"),
        (grant.denied, "consent_denied"),
        (grant.revoked, "consent_revoked"),
        (now_s >= grant.expiry, "consent_expired"),
        (now_s < grant.notBefore, "consent_not_begun"),
        (bool(request.category & ~grant.categories), "category_not_covered"),
        (bool(request.purpose & ~grant.purposes), "purpose_not_covered"),
    )
    return next((reason for broken, reason in rules if broken), "all_consents_withdrawn")


def _owns(request: KeyRequest, owner: Any) -> bool:
    """Whether the grantee is the twin's owner; there is none of a twin that does not exist."""
    return not isinstance(owner, RevertedError) and bool(_sure(owner) == request.grantee)
