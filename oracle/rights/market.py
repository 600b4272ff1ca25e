"""Offer a twin's data, buy access, take out what was earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Denied, InputError, NotFound
from ..ports import Chain, Mined, Signer
from ..records import Category, Purpose
from .consent import DAY_S

OPERATOR_DAYS = 365
NO_STUDY = bytes(32)


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer as the contract hashes it; price in the payment token's smallest unit."""

    twin_id: int
    price_per_day: int
    categories: Category
    purposes: Purpose
    max_days: int
    terms: bytes
    needs_study: bool = False

    def fields(self) -> tuple[int, int, int, int, int, bytes, bool]:
        """In the order of the Solidity struct."""
        return (
            self.twin_id,
            self.price_per_day,
            int(self.categories),
            int(self.purposes),
            self.max_days,
            self.terms,
            self.needs_study,
        )


def offer(chain: Chain, owner: Signer, offered: Offer) -> Mined:
    """List an offer; lets the market open grants of exactly that scope first if it may not yet."""
    now = chain.head().time_s
    limits = (int(offered.categories), int(offered.purposes), now, now + OPERATOR_DAYS * DAY_S)
    market = chain.address("AccessMarket")
    chain.write(owner, "ConsentRegistry", "setOperator", offered.twin_id, market, limits, offered.max_days * DAY_S)
    return chain.write(owner, "AccessMarket", "list", offered.fields())


def offers(chain: Chain) -> list[Offer]:
    """Every offer that can be bought now."""
    newest = {
        event.args["twinId"]: _offer(event.args["offer"]) for event in chain.events("AccessMarket", "OfferListed")
    }
    return [one for one in newest.values() if chain.read("AccessMarket", "isListed", one.fields())]


def offer_of(chain: Chain, twin_id: int) -> Offer:
    """The offer of one twin; NotFound when there is none."""
    found = [one for one in offers(chain) if one.twin_id == twin_id]
    if not found:
        raise NotFound(f"twin {twin_id:#x} is not on offer", hint="see: medtwin market list")
    return found[0]


def cheapest(
    chain: Chain, categories: Category, purposes: Purpose, days: int, count: int, *, for_study: bool
) -> list[Offer]:
    """The `count` cheapest offers that give at least this data for at least these purposes, for that long."""
    fitting = [
        one
        for one in offers(chain)
        if categories in one.categories
        and purposes in one.purposes
        and days <= one.max_days
        and (for_study or not one.needs_study)
    ]
    if len(fitting) < count:
        raise NotFound(f"{len(fitting)} of {count} twins are on offer so", hint="see: medtwin market list")
    return sorted(fitting, key=lambda one: (one.price_per_day, one.twin_id))[:count]


def buy(chain: Chain, buyer: Signer, offered: Offer, days: int, study: bytes = NO_STUDY) -> Mined:
    """Pay into escrow and receive the offered grant. The price paid is the offer's or nothing."""
    price = _prepare(chain, buyer, [offered], days)
    return chain.write(buyer, "AccessMarket", "purchase", offered.fields(), days, price, study)


def buy_cohort(
    chain: Chain, buyer: Signer, offered: Sequence[Offer], days: int, most: int, study: bytes = NO_STUDY
) -> Mined:
    """Buy access to many twins in one transaction, for at most `most` together: all of them or none."""
    price = _prepare(chain, buyer, offered, days)
    if price > most:
        raise Denied(
            f"the cohort costs {price}, more than {most}", hint="raise --max-price, or take fewer twins or days",
            kind="too_expensive",
        )  # fmt: skip
    return chain.write(buyer, "AccessMarket", "purchaseCohort", [one.fields() for one in offered], days, price, study)


def appoint_custodian(chain: Chain, owner: Signer, twin_id: int, custodian: str, share: int) -> Mined:
    """Give who keeps the data a part of what is earned, 10,000 for all of it; for the twin's epoch, and once in it."""
    return chain.write(owner, "AccessMarket", "appointCustodian", twin_id, custodian, share)


def claim(chain: Chain, sender: Signer, account: str) -> int:
    """Pay an account what the market keeps for it; the amount."""
    amount = int(chain.read("AccessMarket", "creditOf", account))
    if amount == 0:
        raise NotFound(f"nothing is kept for {account}", hint="parts are kept when the owner withdraws")
    chain.write(sender, "AccessMarket", "claim", account)
    return amount


def withdraw(chain: Chain, sender: Signer, twin_id: int, buyer: str) -> int:
    """Pay out what was earned so far; the amount, of which custodian and protocol are kept their parts."""
    bought = chain.read("AccessMarket", "purchaseOf", twin_id, buyer)
    if not int(bought.payee, 16):
        raise NotFound(f"{buyer} has bought nothing of twin {twin_id:#x}", hint="see: medtwin market list")
    earned, _ = chain.read("AccessMarket", "balanceOf", twin_id, buyer)
    chain.write(sender, "AccessMarket", "withdraw", twin_id, buyer)
    return int(earned)


def _prepare(chain: Chain, buyer: Signer, offered: Sequence[Offer], days: int) -> int:
    """Check what the chain would refuse, and allow the market the price (smallest unit)."""
    longest = min(one.max_days for one in offered)
    if not 1 <= days <= longest:
        raise InputError(f"{days} days are not on offer", hint=f"choose 1 to {longest}")
    price = sum(one.price_per_day for one in offered) * days
    balance = chain.read("TestToken", "balanceOf", buyer.address)
    if balance < price:
        raise Denied(
            f"{buyer.address} holds {balance} of the {price} units needed",
            hint="get tokens for this account first",
            kind="insufficient_tokens",
        )
    market = chain.address("AccessMarket")
    if chain.read("TestToken", "allowance", buyer.address, market) < price:
        chain.write(buyer, "TestToken", "approve", market, price)
    return price


def _offer(fields: Mapping[str, Any]) -> Offer:
    return Offer(
        fields["twinId"],
        fields["pricePerDay"],
        Category(fields["categories"]),
        Purpose(fields["purposes"]),
        fields["maxDays"],
        fields["terms"],
        fields["needsStudy"],
    )
