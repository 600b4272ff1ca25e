"""Offers and purchases, and the arithmetic of what is earned, stated once more apart from the contract's."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, NamedTuple

from eth_abi import encode
from eth_utils import keccak

from tests.contracts.clock import DAY_S, now_s

PLENTY = 10**24


class Offer(NamedTuple):
    """As in contracts/interfaces/IAccessMarket.sol."""

    twin: int
    price_per_day: int
    categories: int
    purposes: int
    max_days: int
    terms: bytes
    needs_study: bool = False

    @property
    def hash(self) -> str:
        """What the market keeps of it in a twin's first epoch."""
        return self.hash_in(0)

    def hash_in(self, epoch: int) -> str:
        """What the market keeps of it in an epoch of the twin."""
        kinds = ["(uint256,uint96,uint32,uint32,uint16,bytes32,bool)", "uint32"]
        return "0x" + keccak(encode(kinds, [tuple(self), epoch])).hex()


class Purchase(NamedTuple):
    """As in contracts/interfaces/IAccessMarket.sol."""

    payee: str
    start: int
    end: int
    paid: int
    withdrawn: int
    serial: int
    epoch: int


NO_PURCHASE = Purchase("0x" + "0" * 40, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Stall:
    """A market, its token and one listed offer."""

    market: Any
    consents: Any
    token: Any
    offer: Offer
    owner: Any

    def open(self) -> None:
        """The owner lets the market open grants and lists the offer."""
        limits = (self.offer.categories, self.offer.purposes, now_s(), now_s() + 700 * DAY_S)
        longest = self.offer.max_days * DAY_S
        self.consents.setOperator(self.offer.twin, self.market, limits, longest, {"from": self.owner})
        self.market.list(self.offer, {"from": self.owner})

    def fund(self, buyer: Any) -> None:
        """Give a buyer plenty of tokens, approved for the market."""
        self.token.mint(buyer, PLENTY, {"from": buyer})
        self.token.approve(self.market, PLENTY, {"from": buyer})

    def buy(self, buyer: Any, days: int, study: bytes = bytes(32)) -> Any:
        """Buy days of access at the listed price."""
        return self.market.purchase(self.offer, days, self.offer.price_per_day * days, study, {"from": buyer})

    def purchase_of(self, buyer: Any) -> Purchase:
        """The stored record."""
        return Purchase(*self.market.purchaseOf(self.offer.twin, buyer))

    def escrow(self) -> int:
        """What the market holds."""
        return int(self.token.balanceOf(self.market))


def earned(paid: int, start: int, end: int, stop: int) -> int:
    """Linear in time, rounded down."""
    return floor(paid * Fraction(min(stop, end) - start, end - start))
