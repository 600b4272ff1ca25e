"""Publish a device's readings: ingest, seal, store, anchor.

The outbox is written before anything leaves, so a process killed anywhere goes
on where it was: a sequence number is sealed once and anchored once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..errors import ChainError, InputError, RevertedError, VerificationError
from ..formats.envelope import Sealed, parse_header, seal
from ..formats.readings import check
from ..formats.typed_data import Domain, batch_digest
from ..ports import Chain, Mined, Outbox, Relay, Signer, Store
from ..records import Batch, Channel, Context, Outgoing, Readings

PREFIX_BYTES = 24  # of the last digest, as DataAnchor keeps it
ANCHOR_GAS = 150_000  # a device's first batch takes two thirds of it


@dataclass(frozen=True, slots=True)
class Edge:
    """What a device needs to publish.

    `device` signs batches, `sender` pays for transactions, `custodians` maps each
    custodian's address to its HPKE key for the twin, `threshold` of which open a batch. `clock_s` is the
    present; without one it is the time of the newest block, which is old on a chain that mines on demand. Until
    `depth` blocks stand on a batch it stays in the outbox: a chain that reorganises gets it again. With a `relay`
    the device hands its batches to a gateway, which stores and posts them, and lets go of what the gateway has.
    """

    chain: Chain
    store: Store
    outbox: Outbox
    device: Signer
    sender: Signer
    twin_id: int
    channels: Sequence[Channel]
    category: int
    custodians: Mapping[str, bytes]
    threshold: int
    random_bytes: Callable[[int], bytes]
    clock_s: Callable[[], int] | None = None
    depth: int = 0
    relay: Relay | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A batch that stands on the chain; `mined` is None if it already did."""

    outgoing: Outgoing
    mined: Mined | None


def publish(edge: Edge, batches: Iterator[Readings] | Sequence[Readings]) -> Iterator[Published]:
    """Send what is left from before, then each batch of readings in turn.

    Raises
    ------
    InputError
        The readings are not fit; nothing of that batch was sealed or sent.
    RevertedError
        The chain refused; the batch stays in the outbox.
    StorageError
        The block could not be stored; the batch stays in the outbox.
    """
    yield from resume(edge)
    for readings in batches:
        outgoing = prepare(edge, readings)
        yield Published(outgoing, send(edge, outgoing))


def resume(edge: Edge) -> Iterator[Published]:
    """Send the batches an earlier run sealed but did not see anchored."""
    for outgoing in edge.outbox.pending():
        yield Published(outgoing, send(edge, outgoing))


def unsent(edge: Edge, batches: Iterable[Readings]) -> Iterator[Readings]:
    """Those that are not on the chain yet, told by first second, last second and count.

    For a recording that is read from its start again after an interruption; begin after :func:`resume`.
    """
    found = [
        event.args["batch"] for event in edge.chain.events("DataAnchor", "BatchAnchored", device=edge.device.address)
    ]
    sent = {(one["twinId"], one["start"], one["end"], one["readings"]) for one in found}
    for readings in batches:
        first, last = int(readings.time_ms[0]) // 1000, int(readings.time_ms[-1]) // 1000
        if (edge.twin_id, first, last, len(readings)) not in sent:
            yield readings


def fit(edge: Edge, readings: Readings) -> Readings:
    """`readings`, if they are plausible, in order and past; else InputError."""
    now_s = edge.clock_s() if edge.clock_s else edge.chain.head().time_s
    return check(readings, edge.channels, not_after_ms=now_s * 1000 + 999)


def prepare(edge: Edge, readings: Readings) -> Outgoing:
    """Check, seal and sign one batch, and write it to the outbox."""
    fit(edge, readings)
    span = int(readings.time_ms[0]) // 1000, int(readings.time_ms[-1]) // 1000

    def sealed(context: Context) -> Sealed:
        return seal(readings, context, edge.custodians, edge.threshold, edge.random_bytes)

    return outgoing(edge, sealed, readings.schema, len(readings), span)


