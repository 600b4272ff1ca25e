"""Audit: the timeline of every act and every look, and the proof that none is missing.

Trusts the chain alone. A custodian's log is checked against every root it put
there, so a receipt that was deleted, altered or moved is found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import MedtwinError, VerificationError
from ..formats import receipt_log
from ..formats.receipts import asked_digest, decode
from ..formats.typed_data import Domain, receipt_digest, recovers_to
from ..ports import AskSigned, Chain, Custodian, Event
from ..records import Purpose, Receipt, Status

NOBODY = "0x" + 40 * "0"
"""Whom a new token comes from, and where a burnt one goes."""

ASKED_AT_ONCE = 256
"""Receipts that one message to the chain is about."""

Entries = Mapping[str, Sequence[tuple[bytes, bytes]]]
"""Custodian's address -> its (leaf, signature) pairs, oldest first."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the timeline."""

    time: datetime
    who: str
    what: str
    twin_id: int
    purpose: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Verified:
    """How many receipts were checked, and how many of them no root covers yet."""

    receipts: int
    unrooted: int


def entries_of(custodian: Custodian) -> list[tuple[bytes, bytes]]:
    """A custodian's whole log."""
    return list(custodian.receipts())


def verify_receipts(
    chain: Chain, entries: Entries, *, earlier: Entries | None = None, within_s: int | None = None
) -> Verified:
    """Check each custodian's log against the chain.

    Parameters
    ----------
    entries : Entries
        The logs as they are shown now.
    earlier : Entries, optional
        Logs, or beginnings of logs, that somebody was shown before: every receipt in them must still be at its place.
    within_s : int, optional
        Longest time (s) from a receipt to the root that covers it.

    Raises
    ------
    VerificationError
        Naming the custodian and the first receipt or root that does not fit; also when a custodian
        that put a root on the chain is not among `entries`.
    """
    roots = chain.events("AuditTrail", "ReceiptsRooted")
    silent = {event.args["custodian"] for event in roots} - set(entries)
    if silent:
        raise VerificationError(f"custodian {min(silent)} has roots on the chain and shows no log", kind="log_missing")
    total = unrooted = 0
    for custodian, log in entries.items():
        posted = [event for event in roots if event.args["custodian"] == custodian]
        _check_same(custodian, log, (earlier or {}).get(custodian, ()))
        _check_roots(custodian, log, posted)
        receipts = [decode(leaf, signature) for leaf, signature in log]
        _check_receipts(chain, custodian, receipts)
        if within_s is not None:
            _check_in_time(custodian, receipts, posted, chain.head().time_s, within_s)
        total += len(log)
        unrooted += len(log) - (posted[-1].args["size"] if posted else 0)
    return Verified(total, unrooted)


def timeline(chain: Chain, entries: Entries, bundled: Sequence[Event] = ()) -> list[AuditEvent]:
    """What happened on the chain and what was asked of custodians, oldest first.

    `bundled` are the reports in bundles, as if each had been posted by itself.
    """
    lines = [
        (event.time_s, event.block, event.log_index, _told(event, *telling))
        for (contract, name), telling in _TELLINGS.items()
        for event in chain.events(contract, name)
        if _matters(event)
    ]
    telling = _TELLINGS["PredictionOracle", "PredictionPosted"]
    lines += [(event.time_s, event.block, event.log_index, _told(event, *telling)) for event in bundled]
    for log in entries.values():
        for leaf, signature in log:
            receipt = decode(leaf, signature)
            lines.append((receipt.time_s, receipt.head_block, 1 << 30, _looked(receipt)))
    lines.sort(key=lambda line: line[:3])
    return [line[3] for line in lines]


def _check_same(custodian: str, log: Sequence[tuple[bytes, bytes]], earlier: Sequence[tuple[bytes, bytes]]) -> None:
    """Who was shown another log before holds the custodian's signature under two receipts of one number."""
    if len(log) < len(earlier):
        raise VerificationError(
            f"custodian {custodian} shows {len(log)} receipts and showed {len(earlier)} before",
            hint="keep the earlier copy: it is the evidence",
            kind="receipt_deleted",
        )
    for number, (now, before) in enumerate(zip(log, earlier, strict=False)):
        if now[0] != before[0]:
            raise VerificationError(
                f"custodian {custodian} shows another receipt {number} than before: its log was forked",
                hint="keep both copies: two of its signatures contradict each other",
                kind="log_forked",
            )


def _check_roots(custodian: str, log: Sequence[tuple[bytes, bytes]], posted: Sequence[Event]) -> None:
    frontier = receipt_log.Frontier()
    for event in posted:
        size = event.args["size"]
        if len(log) < size:
            raise VerificationError(
                f"custodian {custodian} shows {len(log)} receipts, the chain witnessed {size}: {size - len(log)} deleted",
                hint="ask the custodian for the whole log; a root on the chain cannot be taken back",
                kind="receipt_deleted",
            )
        for leaf, _ in log[frontier.size : size]:
            frontier.add(receipt_log.leaf_hash(leaf))
        if frontier.root() != event.args["root"]:
            raise VerificationError(
                f"the first {size} receipts of custodian {custodian} are not those the chain witnessed",
                hint="a receipt was altered, moved or replaced",
                kind="receipt_altered",
            )


def _check_in_time(
    custodian: str, receipts: Sequence[Receipt], posted: Sequence[Event], now_s: int, within_s: int
) -> None:
    """Every receipt was on the chain soon after it was written, or is not due yet."""
    covered = 0
    for size, time_s in (*((event.args["size"], event.time_s) for event in posted), (len(receipts), now_s)):
        for receipt in receipts[covered:size]:
            if time_s - receipt.time_s > within_s:
                raise VerificationError(
                    f"receipt {receipt.number} of custodian {custodian} was witnessed after {time_s - receipt.time_s} s, not within {within_s} s",
                    hint="ask the custodian why: it was down, cut off from the chain, or held it back",
                    kind="root_late",
                )
        covered = size


