"""Medtwin from a notebook or a script: the same use cases as the command, pandas out."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .batches.fetch import OpenedBatch, fetch
from .errors import InputError
from .formats.readings import join
from .ports import Chain, Custodian, Signer, Store
from .records import E6, Category, Purpose, Readings, Report
from .reports.posted import latest_report
from .rights.consent import Consent, consents
from .rights.mint import TwinState, parse_twin_id, twin_state
from .settings import Settings, open_custodians, open_fetched, open_key, open_store
from .wiring import open_indexed


@dataclass(frozen=True, slots=True)
class Client:
    """A deployment as one key sees it."""

    chain: Chain
    store: Store
    custodians: Sequence[Custodian]
    signer: Signer

    def twin(self, twin_id: str | int) -> Twin:
        """A twin by its id; it is looked up when something is asked of it."""
        return Twin(self, parse_twin_id(twin_id) if isinstance(twin_id, str) else twin_id)


@dataclass(frozen=True, slots=True)
class Twin:
    """One twin, for whoever the client's key is."""

    client: Client
    twin_id: int

    def state(self) -> TwinState:
        """Owner, devices and number of batches, from the chain."""
        return twin_state(self.client.chain, self.twin_id)

    def consents(self) -> list[Consent]:
        """Who may use what, now."""
        return consents(self.client.chain, self.twin_id)

    def report(self, model: bytes) -> Report:
        """The newest report by a model; NotFound when there is none."""
        return latest_report(self.client.chain, self.client.store, self.twin_id, model)

    def batches(self, *, purpose: str, category: str = "vitals", keep: Path | None = None) -> list[OpenedBatch]:
        """Ask the custodians, decrypt, verify against the chain.

        Parameters
        ----------
        purpose : str
            What it is for, a name of :class:`~oracle.records.Purpose` in lower case.
        category : str
            Which data, a name of :class:`~oracle.records.Category` in lower case.
        keep : Path, optional
            File for what was fetched so far, keys included: interrupted, the same call goes on where it was. Delete it
            when what it is for is done.

        Raises
        ------
        CustodyDenied
            Who refused and why, in ``refusals``.
        VerificationError
            Something does not agree with the chain.
        """
        wanted, use = _named(Category, category), _named(Purpose, purpose)
        one = self.client
        return fetch(
            one.chain, one.store, one.custodians, one.signer,
            twin_id=self.twin_id, purpose=use, category=wanted, random_bytes=os.urandom,
            fetched=open_fetched(keep) if keep else None,
        )  # fmt: skip

    def fetch(self, *, purpose: str, category: str = "vitals", keep: Path | None = None) -> pd.DataFrame:
        """The verified readings as columns ``time`` (UTC), ``channel`` and ``value`` (in the channel's unit)."""
        return frame(join([one.readings for one in self.batches(purpose=purpose, category=category, keep=keep)]))


def _named(kind: type[Category] | type[Purpose], name: str) -> int:
    try:
        return int(kind[name.upper()])
    except KeyError:
        known = ", ".join(str(one.name).lower() for one in kind)
        raise InputError(f"{name[:80]!r} is no {kind.__name__.lower()}", hint=f"it is one of {known}") from None


def connect(key: str = "", *, settings: Settings | None = None) -> Client:
    """Open the deployment that the settings name (the environment's, if none are given).

    Parameters
    ----------
    key : str
        Name of the keystore that signs requests; without one ``MEDTWIN_PRIVATE_KEY``.
    """
    chosen = settings or Settings.read()
    return Client(open_indexed(chosen), open_store(chosen.store), open_custodians(chosen), open_key(chosen, key))


def frame(readings: Readings) -> pd.DataFrame:
    """Readings as a table."""
    return pd.DataFrame(
        {
            "time": pd.to_datetime(readings.time_ms, unit="ms", utc=True),
            "channel": np.array(readings.channels)[readings.channel],
            "value": readings.value_e6 / E6,
        }
    )
