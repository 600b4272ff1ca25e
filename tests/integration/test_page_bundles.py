"""What the pages' own code makes of bundles, run under node: the same reports as the Python that nodes use."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import cbor2

from oracle.adapters.memory import MemoryStore, new_signer
from oracle.formats.bundles import bundled as bundle_of
from oracle.formats.typed_data import Domain
from oracle.ports import Event
from oracle.records import Report
from oracle.reports import bundles
from oracle.stages.post import report_fields

from .pages import ask, bundled

ASKED = """
import { loadConfig } from './lib/config'
import { listedIn } from './lib/bundles'
import { questions, tell } from 'asked'

globalThis.fetch = async () => new Response(JSON.stringify(questions.config))
await loadConfig()
tell(questions.lists.map(({ bundle, block }) => listedIn(bundle, Uint8Array.from(Buffer.from(block, 'hex'))).map(
  ({ reportDigest, report }) => [reportDigest, ...Object.values(report).map(String)])))
"""


def report(luck: random.Random, **change: Any) -> Report:
    """Some report with scores from end to end."""
    low, score, high = sorted(luck.randint(-(2**47), 2**47 - 1) for _ in range(3))
    digests = [luck.randbytes(32) for _ in range(3)]
    made = Report(
        luck.getrandbits(256), digests[0], luck.getrandbits(48), luck.getrandbits(40), luck.choice((1, 2)), score, low,
        high, *digests[1:], bytes(31) + b"c",
    )  # fmt: skip
    return replace(made, **change)


def test_lists_of_bundles_are_read_alike(tmp_path: Path) -> None:
    """Reports with their digests; nothing of a list that is another's, shortened, out of order, not canonical or no list."""
    luck, domain = random.Random(3), Domain(1337, new_signer().address)
    reports = [report(luck, score_e6=-(2**47), low_e6=-(2**47)), *(report(luck) for _ in range(4))]
    reports += [replace(reports[0], round=(reports[0].round + 1) % 2**48)]
    made, sound = bundle_of(domain, reports)
    name, config, listed = cbor2.loads(sound)

    def spoiled(*fields: Any) -> bytes:
        return cbor2.dumps(list(fields), canonical=True)

    blocks = [
        sound, sound[:-1], sound + b"\0", b"\x98\x03" + sound[1:], b"\x9f" + sound[1:] + b"\xff", b"", b"\x80",
        spoiled(name, config, listed[::-1]), spoiled(name, config, [*listed, listed[-1]]), spoiled(name, config, listed[:-1]),
        spoiled(name, bytes(32), listed), spoiled("medtwin/bundle/2", config, listed), spoiled(name, config, []),
        spoiled(name, config, [[*listed[0][:2], 2**48, *listed[0][3:]]]),
        spoiled(name, config, [[*listed[0][:5], -(2**47) - 1, *listed[0][6:]]]), spoiled(name, config, [listed[0][1:]]),
    ]  # fmt: skip
    lists, expected = [], []
    for at, block in enumerate(blocks):
        store = MemoryStore()
        told = {"root": made.root, "config": made.config, "manifest": store.put(block)}
        event = Event("PredictionOracle", "BundlePosted", told, 1, 0, bytes(32), 1)
        shown = {"root": "0x" + made.root.hex(), "config": "0x" + made.config.hex(), "manifest": f"0x{at:064x}"}
        lists.append({"bundle": shown, "block": block.hex()})
        found = bundles.reports_in(Of(domain), store, event)  # type: ignore[arg-type]
        expected.append([["0x" + one.digest.hex(), *map(_text, report_fields(one.report))] for one in found])

    answers = ask(
        bundled(ASKED, tmp_path),
        {"config": {"chainId": 1337, "contracts": {"PredictionOracle": domain.contract}}, "lists": lists},
    )

    assert answers == expected
    assert [len(one) for one in expected] == [len(reports), *[0] * (len(blocks) - 1)]


class Of:
    """A chain of that domain."""

    def __init__(self, domain: Domain) -> None:
        self.chain_id, self._contract = domain.chain_id, domain.contract

    def address(self, contract: str) -> str:
        """The oracle's."""
        return self._contract


def _text(value: Any) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
