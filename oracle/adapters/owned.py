"""A folder that one process has at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Denied


@contextmanager
def owned(folder: Path) -> Iterator[Path]:
    """The folder, for one process at a time.

    Raises
    ------
    Denied
        ``already_running``: another process has it.
    """
    import fcntl  # not on Windows, where programs may be grantees and nothing else

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Denied(
                f"another process runs on {folder}",
                hint="stop it first; two nodes with one key would vote twice",
                kind="already_running",
            ) from None
        yield folder
