"""Why: the reasons behind a report, computed again by whoever may see the data, and held against the report's root."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..batches.anchored import anchored_batches
from ..batches.fetch import open_batches
from ..errors import VerificationError
from ..ports import Chain, Custodian, Signer, Store
from ..records import Explanation, Features, Report
from ..stages.explain import explain
from ..stages.features import features
from ..stages.model import predict
from ..stages.verify import verify, window
from ..twins import Kind
from .posted import latest_report


def why(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    kind: Kind,
    *,
    twin_id: int,
    purpose: int,
    random_bytes: Callable[[int], bytes],
) -> tuple[Report, Features, Explanation]:
    """The newest report, the features behind it and its explanation, which is the one the nodes signed.

    Raises
    ------
    CustodyDenied
        The owner did not allow the signer to see the data.
    VerificationError
        What the data say is not what was reported.
    """
    report = latest_report(chain, store, twin_id, kind.model_digest)
    row, explanation = recomputed(
        chain, store, custodians, signer, kind, report, purpose=purpose, random_bytes=random_bytes
    )
    if explanation.root != report.explanation_root:
        raise VerificationError(
            f"the reasons computed from the data are not those of round {report.round}",
            hint="install the version of the model that reported; else the nodes or the data are wrong",
            kind="bad_explanation",
        )
    return report, row, explanation


def recomputed(
    chain: Chain,
    store: Store,
    custodians: Sequence[Custodian],
    signer: Signer,
    kind: Kind,
    report: Report,
    *,
    purpose: int,
    random_bytes: Callable[[int], bytes],
) -> tuple[Features, Explanation]:
    """What the data behind a report say, whatever was reported; CustodyDenied as of :func:`why`."""
    batches = window(anchored_batches(chain, report.twin_id, store), report.round, kind.window)
    opened = open_batches(
        chain, store, custodians, signer, batches, grantee=signer.address, category=int(kind.category), purpose=purpose,
        random_bytes=random_bytes, schema=kind.schema,
    )  # fmt: skip
    row = features(kind, verify([one.readings for one in opened], kind.channels, kind.schema))
    return row, explain(predict(kind, row), unit=kind.unit)
