"""The last acts: attacks on the data, and the audit of every look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ...adapters.memory import new_signer
from ...batches.anchored import anchored_batches
from ...batches.fetch import verify_block
from ...batches.publish import anchor, prepare
from ...custody.audit import AuditEvent, entries_of, timeline, verify_receipts
from ...errors import MedtwinError, VerificationError
from ...formats.readings import rows
from ...formats.typed_data import Domain, batch_digest
from ...records import Batch, Outgoing
from ...twins import TwinKind
from .care import Patient
from .facts import Facts
from .show import Show
from .world import World


def attacks(scene: World, kind: TwinKind, patient: Patient, show: Show, facts: Facts) -> None:
    """Three batches that must not get in, and a block that must not be opened."""
    last = patient.published[-1].outgoing
    stood = anchored_batches(scene.chain, patient.twin_id)[-1]
    following = replace(last.batch, sequence=last.batch.sequence + 1, previous=last.batch.digest)

    tampered = replace(last, batch=replace(last.batch, digest=_flip(last.batch.digest)))
    _refused(
        "tampered",
        "a batch whose digest was changed after signing",
        lambda: anchor(scene.chain, scene.hospital, tampered),
        show,
        facts,
    )
    _refused(
        "tampered", "a stored block with one bit flipped", lambda: verify_block(stood, _flip(last.block)), show, facts
    )
    _refused("replayed", "the last batch sent again", lambda: anchor(scene.chain, scene.hospital, last), show, facts)
    foreign = _signed_by(scene, new_signer(), following)
    _refused(
        "unpaired",
        "a batch signed by a device that nobody paired",
        lambda: anchor(scene.chain, scene.hospital, foreign),
        show,
        facts,
    )
    backwards = rows(patient.recording.readings, slice(None, None, -1))
    _refused(
        "clock_backwards", "readings whose clock runs backwards", lambda: prepare(patient.edge, backwards), show, facts
    )


def auditing(scene: World, show: Show, facts: Facts) -> None:
    """Root the receipts on the chain, verify them from there, then hide one and verify again."""
    for custodian in scene.custodians:
        mined = custodian.post_root(scene.chain)
        if mined is not None:
            facts.gas["receipt_root"] = mined.gas
    entries = {one.address: entries_of(one) for one in scene.custodians}
    verified = verify_receipts(scene.chain, entries)
    first = scene.custodians[0].address
    hidden = {**entries, first: entries[first][:1] + entries[first][2:]}
    detected = ""
    try:
        verify_receipts(scene.chain, hidden)
    except VerificationError as error:
        detected = error.sentence
    if not detected:
        raise VerificationError(
            "a deleted receipt was not noticed", hint="this is a fault in Medtwin: please report it"
        )
    events = timeline(scene.chain, entries)
    facts.audit = {"receipts": verified.receipts, "verified": True, "deletion_detected": True, "events": len(events)}
    show.table(
        ("time (UTC)", "who", "did what", "with", "outcome"),
        [
            (
                f"{event.time:%H:%M:%S}",
                scene.name_of(event.who),
                event.what + (f", {event.purpose}" if event.purpose else ""),
                scene.name_of(hex(event.twin_id)) if event.twin_id else "",
                event.outcome + (f" ×{times}" if times > 1 else ""),
            )
            for event, times in _gathered(events)
        ],
    )
    show.done(f"{verified.receipts} receipts verified against the roots on the chain, signatures and numbering too")
    show.refused("a log with one receipt deleted", detected)


def _gathered(events: Sequence[AuditEvent]) -> list[tuple[AuditEvent, int]]:
    """Equal lines that follow each other, or fall into one second, as one with a count."""
    lines: list[tuple[AuditEvent, int]] = []
    for event in events:
        same = [
            at
            for at, (earlier, _) in enumerate(lines)
            if replace(earlier, time=event.time) == event and (at == len(lines) - 1 or earlier.time == event.time)
        ]
        if same:
            lines[same[-1]] = (lines[same[-1]][0], lines[same[-1]][1] + 1)
        else:
            lines.append((event, 1))
    return lines


def _refused(kind: str, what: str, attempt: Callable[[], object], show: Show, facts: Facts) -> None:
    try:
        attempt()
    except MedtwinError as error:
        facts.refuse(kind, error.sentence)
        show.refused(what, error.sentence)
    else:
        raise VerificationError(f"{what} was accepted", hint="this is a fault in Medtwin: please report it")


def _flip(data: bytes) -> bytes:
    """The same bytes with one bit of the last one changed."""
    return data[:-1] + bytes([data[-1] ^ 1])


def _signed_by(scene: World, device: object, batch: Batch) -> Outgoing:
    domain = Domain(scene.chain.chain_id, scene.chain.address("DataAnchor"))
    return Outgoing(batch, b"", device.sign_digest(batch_digest(domain, batch)))  # type: ignore[attr-defined]
