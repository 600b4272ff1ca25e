"""A small model of twins, grants and purchases, stated apart from the contracts: what may happen, and what is owed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.contracts.clock import DAY_S
from tests.contracts.consents import Scope
from tests.contracts.offers import Offer, earned

PATIENT = 1


class Refused(Exception):
    """What the model refuses, by the contracts' word for it."""


@dataclass(frozen=True, slots=True)
class Twin:
    """Who owns it, and in which epoch."""

    owner: str
    epoch: int = 0
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """A grant as it was given."""

    scope: Scope
    epoch: int
    serial: int
    purchased: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase; `paid` is what the market still answers for, `stop` when it ended early (s)."""

    payee: str
    start: int
    end: int
    paid: int
    epoch: int
    serial: int
    withdrawn: int = 0
    stop: int | None = None

    def owed(self, now: int) -> tuple[int, int, bool]:
        """Earned over all time; the rest; whether it is over."""
        stop = self.end if self.stop is None else min(self.stop, self.end)
        due = self.paid if self.end <= min(now, stop) else earned(self.paid, self.start, self.end, min(now, stop))
        return due, self.paid - due, stop <= now


@dataclass(slots=True)
class Model:
    """Everything that happened, as far as it matters for what comes."""

    twins: dict[int, Twin] = field(default_factory=dict)
    offers: dict[int, Offer] = field(default_factory=dict)
    held: dict[tuple[int, str], Held] = field(default_factory=dict)
    denied: set[tuple[int, str]] = field(default_factory=set)
    markets: dict[int, int] = field(default_factory=dict)  # epoch in which the market may open grants
    bought: dict[tuple[int, str], Bought] = field(default_factory=dict)
    listed: dict[int, int] = field(default_factory=dict)  # epoch in which the offer was listed
    tokens: dict[str, int] = field(default_factory=dict)
    credits: dict[str, int] = field(default_factory=dict)
    ended: set[tuple[int, str, int]] = field(default_factory=set)  # grants ended before their time
    nonces: set[tuple[str, int]] = field(default_factory=set)

    # -- what is asked -----------------------------------------------------------------

    def is_active(self, twin: int, who: str, now: int) -> bool:
        """Whether the access token is there."""
        held, life = self.held.get((twin, who)), self.twins[twin]
        if held is None or held.revoked or (twin, who) in self.denied or life.retired or held.epoch != life.epoch:
            return False
        return held.scope.not_before <= now < held.scope.expiry

    def is_allowed(self, twin: int, who: str, categories: int, purposes: int, now: int) -> bool:
        """The decision."""
        if categories == 0 or purposes == 0:
            return False
        life = self.twins[twin]
        if who == life.owner and not life.retired:
            return True
        if not self.is_active(twin, who, now):
            return False
        scope = self.held[twin, who].scope
        return scope.categories & categories == categories and scope.purposes & purposes == purposes

    def balance(self, twin: int, who: str, now: int) -> tuple[int, int]:
        """What the market could pay now: to the payee, and back to the buyer."""
        if (twin, who) not in self.bought:
            return 0, 0
        bought = self.bought[twin, who]
        due, rest, over = bought.owed(now)
        return due - bought.withdrawn, rest if over else 0

    def escrow(self) -> int:
        """What the market must hold."""
        return sum(bought.paid - bought.withdrawn for bought in self.bought.values()) + sum(self.credits.values())

    # -- what is done ------------------------------------------------------------------

    def mint(self, offer: Offer, owner: str) -> None:
        """A new twin and its offer, which the market may not serve yet."""
        self.twins[offer.twin], self.offers[offer.twin], self.listed[offer.twin] = Twin(owner), offer, 0

    def approve_market(self, sender: str, twin: int) -> None:
        """The owner lets the market open grants in this epoch."""
        if self._live(twin).owner != sender:
            raise Refused("NotTwinOwner")
        self.markets[twin] = self.twins[twin].epoch

    def relist(self, sender: str, twin: int) -> None:
        """The owner offers the same again, in this epoch."""
        if self._live(twin).owner != sender:
            raise Refused("NotTwinOwner")
        self.listed[twin] = self.twins[twin].epoch

    def grant(self, now: int, sender: str, twin: int, who: str, scope: Scope) -> None:
        """By the owner."""
        if self._live(twin).owner != sender:
            raise Refused("NotTwinOwner")
        self._grant(now, twin, who, scope, purchased=False)

    def signed_grant(self, now: int, signer: str, epoch: int, nonce: int, twin: int, who: str, scope: Scope) -> None:
        """By a signature of that epoch, each with a nonce key of its own."""
        life = self._live(twin)
        if (life.owner, nonce) in self.nonces:
            raise Refused("InvalidAccountNonce")
        if life.owner != signer or life.epoch != epoch:
            raise Refused("InvalidSignature")
        if (twin, who) in self.denied:
            raise Refused("GranteeDenied")
        self._grant(now, twin, who, scope, purchased=False)
        self.nonces.add((life.owner, nonce))

    def revoke(self, now: int, sender: str, twin: int, who: str) -> None:
        """By the owner, or by the grantee giving it up."""
        if sender not in (who, self.twins[twin].owner):
            raise Refused("NotTwinOwner")
        held = self.held.get((twin, who))
        if held is None or held.revoked:
            raise Refused("NoGrant")
        self.held[twin, who] = replace(held, revoked=True)
        self.ended.add((twin, who, held.serial))
        bought = self.bought.get((twin, who))
        if bought and held.purchased and bought.serial == held.serial and sender != who:
            self._stop(twin, who, now)

    def deny(self, now: int, sender: str, twin: int, who: str) -> None:
        """By the owner."""
        if sender != self.twins[twin].owner:
            raise Refused("NotTwinOwner")
        held = self.held.get((twin, who))
        if held and not held.revoked:
            self.revoke(now, sender, twin, who)
        self.denied.add((twin, who))

    def end_epoch(self, now: int, sender: str, twin: int, *, retired: bool = False) -> None:
        """voidGrants, or retirement."""
        life = self.twins[twin]
        if sender != life.owner:
            raise Refused("NotTwinOwner")
        self._live(twin)
        self._next_epoch(now, twin, replace(life, retired=retired))

    def transfer(self, now: int, sender: str, twin: int, to: str) -> None:
        """Of equipment."""
        life = self.twins[twin]
        if sender != life.owner:
            raise Refused("ERC721InsufficientApproval")
        if twin & 0xFF == PATIENT:
            raise Refused("PatientTwinBound")
        self._live(twin)
        self._next_epoch(now, twin, replace(life, owner=to))

    def purchase(self, now: int, twin: int, who: str, days: int) -> None:
        """An earlier one is settled and paid out first."""
        before = dict(self.bought), dict(self.tokens), dict(self.credits)
        try:
            self._purchase(now, twin, who, days)
        except Refused:
            self.bought, self.tokens, self.credits = before  # a revert undoes the settlement too
            raise

    def withdraw(self, now: int, twin: int, who: str) -> None:
        """What is earned goes to the payee."""
        self._pay(*self._take_earned(now, twin, who))

    def claim(self, who: str) -> None:
        """What was credited is paid."""
        self._pay(who, self.credits.pop(who, 0))

    def settle(self, now: int, twin: int, who: str) -> None:
        """What is not earned goes back."""
        bought = self._existing(twin, who)
        due, rest, over = bought.owed(now)
        if not over:
            raise Refused("PurchaseRunning")
        if rest == 0:
            raise Refused("NothingToRefund")
        self._pay(who, rest)
        if due == bought.withdrawn:
            del self.bought[twin, who]
        else:
            end = bought.end if bought.stop is None else min(bought.end, bought.stop)
            self.bought[twin, who] = replace(bought, paid=due, end=end)

    # -- parts -------------------------------------------------------------------------

    def _live(self, twin: int) -> Twin:
        if self.twins[twin].retired:
            raise Refused("TwinIsRetired")
        return self.twins[twin]

    def _grant(self, now: int, twin: int, who: str, scope: Scope, *, purchased: bool) -> int:
        life, held = self._live(twin), self.held.get((twin, who))
        open_ = held and not held.revoked and held.epoch == life.epoch and now < held.scope.expiry
        if open_ and (twin, who) not in self.denied and (purchased or (held and held.purchased)):
            raise Refused("GrantActive")
        if who == life.owner:
            raise Refused("InvalidGrantee")
        if scope.expiry <= now:
            raise Refused("InvalidPeriod")
        serial = held.serial + 1 if held else 1
        self.held[twin, who] = Held(scope, life.epoch, serial, purchased)
        self.denied.discard((twin, who))
        return serial

    def _take_earned(self, now: int, twin: int, who: str) -> tuple[str, int]:
        bought = self._existing(twin, who)
        due, _, _ = bought.owed(now)
        if due == bought.paid:
            del self.bought[twin, who]
        else:
            self.bought[twin, who] = replace(bought, withdrawn=due)
        return bought.payee, due - bought.withdrawn

    def _purchase(self, now: int, twin: int, who: str, days: int) -> None:
        life, offer = self._live(twin), self.offers[twin]
        if self.listed[twin] != life.epoch:
            raise Refused("OfferNotListed")
        if (twin, who) in self.bought:
            _, rest, over = self.bought[twin, who].owed(now)
            if not over:
                raise Refused("PurchaseRunning")
            if rest:
                self.settle(now, twin, who)
            if (twin, who) in self.bought:
                payee, due = self._take_earned(now, twin, who)
                self.credits[payee] = self.credits.get(payee, 0) + due
        if self.markets.get(twin) != life.epoch:
            raise Refused("OperatorScopeExceeded")
        if (twin, who) in self.denied:
            raise Refused("GranteeDenied")
        end, price = now + days * DAY_S, offer.price_per_day * days
        serial = self._grant(now, twin, who, Scope(offer.categories, offer.purposes, now, end), purchased=True)
        self._pay(who, -price)
        self.bought[twin, who] = Bought(life.owner, now, end, price, life.epoch, serial)

    def _next_epoch(self, now: int, twin: int, life: Twin) -> None:
        self.twins[twin] = replace(life, epoch=life.epoch + 1)
        self.ended |= {
            (where, who, held.serial)
            for (where, who), held in self.held.items()
            if where == twin and held.epoch == life.epoch and now < held.scope.expiry
        }
        for where, who in [*self.bought]:
            if where == twin and self.bought[twin, who].epoch == life.epoch:
                self._stop(twin, who, now)

    def _stop(self, twin: int, who: str, now: int) -> None:
        bought = self.bought[twin, who]
        self.bought[twin, who] = replace(bought, stop=now if bought.stop is None else min(bought.stop, now))

    def _existing(self, twin: int, who: str) -> Bought:
        if (twin, who) not in self.bought:
            raise Refused("NoPurchase")
        return self.bought[twin, who]

    def _pay(self, to: str, amount: int) -> None:
        self.tokens[to] = self.tokens.get(to, 0) + amount
