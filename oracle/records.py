"""The values that flow through Medtwin, in the order they come into being.

Everything here is frozen: a stage takes values and returns new ones.
Times are integers of milliseconds since 1970-01-01 UTC in readings (``*_ms``)
and of seconds on the chain (``*_s``). Fractions cross the chain as integers
of one millionth (``*_e6``): the one place where floats are quantised is
:func:`to_e6`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

E6 = 1_000_000
MICRO = 1 / E6


def to_e6(value: float) -> int:
    """Quantise a finite float to millionths, half to even; the only float-to-integer rule. ValueError for NaN, infinity."""
    if not np.isfinite(value):
        raise ValueError(f"{value} has no fixed-point form; drop or refuse it first")
    return int(np.rint(value * E6))


class TwinClass(enum.IntEnum):
    """What a twin stands for; the low byte of its id."""

    PATIENT = 1
    EQUIPMENT = 2
    WARD = 3


class Category(enum.IntFlag):
    """Kinds of data a consent may cover (bits of the grant's `categories`)."""

    VITALS = 1 << 0
    WAVEFORM = 1 << 1
    LABORATORY = 1 << 2
    IMAGING = 1 << 3
    MEDICATION = 1 << 4
    EQUIPMENT = 1 << 5
    OPERATIONS = 1 << 6
    PREDICTION = 1 << 7


class Purpose(enum.IntFlag):
    """Why data is asked for (bits of the grant's `purposes`).

    Each bit is one term of GA4GH DUO or of the HL7 FHIR purpose-of-use value
    set; the pairs are listed in ``docs/formats.md``.
    """

    CARE = 1 << 0  # FHIR TREAT
    EMERGENCY = 1 << 1  # FHIR ETREAT
    OPERATIONS = 1 << 2  # FHIR HOPERAT
    RESEARCH_GENERAL = 1 << 3  # DUO:0000042
    RESEARCH_HEALTH = 1 << 4  # DUO:0000006
    RESEARCH_DISEASE = 1 << 5  # DUO:0000007
    RESEARCH_NONPROFIT = 1 << 6  # DUO:0000018
    METHODS = 1 << 7  # absence of DUO:0000015
    PUBLIC_HEALTH = 1 << 8  # FHIR PUBHLTH
    PATIENT_REQUEST = 1 << 9  # FHIR PATRQT


class Status(enum.IntEnum):
    """State of a report."""

    ANSWER = 1
    NO_ANSWER = 2


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a suite stands: chain id, hash of the chain's block 0, first block, addresses by contract name.

    `gateways` are those whose epochs count, each from a block on.
    """

    chain_id: int
    genesis: bytes
    block: int
    contracts: dict[str, str]
    signers: tuple[str, ...] = ()
    f: int = 0
    gateways: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """One quantity a device measures.

    Parameters
    ----------
    name : str
        Lower-case identifier, unique in the twin kind.
    unit : str
        UCUM code.
    low, high : float
        Physically plausible range in `unit`, inclusive; outside is refused.
    loinc : str or None
        LOINC code where one exists.
    """

    name: str
    unit: str
    low: float
    high: float
    loinc: str | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """Readings as columns, sorted by time.

    Parameters
    ----------
    schema : str
        Name and version of the twin kind that gives the channels meaning, e.g. ``"icu/1"``.
    channels : tuple of str
        Names that `channel` indexes.
    time_ms : ndarray of int64, shape (n_readings,)
        Not decreasing.
    channel : ndarray of uint8, shape (n_readings,)
    value_e6 : ndarray of int64, shape (n_readings,)
        The reading in millionths of the channel's unit.
    """

    schema: str
    channels: tuple[str, ...]
    time_ms: NDArray[np.int64]
    channel: NDArray[np.uint8]
    value_e6: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_ms)

    def of(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times (ms) and values (channel units) of one channel; empty if never measured."""
        if name not in self.channels:
            return np.empty(0, np.int64), np.empty(0, np.float64)
        rows = self.channel == self.channels.index(name)
        return self.time_ms[rows], self.value_e6[rows] * MICRO


@dataclass(frozen=True, slots=True)
class Context:
    """What a sealed block is bound to; part of every seal and share.

    Parameters
    ----------
    chain_id : int
    anchor : str
        Checksummed address of the DataAnchor contract.
    twin_id : int
    device : str
        Checksummed address of the device's key.
    sequence : int
        The device's batch number, from 1.
    schema : str
    category : int
        :class:`Category` bit of the data inside.
    """

    chain_id: int
    anchor: str
    twin_id: int
    device: str
    sequence: int
    schema: str
    category: int


@dataclass(frozen=True, slots=True)
class SealedShare:
    """One custodian's part of a data key, readable by that custodian alone."""

    custodian: str
    commitment: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """A batch as it is stored: `digest` is the SHA-256 of `block` and its CID."""

    digest: bytes
    block: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """The statement a device signs and DataAnchor checks; names as in the typed data."""

    twin_id: int
    sequence: int
    previous: bytes
    digest: bytes
    root: bytes
    readings: int
    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A sealed and signed batch that a device is sending; never sealed twice."""

    batch: Batch
    block: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Included:
    """How a batch is in an epoch: the gateway's n-th, with the device's signature and the path to the root."""

    gateway: str
    number: int
    signature: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnchoredBatch:
    """A batch as the chain tells it. `index` counts the twin's batches from 1; `included` is for one in an epoch."""

    batch: Batch
    device: str
    index: int
    block: int
    time_s: int
    included: Included | None = None


@dataclass(frozen=True, slots=True)
class Features:
    """One row for a model.

    Parameters
    ----------
    names : tuple of str
    values : ndarray of float64, shape (n_features,)
        NaN where not measured.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one feature adds to the margin, in millionths; value_e6 is None where it was missing."""

    feature: str
    value_e6: int | None
    contribution_e6: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer, in millionths of the model's unit.

    ``base_e6 + sum(contribution_e6) == margin_e6`` exactly; `score_e6` is the
    link function of the margin (identity or logistic), as the model card says.
    With `status` NO_ANSWER the numbers are zero and `reason` says why.
    """

    status: Status
    score_e6: int
    low_e6: int
    high_e6: int
    base_e6: int
    margin_e6: int
    contributions: tuple[Contribution, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """The statement oracle nodes sign and PredictionOracle checks; names as in the typed data."""

    twin_id: int
    model: bytes
    round: int
    as_of_s: int
    status: int
    score_e6: int
    low_e6: int
    high_e6: int
    inputs_root: bytes
    explanation_root: bytes
    config: bytes


@dataclass(frozen=True, slots=True)
class Observation:
    """One node's signed report."""

    report: Report
    signer: str
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a prediction is what it is; `root` is the report's explanation root."""

    root: bytes
    prediction: Prediction
    sentence: str


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A signed request for key shares; names as in the typed data.

    `grantee` is whom the consent names: an account, or a contract that vouches
    for the signing key (ERC-1271), as PredictionOracle does for its nodes.
    """

    twin_id: int
    grantee: str
    recipient_key: bytes = field(repr=False)
    batches: tuple[bytes, ...]
    category: int
    purpose: int
    nonce: int
    deadline_s: int
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A custodian's record of one decision, signed by both sides. Numbered from 0 per custodian; the leaf of its log.

    `recipient` is the SHA-256 of the key the shares were sealed to; with the other facts asked for it
    gives the request's digest again, which the grantee signed (`request_signature`).
    """

    custodian: str
    number: int
    time_s: int
    twin_id: int
    grantee: str
    purpose: int
    category: int
    batches: tuple[bytes, ...]
    recipient: bytes
    nonce: int
    deadline_s: int
    permitted: bool
    reason: str
    request: bytes
    request_signature: bytes
    head_block: int
    head_hash: bytes
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """An owner's signed order to custodians to destroy their keys for a twin; names as in the typed data."""

    twin_id: int
    owner: str
    deadline_s: int
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class ErasureStatement:
    """A custodian's signed statement that its key for a twin is gone.

    `key` is the SHA-256 of the public key whose private half was destroyed; zeros if it never had one.
    """

    custodian: str
    twin_id: int
    key: bytes
    time_s: int
    signature: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Release:
    """What a custodian answers when it permits: a share per batch, sealed to the recipient."""

    receipt: Receipt
    shares: tuple[bytes, ...] = field(repr=False)