def _check_receipts(chain: Chain, custodian: str, receipts: Sequence[Receipt]) -> None:
    """Each in its order; the chain is asked of many at once who signed what was permitted."""
    for at in range(0, len(receipts), ASKED_AT_ONCE):
        part = receipts[at : at + ASKED_AT_ONCE]
        permits = (one for one in part if one.permitted)
        signed = iter(
            chain.answers(
                [AskSigned(one.grantee, one.request, one.request_signature, one.head_block) for one in permits]
            )
        )
        for number, receipt in enumerate(part, at):
            _check_receipt(chain, custodian, number, receipt)
            told = next(signed) if receipt.permitted else True
            if isinstance(told, MedtwinError):
                raise told
            if not told:
                raise _bad(custodian, number, "permits what its grantee did not sign")


def _check_receipt(chain: Chain, custodian: str, number: int, receipt: Receipt) -> None:
    if (receipt.custodian, receipt.number) != (custodian, number):
        raise _bad(custodian, number, "is not at its place")
    domain = Domain(chain.chain_id, chain.address("AuditTrail"))
    if not recovers_to(receipt_digest(domain, receipt), receipt.signature, custodian):
        raise _bad(custodian, number, "is not signed by it")
    if asked_digest(Domain(chain.chain_id, chain.address("ConsentRegistry")), receipt) != receipt.request:
        raise _bad(custodian, number, "says something else than was asked")


def _bad(custodian: str, number: int, what: str) -> VerificationError:
    return VerificationError(f"receipt {number} of custodian {custodian} {what}", kind="bad_receipt")


def utc(time_s: int) -> datetime:
    """A time of the chain."""
    return datetime.fromtimestamp(time_s, UTC)


def _told(
    event: Event, who: str, what: str, twin: str, purpose: Callable[[dict[str, Any]], str], outcome: str
) -> AuditEvent:
    args = event.args
    return AuditEvent(utc(event.time_s), _text(args[who]), what, args.get(twin, 0), purpose(args), outcome)


def _looked(receipt: Receipt) -> AuditEvent:
    return AuditEvent(
        time=utc(receipt.time_s),
        who=receipt.grantee,
        what=f"asked a custodian for {len(receipt.batches)} batches",
        twin_id=receipt.twin_id,
        purpose=_names(receipt.purpose),
        outcome="permitted" if receipt.permitted else f"refused: {receipt.reason}",
    )


def _text(value: str | int | bytes) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else hex(value) if isinstance(value, int) else value


def _names(purposes: int) -> str:
    return ", ".join(str(flag.name).lower() for flag in Purpose(purposes))


def _matters(event: Event) -> bool:
    """A token that is minted or burnt tells something; one that moves, or the mint that comes with a grant, does not."""
    giver, taker = event.args.get("from"), event.args.get("to")
    return {"Transfer": giver == NOBODY, "TransferSingle": taker == NOBODY}.get(event.name, True)


def _none(_: dict[str, Any]) -> str:
    return ""


def _granted(args: dict[str, Any]) -> str:
    return _names(args["scope"]["purposes"])


def _reported(args: dict[str, Any]) -> str:
    return "care" if args["report"]["status"] == Status.ANSWER else "care (no answer)"


_TELLINGS: dict[tuple[str, str], tuple[str, str, str, Callable[[dict[str, Any]], str], str]] = {
    ("TwinToken", "Transfer"): ("to", "minted a twin", "tokenId", _none, "recorded"),
    ("DeviceRegistry", "DevicePaired"): ("device", "was paired", "twinId", _none, "recorded"),
    ("DeviceRegistry", "DeviceUnpaired"): ("by", "cut a device off", "twinId", _none, "recorded"),
    ("DataAnchor", "BatchAnchored"): ("device", "anchored a batch", "twinId", _none, "recorded"),
    ("EpochAnchor", "EpochAnchored"): ("gateway", "anchored an epoch", "", _none, "recorded"),
    ("EpochAnchor", "GatewaySuspended"): ("gateway", "was found at fault", "", _none, "suspended"),
    ("ConsentRegistry", "ConsentGranted"): ("grantee", "was granted access", "twinId", _granted, "recorded"),
    ("ConsentRegistry", "TransferSingle"): ("from", "lost access", "id", _none, "recorded"),
    ("GuardianRegistry", "GuardianAppointed"): ("guardian", "became guardian", "twinId", _none, "recorded"),
    ("GuardianRegistry", "GuardianDismissed"): ("guardian", "is guardian no more", "twinId", _none, "recorded"),
    ("ModelRegistry", "ModelMarked"): ("model", "was trained on what was revoked", "twinId", _none, "recorded"),
    ("AccessMarket", "OfferListed"): ("twinId", "was put on offer", "twinId", _none, "recorded"),
    ("AccessMarket", "AccessPurchased"): ("buyer", "bought access", "twinId", _none, "recorded"),
    ("PredictionOracle", "PredictionPosted"): ("model", "reported", "twinId", _reported, "recorded"),
    ("PredictionOracle", "BundlePosted"): ("root", "bundled reports", "", _none, "recorded"),
    ("PredictionOracle", "PredictionRefuted"): ("model", "had a report refuted", "twinId", _none, "refuted"),
    ("PredictionOracle", "NodeSuspended"): ("signer", "signed what was refuted", "", _none, "suspended"),
    ("PredictionOracle", "EquivocationProven"): (
        "signer",
        "signed two reports of one round",
        "twinId",
        _none,
        "suspended",
    ),
}