def outgoing(
    edge: Edge, sealed_in: Callable[[Context], Sealed], schema: str, count: int | None, span_s: tuple[int, int]
) -> Outgoing:
    """What `sealed_in` seals as the device's next batch, signed and in the outbox; of so many readings, or of its chunks."""
    last = edge.outbox.last()
    sequence, previous, after_s = _place(edge, last)
    start_s, end_s = span_s
    if start_s < after_s:
        raise InputError(
            f"the batch begins at {start_s} s, before the last one ended ({after_s} s)",
            hint="send readings in the order of their time; repair the device's clock",
            kind="clock_backwards",
        )
    anchor = edge.chain.address("DataAnchor")
    context = Context(edge.chain.chain_id, anchor, edge.twin_id, edge.device.address, sequence, schema, edge.category)
    sealed = sealed_in(context)
    size = count or len(parse_header(sealed.block.block).chunks)
    batch = Batch(edge.twin_id, sequence, previous, sealed.block.digest, sealed.root, size, start_s, end_s)
    digest = batch_digest(Domain(edge.chain.chain_id, anchor), batch)
    made = Outgoing(batch, sealed.block.block, edge.device.sign_digest(digest))
    edge.outbox.add(made)
    return made


def send(edge: Edge, outgoing: Outgoing) -> Mined | None:
    """Store and anchor a batch of the outbox, or hand it to the gateway; harmless if that happened before."""
    if edge.relay is not None:
        edge.relay.take(outgoing)
        edge.outbox.done(outgoing.batch.sequence)
        return None
    edge.store.put(outgoing.block)
    mined = None
    if not is_anchored(edge.chain, edge.device.address, outgoing.batch):
        mined = _anchor_once(edge, outgoing)
    if _is_final(edge, outgoing.batch):
        edge.outbox.done(outgoing.batch.sequence)
    return mined


def _is_final(edge: Edge, batch: Batch) -> bool:
    """Whether enough blocks stand on an anchored batch."""
    if not edge.depth:
        return True
    confirmed = max(0, edge.chain.head().number - edge.depth)
    return bool(edge.chain.read("DataAnchor", "headOf", edge.device.address, block=confirmed)[0] >= batch.sequence)


def anchor(chain: Chain, sender: Signer, outgoing: Outgoing) -> Mined:
    """Send one signed batch to DataAnchor."""
    batch = outgoing.batch
    fields = (
        batch.twin_id,
        batch.sequence,
        batch.previous,
        batch.digest,
        batch.root,
        batch.readings,
        batch.start_s,
        batch.end_s,
    )
    # A block older than the readings would say that they lie in the future: then the transaction is not tried out on it.
    gas = ANCHOR_GAS if batch.end_s > chain.head().time_s else None
    return chain.write(sender, "DataAnchor", "anchor", fields, outgoing.signature, gas=gas)


def _anchor_once(edge: Edge, outgoing: Outgoing) -> Mined | None:
    """Anchor; None if the transaction of an earlier run, sent but not mined when this one looked, was faster."""
    try:
        return anchor(edge.chain, edge.sender, outgoing)
    except RevertedError:
        if not is_anchored(edge.chain, edge.device.address, outgoing.batch):
            raise
        return None


def is_anchored(chain: Chain, device: str, batch: Batch) -> bool:
    """Whether this very batch is on the chain.

    Raises
    ------
    VerificationError
        Another batch of the device stands at its sequence number.
    """
    sequence, prefix = chain.read("DataAnchor", "headOf", device)
    if sequence < batch.sequence:
        return False
    if sequence == batch.sequence:
        same = bytes(prefix) == batch.digest[:PREFIX_BYTES]
    else:
        found = chain.events("DataAnchor", "BatchAnchored", device=device)
        same = any(event.args["batch"]["digest"] == batch.digest for event in found)
    if not same:
        raise VerificationError(
            f"another batch {batch.sequence} of device {device} is on the chain",
            hint="the device's key was used elsewhere: cut it off (medtwin device revoke) and pair a new key",
            kind="device_equivocated",
        )
    return True


def _place(edge: Edge, last: Outgoing | None) -> tuple[int, bytes, int]:
    """Sequence, previous digest and earliest start of the next batch."""
    try:
        sequence, _ = edge.chain.read("DataAnchor", "headOf", edge.device.address)
    except ChainError:
        if last is None:
            raise
        sequence = 0  # what was sealed last is known; while the chain is away sealing goes on
    if last is not None and last.batch.sequence >= sequence:
        return last.batch.sequence + 1, last.batch.digest, last.batch.end_s
    if sequence == 0:
        return 1, bytes(32), 0
    events = edge.chain.events("DataAnchor", "BatchAnchored", device=edge.device.address)
    newest = events[-1].args["batch"]
    return sequence + 1, newest["digest"], newest["end"]
