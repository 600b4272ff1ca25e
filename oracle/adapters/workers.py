"""Reasons computed on Dask workers: any number of machines with this package and the same models.

What a lost worker had is computed again by another. Workers see readings in the clear, so they are the node's own,
and between machines the scheduler is reached by ``tls://``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import ChainError, StorageError, VerificationError
from ..records import Readings

RETRIES = 3
LONGEST_S = 300.0


class DaskWorkers:
    """A scheduler. `compute` is (name of the kind, digest of its model, readings) to what is returned; it is sent by name."""

    def __init__(self, scheduler: str, compute: Any) -> None:
        from dask.distributed import Client  # of the extra `scale`

        self._compute = compute
        try:
            self._client: Any = Client(scheduler, timeout="20s", set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError) as error:
            raise StorageError(
                f"no Dask scheduler answers at {scheduler} ({type(error).__name__})",
                hint="start one (dask scheduler), workers too (dask worker), and name it: --scheduler tcp://host:port",
                kind="no_scheduler",
            ) from error

    def __call__(self, kind: Any, parts: Sequence[Readings]) -> Any:
        """As the local function, whatever becomes of single workers."""
        asked = self._client.submit(
            self._compute, kind.name, kind.model_digest, list(parts), pure=False, retries=RETRIES
        )
        try:
            return asked.result(timeout=LONGEST_S)
        except (VerificationError, ChainError, StorageError):
            raise
        except Exception as error:  # a scheduler or a worker that is gone, in the words of several libraries
            raise StorageError(
                f"the workers did not compute it ({type(error).__name__})",
                hint="see the scheduler's page; the round is tried again",
                kind="workers_failed",
            ) from error

    def close(self) -> None:
        """Leave the scheduler."""
        self._client.close()
