"""``make gas-trace``: where the gas of an operation goes, from ``debug_traceTransaction`` on an anvil, into ``docs/gas.md``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from web3 import Web3
from web3.types import RPCEndpoint

from oracle.adapters import views
from oracle.serve.demo.world import World, world
from scripts.install_solc import ROOT

from . import gas
from .anvil import traced_chain
from .measure import Figure
from .peer_gas import Peers

DOCS = ROOT / "docs" / "gas.md"
CALLED = {  # figure -> the contract whose transaction it is
    "grant": "ConsentRegistry", "regrant": "ConsentRegistry", "revoke": "ConsentRegistry",
    "grant_by_signature": "ConsentRegistry", "purchase": "AccessMarket", "anchor": "DataAnchor",
    "anchor_epoch": "EpochAnchor", "post_prediction": "PredictionOracle",
}  # fmt: skip
WHY = {
    "grant": "a new slot (22,100), the question who owns the twin (4,700) and two events, of which ERC-1155 asks for one.",
    "regrant": "as a grant; the slot is changed (5,000) instead of filled.",
    "revoke": "who owns the twin is asked of another contract (4,700); a grant keyed by its owner would not need it, and"
    " would have to be found anew by every reader after a transfer.",
    "grant_by_signature": "as a grant, and a nonce (5,000), a signature (3,000), its calldata, and whether the owner is a wallet with"
    " code (2,600).",
    "is_allowed": "two slots of two contracts and the way between them are 6,800. Of the other 1,780, 300 go until the function is"
    " found, as twelve of the contract's 26 stand before it by their selectors; 240 check four arguments, 280 the other"
    " contract's answer, 255 are spent inside it. What the compiler checks it checks; without, in assembly, 8,000 is in reach.",
    "purchase": "two new slots, the grant and the purchase (44,200); the token's balances and allowance; the guard against"
    " re-entrance; three events.",
    "anchor": "two slots are changed (10,000), two registries asked (9,400): that the twin lives and that the device speaks"
    " for it. The count of a twin's batches is the round nodes report on. A signature in two words (ERC-2098) would spare"
    " 420 of calldata and its unpacking, and every device and gateway would have to send another call.",
    "anchor_epoch": "one slot; a fourth of what is above the fee of a transaction is calldata.",
    "post_prediction": "three signatures are 9,000 and the calldata of all is 7,000; two registries and the roster asked"
    " (12,000); the event tells the whole report (4,900), from which anybody checks it.",
}
PLACES = (
    "transaction", "calldata", "storage written", "storage read", "other contracts", "signatures", "events", "hashing",
    "computing", "refund",
)  # fmt: skip


def spent(trace: Sequence[Mapping[str, Any]], data: bytes, used: int | None) -> dict[str, int]:
    """Gas by place, in the order of `PLACES`; the sum is what the receipt says.

    Parameters
    ----------
    trace : sequence
        The steps of ``debug_traceTransaction``.
    used : int or None
        What the receipt says; None for a view, of which only the execution counts.
    """
    sums: Counter[str] = Counter()
    for at, step in enumerate(trace):
        sums[_place(step["op"])] += _own_cost(trace, at)
        if step["op"].endswith("CALL") and trace[at + 1]["depth"] == step["depth"]:
            sums["other contracts"] -= (precompile := _own_cost(trace, at))
            sums["signatures"] += precompile
    if used is not None:
        sums["transaction"] = 21_000
        sums["calldata"] = sum(16 if byte else 4 for byte in data)
        sums["refund"] = used - sum(sums.values())
    return {place: sums[place] for place in PLACES if sums[place]}


def _own_cost(trace: Sequence[Mapping[str, Any]], at: int) -> int:
    """Without what a call spends inside."""
    step = trace[at]
    if at + 1 == len(trace) or trace[at + 1]["depth"] < step["depth"]:
        return int(step["gasCost"])
    after = trace[at + 1]
    return int(step["gasCost" if after["depth"] > step["depth"] else "gas"]) - int(after["gas"])


def _place(op: str) -> str:
    if op == "SSTORE":
        return "storage written"
    if op == "SLOAD":
        return "storage read"
    if op.endswith("CALL") or op.startswith("EXTCODE"):
        return "other contracts"
    if op.startswith("LOG"):
        return "events"
    return "hashing" if op in ("KECCAK256", "SHA3") else "computing"


def traces(scene: World, figures: Sequence[Figure]) -> Iterator[tuple[Figure, dict[str, int]]]:
    """Every figure above its stretch, and where the gas of the transaction went whose receipt it is."""
    web3 = scene.opened.web3
    known = {Web3.to_checksum_address(address): name for name, address in scene.contracts.items()}
    blocks = (web3.eth.get_block(number, True) for number in range(1, web3.eth.block_number + 1))
    sent = [one for block in blocks for one in block["transactions"] if one["to"] in known]
    for figure in {one.name: one for one in figures}.values():
        if (
            figure.name == "is_allowed"
            or figure.name not in CALLED
            or figure.ours <= (figure.stretch or figure.goal or 0)
        ):
            continue
        for one in sent:
            used = web3.eth.get_transaction_receipt(one["hash"])["gasUsed"]
            if known[one["to"]] == CALLED[figure.name] and used == figure.ours:
                steps = _asked(web3, "debug_traceTransaction", "0x" + bytes(one["hash"]).hex())
                yield figure, spent(steps, bytes(one["input"]), used)
                break


def view(scene: World, figures: Sequence[Figure]) -> tuple[Figure, dict[str, int]]:
    """The same for the decision, which is no transaction; of a grant that is there."""
    figure = next(one for one in figures if one.name == "is_allowed")
    given = scene.chain.events("ConsentRegistry", "ConsentGranted")[-1].args
    asked = [given["twinId"], given["grantee"], given["scope"]["categories"], given["scope"]["purposes"]]
    data = "0x" + views.view("ConsentRegistry", "isAllowed", len(asked)).call(asked).hex()
    call = {"to": scene.chain.address("ConsentRegistry"), "data": data}
    return figure, spent(_asked(scene.opened.web3, "debug_traceCall", call, "latest"), b"", None)


def _asked(web3: Web3, method: str, *arguments: Any) -> list[dict[str, Any]]:
    answer: Any = web3.provider.make_request(RPCEndpoint(method), [*arguments, {}])
    return list(answer["result"]["structLogs"])


def page(found: Sequence[tuple[Figure, dict[str, int]]]) -> str:
    """The text of ``docs/gas.md``."""
    lines = [
        "# Where the gas goes",
        "",
        "Every operation above its goal or its stretch figure, taken apart step by step. Written by `make gas-trace` from",
        "`debug_traceTransaction` on anvil (shanghai); not by hand. Totals differ a little from `tests/contracts/gas.json`,",
        "as other ids and signatures have other zero bytes. `is_allowed` is a view: its execution alone counts.",
        "",
        "| operation | gas | goal | stretch | " + " | ".join(PLACES) + " |",
        "|---|" + "--:|" * (3 + len(PLACES)),
    ]
    for figure, sums in found:
        limits = [f"{limit:,.0f}" if limit else "" for limit in (figure.goal, figure.stretch)]
        cells = [f"{sums[place]:,}" if place in sums else "" for place in PLACES]
        lines.append(f"| `{figure.name}` | {' | '.join([f'{sum(sums.values()):,}', *limits, *cells])} |")
    told = [f"- `{figure.name}`: {WHY[figure.name]}" for figure, _ in found if figure.name in WHY]
    return "\n".join([*lines, "", "## What stands against less", "", *told, ""])


def main() -> None:
    """Measure on a new anvil and write the page."""
    with traced_chain() as url, world(url, "embedded", Path()) as scene:
        figures = list(gas.figures(scene, Peers(scene.opened.web3)))
        found = [*traces(scene, figures), view(scene, figures)]
    DOCS.write_text(page(found), "utf-8")


if __name__ == "__main__":
    main()
