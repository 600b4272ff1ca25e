"""Disclose why: an explanation, sealed beside the newest batch it rests on, for whoever may open that batch.

An explanation says nothing that its batches do not, so it needs the same consent and leaves the same receipts.
Its content is checked by the reader against the root that the report has on the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import cbor2

from ..batches.anchored import anchored_batches
from ..batches.ask import ClosedBatch, released
from ..errors import MedtwinError, VerificationError
from ..formats import cbor
from ..formats.envelope import open_beside, parse_header, seal_beside
from ..formats.merkle import explanation_rows
from ..ports import Chain, Custodian, Explanations, Signer, Store
from ..records import Context, Explanation

FORMAT = "medtwin/explanation/1"
Row = tuple[int, str, bool, int, int]
"""Index, name, known, value, contribution; as the contract's."""
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


def disclosed(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    block: bytes,
    *,
    purpose: int,
    random_bytes: Callable[[int], bytes],
) -> list[Row]:
    """Open a disclosed explanation, as one opens the batch it lies beside.

    Raises
    ------
    CustodyDenied
        The owner did not allow the signer to see the data.
    VerificationError
        It is no explanation, or lies beside no batch of the chain.
    """
    sealed = store.get(block)
    header = parse_header(sealed)
    context = header.context
    beside = [
        one for one in anchored_batches(chain, context.twin_id, store)
        if (one.device, one.batch.sequence) == (context.device, context.sequence)
    ]  # fmt: skip
    if not beside:
        raise VerificationError("the explanation lies beside no batch of this chain", kind="wrong_context")
    ((_, shares),) = released(
        chain, custodians, signer, [ClosedBatch(beside[0], sealed, header)], grantee=signer.address, purpose=purpose,
        random_bytes=random_bytes,
    )  # fmt: skip
    try:
        name, rows = cbor.items(cbor.read(open_beside(sealed, shares)), str, list)
        if name != FORMAT:
            raise ValueError(name)
        return [(*cbor.items(row, int, str, bool, int, int),) for row in rows]
    except (ValueError, TypeError) as error:
        raise VerificationError("the sealed block holds no explanation", kind="malformed_explanation") from error


def _keys(custodians: Sequence[Custodian], twin_id: int) -> Mapping[str, bytes]:
    keys = {}
    for custodian in custodians:
        try:
            keys[custodian.address] = custodian.public_key(twin_id)
        except MedtwinError:
            continue  # it is down, or changed; the others may do
    return keys
