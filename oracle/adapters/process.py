"""Programs that run beside this one for a while: on a free loopback port, in their own process group."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_STOP_S = 5.0
_POLL_S = 0.05


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], deadline_s: float) -> bool:
    """Whether `ready` came true within `deadline_s` while the process lived."""
    end = time.monotonic() + deadline_s
    while process.poll() is None and time.monotonic() < end:
        if ready():
            return True
        time.sleep(_POLL_S)
    return False


@contextmanager
def running(
    command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` with its output in `log`; its whole process group is stopped on leaving, however one leaves."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _stop(process)


def last_words(log: Path) -> str:
    """The last line a program wrote, for its error message."""
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "it wrote nothing"


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_S)
    with suppress(ProcessLookupError):  # children that outlived it, or itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
