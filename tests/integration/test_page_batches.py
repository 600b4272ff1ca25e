"""What the pages' own code makes of epochs, run under node: the same batches, in the same order, as the Python that nodes use."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from oracle.adapters.keys import LocalSigner
from oracle.adapters.memory import MemoryStore, new_signer
from oracle.batches import anchored
from oracle.formats import merkle
from oracle.formats.epochs import epoch_leaf, pack_manifest
from oracle.formats.typed_data import Domain, batch_digest
from oracle.ports import Event
from oracle.records import AnchoredBatch, Batch, Included

from .pages import ask, bundled

TWIN, CASES, BATCHES = 7 << 8, 300, 9
ASKED = """
import { loadConfig } from './lib/config'
import { inOrder, listedIn } from './lib/epochs'
import { toHex } from './lib/bytes'
import { questions, tell } from 'asked'

const { config, lists, cases } = questions
globalThis.fetch = async () => new Response(JSON.stringify(config))
await loadConfig()
const read = []
for (const { epoch, block } of lists) {
  const listed = await listedIn(epoch, Uint8Array.from(Buffer.from(block, 'hex')))
  read.push(listed.map(({ batch, device, path }) => [batch.digest, batch.sequence, batch.twin.toString(), batch.end, device, path.map(toHex)]))
}
const placed = ({ batch, ...more }) => ({ ...more, batch: { ...batch, twin: BigInt(batch.twin) } })
const event = ({ args, ...more }) => ({ ...more, args: { ...args, twinId: BigInt(args.twinId ?? 0) } })
const ordered = cases.map(({ found, retired, histories, hidden }) =>
  inOrder(found.map(placed), retired.map(event), new Map(Object.entries(histories).map(([device, told]) => [device, told.map(event)])), hidden)
    .map(({ index, digest }) => [index, digest]))
tell({ read, ordered })
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages' code and the questions above."""
    return bundled(ASKED, tmp_path_factory.mktemp("pages"))


def asked(program: Path, lists: list[Any], cases: list[Any], anchor: str = "") -> Any:
    config = {"chainId": 1337, "contracts": {"DataAnchor": anchor or new_signer().address}}
    return ask(program, {"config": config, "lists": lists, "cases": cases})


# -- lists of epochs ---------------------------------------------------------------------------


def signed(domain: Domain, device: LocalSigner, sequence: int, luck: random.Random) -> tuple[Batch, bytes]:
    digests = [luck.randbytes(32) for _ in range(3)]
    batch = Batch(luck.getrandbits(256), sequence, *digests, luck.randint(1, 2**32 - 1), 5, 2**40 - 1)
    return batch, device.sign_digest(batch_digest(domain, batch))


def other_form(signature: bytes) -> bytes:
    """The same signature as the other point of the curve gives it, which OpenZeppelin refuses."""
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = order - int.from_bytes(signature[32:64], "big")
    return signature[:32] + high.to_bytes(32, "big") + bytes([55 - signature[64]])


def test_lists_of_epochs_are_read_alike(program: Path) -> None:
    """Signers and paths of sound lists; nothing of a list that is another's, shortened, longer, not canonical or no list."""
    luck, device = random.Random(1), new_signer()
    domain = Domain(1337, new_signer().address)
    batches = [signed(domain, device, number, luck) for number in (1, 2, 2**53 - 1, 4, 5)]
    odd = [
        (batches[0][0], other_form(batches[0][1])),
        (batches[1][0], batches[1][1][:64] + b"\1"),
        (batches[2][0], bytes(65)),
    ]
    sound, strange = pack_manifest(batches), pack_manifest(odd)
    wide = b"\x98\x02" + sound[1:]  # the length of a list in more bytes than it needs
    endless = b"\x9f" + sound[1:] + b"\xff"  # a list that does not say its length
    no_readings = [(replace(batches[0][0], readings=0), batches[0][1])]
    backwards = [(replace(batches[0][0], start_s=2**40 - 1, end_s=1), batches[0][1])]
    told = [
        (sound, batches), (strange, odd), (sound[:-1], batches), (sound + b"\0", batches), (wide, batches), (endless, batches), (b"", batches),
        (b"\x80", batches), (pack_manifest(no_readings), no_readings), (pack_manifest(backwards), backwards),
        (pack_manifest(batches[:1]), batches),
    ]  # fmt: skip
    lists, expected = [], []
    for at, (text, of) in enumerate(told):
        root = merkle.root([epoch_leaf(domain, *one) for one in of])
        name = f"0x{at:064x}"
        lists.append({"epoch": {"root": "0x" + root.hex(), "manifest": name, "batches": len(of)}, "block": text.hex()})
        store = MemoryStore()
        found, listed = anchored._read(store, domain, store.put(text))
        listed = listed if found == root and len(listed) == len(of) else ()
        expected.append([
            ["0x" + one.batch.digest.hex(), one.batch.sequence, str(one.batch.twin_id), one.batch.end_s, one.device or "0x",
             ["0x" + step.hex() for step in one.path]] for one in listed
        ])  # fmt: skip

    assert asked(program, lists, [], domain.contract)["read"] == expected
    assert [len(one) for one in expected] == [5, 3, *[0] * 9]
    assert [one[4] for one in expected[0]] == [device.address] * 5
    assert [one[4] for one in expected[1]] == ["0x"] * 3


