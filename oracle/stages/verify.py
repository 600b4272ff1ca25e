"""Decide whether opened batches may be reasoned about together."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError, VerificationError
from ..formats.readings import check, join
from ..records import AnchoredBatch, Channel, Readings


def window(batches: Sequence[AnchoredBatch], round_: int, size: int) -> list[AnchoredBatch]:
    """The batches of a round: indices (round - size, round], complete and ascending.

    Raises
    ------
    VerificationError
        One of them is missing from the chain's record as read.
    """
    by_index = {anchored.index: anchored for anchored in batches}
    wanted = range(max(1, round_ - size + 1), round_ + 1)
    missing = [index for index in wanted if index not in by_index]
    if missing:
        raise VerificationError(
            f"batch {missing[0]} of the twin is not among the events read",
            hint="the chain endpoint may lag; try again",
            kind="missing_batch",
        )
    return [by_index[index] for index in wanted]


def verify(parts: Sequence[Readings], channels: Sequence[Channel], schema: str) -> Readings:
    """Join opened batches, each in order and plausible, into one recording.

    Raises
    ------
    VerificationError
        Whatever :func:`oracle.formats.readings.check` or :func:`~oracle.formats.readings.join` would refuse at ingest:
        a paired device signed it, but no model should see it.
    """
    try:
        for part in parts:
            check(part, channels)
        recording = join(parts)
    except InputError as error:
        raise VerificationError(error.sentence, hint=error.hint, kind=error.kind) from error
    if recording.schema != schema:
        raise VerificationError(f"the batches are of {recording.schema}, the model reads {schema}", kind="wrong_schema")
    return recording
