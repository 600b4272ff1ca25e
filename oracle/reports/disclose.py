"""Disclose why: an explanation, sealed beside the newest batch it rests on, for whoever may open that batch.

An explanation says nothing that its batches do not, so it needs the same consent and leaves the same receipts.
Its content is checked by the reader against the root that the report has on the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cbor2

from ..errors import MedtwinError
from ..formats.envelope import seal_beside
from ..formats.merkle import explanation_rows
from ..ports import Chain, Custodian, Explanations, Store
from ..records import Context, Explanation

FORMAT = "medtwin/explanation/1"
LEAST_THRESHOLD = 2  # no explanation is sealed to be opened by one custodian alone


def disclose(
    explanation: Explanation,
    beside: Context,
    custodians: Sequence[Custodian],
    store: Store,
    kept: Explanations,
    random_bytes: Callable[[int], bytes],
) -> bool:
    """Seal, store and remember it, unless it is there; False if too few custodians answer.

    A report must not wait for it: without it the page shows the report and says that its reasons are not kept.
    """
    if kept.find(explanation.root) is not None:
        return True
    keys = _keys(custodians, beside.twin_id)
    threshold = max(LEAST_THRESHOLD, len(custodians) // 2 + 1)
    if len(keys) < threshold:
        return False
    rows = [list(row) for row in explanation_rows(explanation.prediction)]
    plaintext = cbor2.dumps([FORMAT, rows], canonical=True)
    try:
        kept.keep(explanation.root, store.put(seal_beside(plaintext, beside, keys, threshold, random_bytes).block))
    except MedtwinError:
        return False
    return True


def forget(chain: Chain, store: Store, kept: Explanations, twin_id: int) -> int:
    """Remove the explanations of an erased twin from the store; how many there were."""
    gone = 0
    for event in chain.events("PredictionOracle", "PredictionPosted", twinId=twin_id):
        block = kept.find(bytes(event.args["report"]["explanationRoot"]))
        if block is not None and store.has(block):
            store.remove(block)
            gone += 1
    return gone


def _keys(custodians: Sequence[Custodian], twin_id: int) -> Mapping[str, bytes]:
    keys = {}
    for custodian in custodians:
        try:
            keys[custodian.address] = custodian.public_key(twin_id)
        except MedtwinError:
            continue  # it is down, or changed; the others may do
    return keys
