"""A random walk of parties over twins, grants and purchases: each rule asks the contracts and the model the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.contracts.clock import DAY_S, now_s
from tests.contracts.consents import ALL_BITS, Scope, grant_signature
from tests.contracts.model import Model
from tests.contracts.offers import PLENTY, Offer
from tests.contracts.signing import key_of

ACTORS = (5, 6, 7, 8)
RULES: dict[str, float] = {
    "grant": 5, "sign": 4, "grant_signed": 6, "purchase": 9, "revoke": 4, "give_up": 3, "deny": 2, "void": 2,
    "retire": 0.9, "transfer": 3, "approve_market": 5, "relist": 5, "claim": 1.5, "wait": 3, "withdraw": 4, "settle": 8,
}  # fmt: skip
Act = tuple[Callable[[], Any], Callable[[int], None]]


@dataclass(slots=True)
class Walk:
    """The contracts and the model, side by side."""

    suite: Any
    accounts: Any
    draw: Random
    model: Model = field(default_factory=Model)
    unsent: list[tuple[Any, ...]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    # -- who and what ------------------------------------------------------------------

    def actor(self) -> Any:
        """Anybody."""
        return self.accounts[self.draw.choice(ACTORS)]

    def live(self) -> list[int]:
        """Twins that are not retired."""
        return [twin for twin, life in self.model.twins.items() if not life.retired]

    def twin(self) -> int:
        """A twin, mostly a live one."""
        return self.draw.choice(self.live() if self.draw.random() < 0.95 else [*self.model.twins])

    def lapsed(self, epochs: dict[int, int]) -> int:
        """A live twin whose epoch ended since, if there is one; mostly."""
        over = [twin for twin in self.live() if epochs.get(twin) != self.model.twins[twin].epoch]
        return self.draw.choice(over) if over and self.draw.random() < 0.8 else self.twin()

    def owner_or_other(self, twin: int) -> Any:
        """Mostly the owner."""
        return self.model.twins[twin].owner if self.draw.random() < 0.85 else self.actor().address

    def pair_of(self, pairs: Any) -> tuple[int, str]:
        """A twin and somebody, mostly of these pairs."""
        known = sorted(pair for pair in pairs if not self.model.twins[pair[0]].retired or self.draw.random() < 0.3)
        return self.draw.choice(known) if known and self.draw.random() < 0.9 else (self.twin(), self.actor().address)

    def scope(self, now: int) -> Scope:
        """Three kinds of data and of use at most, for some days."""
        begin = now + self.draw.choice((-DAY_S, 0, 1, DAY_S))
        bits = self.draw.randrange(1, 8), self.draw.randrange(1, 8)
        return Scope(*bits, begin, max(begin, now) + self.draw.randrange(2, 6 * DAY_S))

    def mint(self, kind: int, owner: int) -> None:
        """A twin with a listed offer, which the market may serve."""
        twin, account = self.draw.getrandbits(200) << 8 | kind, self.accounts[owner]
        offer = Offer(
            twin, self.draw.choice((DAY_S, DAY_S + 7, 10**18 + 7)), self.draw.randrange(1, 8), 2, 30, bytes(32)
        )
        self.suite.twins.mint(twin, {"from": account})
        self.suite.market.list(offer, {"from": account})
        self.model.mint(offer, account.address)

    # -- rules: how the contracts are asked, and how the model is -----------------------------

    def grant(self) -> Act:
        """By the owner, mostly."""
        twin, who = self.twin(), self.actor().address
        sender, scope = self.owner_or_other(twin), self.scope(now_s())
        return (
            lambda: self.suite.consents.grant(twin, who, scope, {"from": sender}),
            lambda now: self.model.grant(now, sender, twin, who, scope),
        )

    def sign(self) -> None:
        """On paper, for later: in this epoch, with a nonce key of its own."""
        twin, who, scope = self.draw.choice(self.live()), self.actor().address, self.scope(now_s())
        life, nonce, deadline = self.model.twins[twin], (self.done["sign"] + 1) << 64, now_s() + 700 * DAY_S
        key = next(key_of(index) for index in ACTORS if self.accounts[index] == life.owner)
        signature = grant_signature(key, self.suite.consents, twin, who, scope, nonce, deadline, life.epoch)
        self.unsent.append((life.owner, life.epoch, nonce, twin, who, scope, deadline, signature))

    def grant_signed(self) -> Act | None:
        """One of the last papers, perhaps used, perhaps void by now."""
        if not self.unsent:
            return None
        paper = self.draw.choice(self.unsent[-3:])
        signer, epoch, nonce, twin, who, scope, deadline, signature = paper
        sender = self.actor()
        return (
            lambda: self.suite.consents.grantBySignature(
                twin, who, scope, nonce, deadline, signature, {"from": sender}
            ),
            lambda now: self.model.signed_grant(now, signer, epoch, nonce, twin, who, scope),
        )

    def purchase(self) -> Act:
        """Whatever was bought before."""
        twin, buyer, days = self.twin(), self.actor().address, self.draw.randrange(1, 5)
        offer = self.model.offers[twin]
        return (
            lambda: self.suite.market.purchase(offer, days, PLENTY, bytes(32), {"from": buyer}),
            lambda now: self.model.purchase(now, twin, buyer, days),
        )

    def revoke(self) -> Act:
        """By the owner, mostly."""
        twin, who = self.pair_of(self.model.bought if self.draw.random() < 0.5 else self.model.held)
        return self._revoke(twin, who, self.owner_or_other(twin))

    def give_up(self) -> Act:
        """By the grantee."""
        twin, who = self.pair_of(self.model.held)
        return self._revoke(twin, who, who)

    def _revoke(self, twin: int, who: str, sender: str) -> Act:
        return (
            lambda: self.suite.consents.revoke(twin, who, {"from": sender}),
            lambda now: self.model.revoke(now, sender, twin, who),
        )

    def deny(self) -> Act:
        """By the owner, mostly."""
        twin, who = self.pair_of(self.model.held)
        sender = self.owner_or_other(twin)
        return (
            lambda: self.suite.consents.deny(twin, who, {"from": sender}),
            lambda now: self.model.deny(now, sender, twin, who),
        )

    def void(self) -> Act:
        """By the owner, mostly."""
        twin = self.twin()
        sender = self.owner_or_other(twin)
        return (
            lambda: self.suite.twins.voidGrants(twin, {"from": sender}),
            lambda now: self.model.end_epoch(now, sender, twin),
        )

    def retire(self) -> Act:
        """By the owner, mostly."""
        twin = self.twin()
        sender = self.owner_or_other(twin)
        return (
            lambda: self.suite.twins.retire(twin, {"from": sender}),
            lambda now: self.model.end_epoch(now, sender, twin, retired=True),
        )

    def transfer(self) -> Act:
        """Of equipment or, refused, of a patient's twin."""
        twin, to = self.twin(), self.actor().address
        owner, sender = self.model.twins[twin].owner, self.owner_or_other(twin)
        return (
            lambda: self.suite.twins.transferFrom(owner, to, twin, {"from": sender}),
            lambda now: self.model.transfer(now, sender, twin, to),
        )

    def approve_market(self) -> Act:
        """By the owner, mostly."""
        twin = self.lapsed(self.model.markets)
        sender, limits = self.owner_or_other(twin), Scope(ALL_BITS, ALL_BITS, 0, now_s() + 700 * DAY_S)
        return (
            lambda: self.suite.consents.setOperator(twin, self.suite.market, limits, 30 * DAY_S, {"from": sender}),
            lambda now: self.model.approve_market(sender, twin),
        )

    def relist(self) -> Act:
        """By the owner, mostly."""
        twin = self.lapsed(self.model.listed)
        sender, offer = self.owner_or_other(twin), self.model.offers[twin]
        return (
            lambda: self.suite.market.list(offer, {"from": sender}),
            lambda now: self.model.relist(sender, twin),
        )

    def claim(self) -> Act:
        """By anybody, mostly for somebody who was credited."""
        who, sender = self.draw.choice(sorted(self.model.credits) or [self.actor().address]), self.actor()
        return (
            lambda: self.suite.market.claim(who, {"from": sender}),
            lambda now: self.model.claim(who),
        )

    def withdraw(self) -> Act:
        """By anybody."""
        (twin, who), sender = self.pair_of(self.model.bought), self.actor()
        return (
            lambda: self.suite.market.withdraw(twin, who, {"from": sender}),
            lambda now: self.model.withdraw(now, twin, who),
        )

    def settle(self) -> Act:
        """By anybody."""
        (twin, who), sender = self.pair_of(self.model.bought), self.actor()
        return (
            lambda: self.suite.market.settle(twin, who, {"from": sender}),
            lambda now: self.model.settle(now, twin, who),
        )
