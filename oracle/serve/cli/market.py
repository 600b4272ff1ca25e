"""``medtwin market``: offers, purchases, earnings."""

from __future__ import annotations

import hashlib
from typing import IO, Annotated

import typer

from ...rights import market
from ...rights.mint import parse_twin_id
from .console import listing, tell
from .options import As, address_of, categories, names, purposes, signer, suite

StudyFile = Annotated[typer.FileBinaryRead | None, typer.Option(help="File with the protocol of an approved study.")]

app = typer.Typer(help="Offer data, buy access, withdraw earnings.", no_args_is_help=True)


@app.command()
def offer(
    twin: str,
    price: Annotated[int, typer.Option(help="Price a day, in the payment token's smallest unit.", min=1)],
    purpose: Annotated[str, typer.Option(help="Purposes it is offered for.")],
    category: Annotated[str, typer.Option(help="Kinds of data offered.")],
    terms: Annotated[typer.FileBinaryRead, typer.Option(help="File with the terms of use.")],
    max_days: Annotated[int, typer.Option(help="Longest period to be bought at once.", min=1, max=731)] = 90,
    studies_only: Annotated[bool, typer.Option(help="Sell to studies only that an ethics board approved.")] = False,
    owner: As = "",
) -> None:
    """Offer a twin's data for sale, for a purpose."""
    offered = market.Offer(
        parse_twin_id(twin), price, categories(category), purposes(purpose), max_days, _digest(terms), studies_only
    )
    mined = market.offer(suite(), signer(owner), offered)
    tell(f"offered at {price} units a day", {"twin": hex(offered.twin_id), "gas": mined.gas, "terms": offered.terms})


@app.command("list")
def list_() -> None:
    """What is on offer: twins, never people."""
    listing(
        ("twin", "price a day", "data", "purpose", "max days", "terms", "studies only"),
        [
            (
                hex(o.twin_id),
                o.price_per_day,
                names(o.categories),
                names(o.purposes),
                o.max_days,
                o.terms,
                o.needs_study,
            )
            for o in market.offers(suite())
        ],
        empty="nothing is on offer",
    )


@app.command()
def buy(
    twin: str,
    days: Annotated[int, typer.Option(help="For how many days.", min=1)],
    study: StudyFile = None,
    buyer: As = "",
) -> None:
    """Pay into escrow and receive exactly the offered grant."""
    chain = suite()
    offered = market.offer_of(chain, parse_twin_id(twin))
    mined = market.buy(chain, signer(buyer), offered, days, _digest(study))
    tell(
        f"{days} days bought for {offered.price_per_day * days} units; unused days come back if access is revoked",
        {"twin": hex(offered.twin_id), "days": days, "paid": offered.price_per_day * days, "gas": mined.gas},
        next_step=f"medtwin fetch {offered.twin_id:#x} --purpose {names(offered.purposes).split(',')[0]} --out data.csv",
    )


@app.command()
def cohort(
    count: Annotated[int, typer.Option(help="How many twins; the cheapest that fit.", min=1, max=100)],
    days: Annotated[int, typer.Option(help="For how many days.", min=1)],
    purpose: Annotated[str, typer.Option(help="Purposes they must be offered for.")],
    category: Annotated[str, typer.Option(help="Kinds of data they must be offered with.")],
    max_price: Annotated[int, typer.Option(help="Most to be paid for all, in the token's smallest unit.", min=1)],
    study: StudyFile = None,
    buyer: As = "",
) -> None:
    """Buy access to many twins in one transaction: all of them or none."""
    chain = suite()
    chosen = market.cheapest(chain, categories(category), purposes(purpose), days, count, for_study=study is not None)
    mined = market.buy_cohort(chain, signer(buyer), chosen, days, max_price, _digest(study))
    paid = sum(one.price_per_day for one in chosen) * days
    tell(
        f"{count} twins bought for {days} days and {paid} units together",
        {"twins": [hex(one.twin_id) for one in chosen], "days": days, "paid": paid, "gas": mined.gas},
    )


@app.command()
def custodian(
    twin: str,
    who: Annotated[str, typer.Argument(help="Who keeps the data: address or key name.")],
    share: Annotated[int, typer.Option(help="Part of what is earned, 10,000 for all of it.", min=1, max=10_000)],
    owner: As = "",
) -> None:
    """Give who keeps the data a part of what is earned; once, until all grants are voided."""
    mined = market.appoint_custodian(suite(), signer(owner), parse_twin_id(twin), address_of(who), share)
    tell(f"{who} is paid {share / 100:g} % of what is earned from now on", {"share": share, "gas": mined.gas})


@app.command()
def claim(who: Annotated[str, typer.Argument(help="Address or key name.")], sender: As = "") -> None:
    """Pay an account what the market keeps for it."""
    amount = market.claim(suite(), signer(sender), address_of(who))
    tell(f"{amount} units paid to {who}", {"amount": amount})


@app.command()
def withdraw(
    twin: str,
    buyer: Annotated[str, typer.Option("--from", help="Buyer whose payment is earned: address or key name.")],
    sender: As = "",
) -> None:
    """Pay the owner what was earned so far."""
    amount = market.withdraw(suite(), signer(sender), parse_twin_id(twin), address_of(buyer))
    tell(f"{amount} units paid to the owner", {"amount": amount})


def _digest(file: IO[bytes] | None) -> bytes:
    """SHA-256 of a file; zeros when there is none."""
    return hashlib.sha256(file.read()).digest() if file else market.NO_STUDY