# -- which batches count -----------------------------------------------------------------------


def case(luck: random.Random) -> tuple[dict[str, Any], list[list[Any]]]:
    """A made-up story of two devices of a twin, with everything that keeps a batch from counting; what Python makes of it."""
    devices = [f"0x{number:040x}" for number in (1, 2)]
    found: list[tuple[anchored.Place, AnchoredBatch]] = []
    heads = {device: (0, bytes(32)) for device in devices}
    for at in range(BATCHES):
        device = luck.choice(devices)
        sequence, previous = heads[device]
        step, digest = luck.choice((1, 1, 1, 1, 2, 0)), luck.randbytes(32)
        end_s, time_s = luck.choice((900, 900, 1_100)), 1_000
        previous = luck.choice((previous, previous, previous, bytes(32)))
        batch = Batch(TWIN, sequence + step, previous, digest, bytes(32), 1, 1, end_s)
        included = luck.choice((None, Included(devices[0], 1, b"", ())))
        place = (luck.randint(1, 6), luck.randint(0, 3), at)
        found.append((place, AnchoredBatch(batch, device, 0, place[0], time_s, included)))
        heads[device] = (sequence + step, digest)
    found.sort(key=lambda one: one[0]) if luck.random() < 0.8 else None
    histories = {
        device: sorted(
            (event(luck.choice(("DevicePaired", "DevicePaired", "DeviceCalibrated", "DeviceUnpaired")), luck)
             for _ in range(luck.randint(0, 3))), key=lambda one: (one.block, one.log_index),
        ) for device in devices
    }  # fmt: skip
    retired = [event("TwinRetired", luck, block=luck.randint(3, 9))] if luck.random() < 0.3 else []
    hidden = [(luck.randint(1, 6), luck.randint(0, 3)) for _ in range(luck.randint(0, 2))]
    told = {
        "found": [{"place": place, "time": one.time_s, "batch": plain(one)} for place, one in found],
        "retired": [as_page(one) for one in retired],
        "histories": {device: [as_page(one) for one in history] for device, history in histories.items()},
        "hidden": [[*place, 0] for place in hidden],
    }
    ordered = anchored._in_order(found, retired, histories, hidden)
    return told, [[one.index, "0x" + one.batch.digest.hex()] for _, one in ordered]


def event(name: str, luck: random.Random, *, block: int | None = None) -> Event:
    args = {"twinId": luck.choice((TWIN, TWIN, TWIN, TWIN + 1)), "calibratedUntil": luck.choice((2_000, 2_000, 1_000))}
    return Event("", name, args, luck.randint(0, 3) if block is None else block, luck.randint(0, 3), b"", 0)


def as_page(one: Event) -> dict[str, Any]:
    return {"name": one.name, "args": one.args, "block": one.block, "index": one.log_index}


def plain(one: AnchoredBatch) -> dict[str, Any]:
    batch = one.batch
    return {
        "twin": batch.twin_id, "sequence": batch.sequence, "previous": "0x" + batch.previous.hex(),
        "digest": "0x" + batch.digest.hex(), "end": batch.end_s, "device": one.device,
        **({"included": {}} if one.included else {}),
    }  # fmt: skip


def test_the_same_batches_count(program: Path) -> None:
    """Hundreds of stories with gaps, wrong ends, other twins, hidden epochs, retirement; every rule decides somewhere."""
    luck = random.Random(2)
    made = [case(luck) for _ in range(CASES)]

    ordered = asked(program, [], [told for told, _ in made])["ordered"]
    assert ordered == [expected for _, expected in made]
    counts = [len(expected) for _, expected in made]
    assert min(counts) == 0 and max(counts) >= 6 and sum(counts) < CASES * BATCHES
