"""What is due, and reports on all of it in one pass: while some twins wait for the chain, others are computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from ..batches.anchored import batch_counts
from ..errors import MedtwinError, RevertedError
from ..ports import Chain, Signer, Store
from ..records import Purpose
from ..stages.post import post_many
from ..twins import Kind
from .bundles import Standing, Subject, newest_bundled
from .predict import Agreed, Node, Posted, agreed

Place = tuple[int, bytes, int]
"""Twin, model, round."""
AT_ONCE = 16
"""Twins whose reports are under way at the same time."""
POSTED_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class NotReported:
    """A round that could not be reported now, and why; nothing of it is on the chain."""

    place: Place
    error: MedtwinError


def due(chain: Chain, store: Store, kinds: Mapping[bytes, Kind], twins: Sequence[int]) -> list[Place]:
    """Rounds of approved models, of twins that let the oracle look, with batches after the last report."""
    return allowed(chain, kinds, behind(chain, store, kinds, twins, newest_bundled(chain, store)))


def behind(
    chain: Chain,
    store: Store,
    kinds: Mapping[bytes, Kind],
    twins: Sequence[int],
    bundled: Mapping[Subject, int],
    *,
    block: int | None = None,
) -> list[Place]:
    """Rounds of approved models with batches after the last report, up to `block`; few messages, however many twins.

    `bundled` are the newest rounds in bundles.
    """
    approved = chain.read_many([("ModelRegistry", "isApproved", model) for model in kinds])
    models = [model for model, yes in zip(kinds, approved, strict=True) if yes]
    counts = batch_counts(chain, twins, store, block=block)
    newest = [(twin, model, count) for twin, count in counts.items() for model in models]
    latest = chain.read_many([("PredictionOracle", "latest", twin, model) for twin, model, _ in newest])
    return [
        (twin, model, count)
        for (twin, model, count), last in zip(newest, latest, strict=True)
        if max(last.round, bundled.get((twin, model), 0)) < count
    ]


def allowed(chain: Chain, kinds: Mapping[bytes, Kind], places: Sequence[Place]) -> list[Place]:
    """Those whose twins let the oracle look."""
    oracle, care = chain.address("PredictionOracle"), int(Purpose.CARE)
    asked = [
        ("ConsentRegistry", "isAllowed", twin, oracle, int(kinds[model].category), care) for twin, model, _ in places
    ]
    return [place for place, yes in zip(places, chain.read_many(asked), strict=True) if yes]


def report_all(
    nodes: Sequence[Node],
    sender: Signer,
    kinds: Mapping[bytes, Kind],
    places: Sequence[Place],
    *,
    at_once: int = AT_ONCE,
) -> Iterator[Posted | NotReported]:
    """Report on what is due, at most `at_once` twins at the same time, each round once, in the order they are ready.

    Nodes must have keys on this machine; what a quorum agrees on while the chain is busy is posted together.
    """
    chain, quorum = nodes[0].chain, int(nodes[0].chain.read("PredictionOracle", "quorum"))
    standing = Standing(chain, nodes[0].store)
    with ThreadPoolExecutor(at_once, thread_name_prefix="report") as pool:
        waiting: dict[Future[Agreed], Place] = {
            pool.submit(agreed, nodes, kinds[model], twin, round_, quorum): (twin, model, round_)
            for twin, model, round_ in places
        }
        try:
            while waiting:
                ready = list(wait(waiting, return_when=FIRST_COMPLETED).done)[:POSTED_AT_ONCE]
                yield from _post(chain, sender, standing, {waiting.pop(one): one for one in ready})
        finally:
            pool.shutdown(cancel_futures=True)


def _post(
    chain: Chain, sender: Signer, standing: Standing, ready: Mapping[Place, Future[Agreed]]
) -> Iterator[Posted | NotReported]:
    """What was agreed on, in one go; one round's failure is its own."""
    good: dict[Place, Agreed] = {}
    for place, future in ready.items():
        try:
            good[place] = future.result()
        except MedtwinError as error:
            yield NotReported(place, error)
    try:
        standing.look()
        for place, one in list(good.items()):
            if standing.holds(one.report):
                yield Posted(one.report, one.seen, None, one.absent)
                del good[place]
        outcomes = post_many([(one.report, one.signatures) for one in good.values()], chain, sender)
    except MedtwinError as error:  # the chain: what it took of these is there, and not due the next time
        yield from (NotReported(place, error) for place in good)
        return
    for (place, one), outcome in zip(good.items(), outcomes, strict=True):
        if isinstance(outcome, RevertedError):
            yield NotReported(place, outcome)
        else:
            yield Posted(one.report, one.seen, outcome, one.absent)
