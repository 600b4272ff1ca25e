"""``medtwin market``: offers, purchases, earnings."""

from __future__ import annotations

import hashlib
from typing import Annotated

import typer

from ... import market
from ...mint import parse_twin_id
from .console import listing, tell
from .options import As, address_of, categories, names, purposes, signer, suite

app = typer.Typer(help="Offer data, buy access, withdraw earnings.", no_args_is_help=True)


@app.command()
def offer(
    twin: str,
    price: Annotated[int, typer.Option(help="Price a day, in the payment token's smallest unit.", min=1)],
    purpose: Annotated[str, typer.Option(help="Purposes it is offered for.")],
    category: Annotated[str, typer.Option(help="Kinds of data offered.")],
    terms: Annotated[typer.FileText, typer.Option(help="File with the terms of use.")],
    max_days: Annotated[int, typer.Option(help="Longest period to be bought at once.", min=1, max=731)] = 90,
    owner: As = "",
) -> None:
    """Offer a twin's data for sale, for a purpose."""
    offered = market.Offer(
        parse_twin_id(twin), price, categories(category), purposes(purpose), max_days,
        hashlib.sha256(terms.read().encode()).digest(),
    )  # fmt: skip
    mined = market.offer(suite(), signer(owner), offered)
    tell(f"offered at {price} units a day", {"twin": hex(offered.twin_id), "gas": mined.gas, "terms": offered.terms})


@app.command("list")
def list_() -> None:
    """What is on offer: twins, never people."""
    listing(
        ("twin", "price a day", "data", "purpose", "max days", "terms"),
        [
            (hex(o.twin_id), o.price_per_day, names(o.categories), names(o.purposes), o.max_days, o.terms)
            for o in market.offers(suite())
        ],
        empty="nothing is on offer",
    )


@app.command()
def buy(
    twin: str,
    days: Annotated[int, typer.Option(help="For how many days.", min=1)],
    buyer: As = "",
) -> None:
    """Pay into escrow and receive exactly the offered grant."""
    chain = suite()
    offered = market.offer_of(chain, parse_twin_id(twin))
    mined = market.buy(chain, signer(buyer), offered, days)
    tell(
        f"{days} days bought for {offered.price_per_day * days} units; unused days come back if access is revoked",
        {"twin": hex(offered.twin_id), "days": days, "paid": offered.price_per_day * days, "gas": mined.gas},
        next_step=f"medtwin fetch {offered.twin_id:#x} --purpose {names(offered.purposes).split(',')[0]} --out data.csv",
    )


@app.command()
def withdraw(
    twin: str,
    buyer: Annotated[str, typer.Option("--from", help="Buyer whose payment is earned: address or key name.")],
    sender: As = "",
) -> None:
    """Pay the owner what was earned so far."""
    amount = market.withdraw(suite(), signer(sender), parse_twin_id(twin), address_of(buyer))
    tell(f"{amount} units paid to the owner", {"amount": amount})
