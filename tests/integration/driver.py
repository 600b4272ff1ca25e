"""A publisher or an oracle that kills itself (SIGKILL) at a named point; run as a program by test_restart.py.

``python -m tests.integration.driver publish …`` is the command's own ``publish``, and so with the others;
``python -m tests.integration.driver predict TWIN`` brings the twin's newest round to the chain.
``DRIVER_KILL=point:n`` kills at the n-th passing of the point; the wrapping is here, the product knows nothing of it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from oracle.adapters.fetched import SqliteFetched
from oracle.adapters.ipfs import IpfsStore
from oracle.adapters.journal import SqliteOutbox, SqliteSignedRounds
from oracle.adapters.keys import LocalSigner
from oracle.adapters.rpc import Rpc
from oracle.adapters.store import EmbeddedStore
from oracle.reports.predict import predict
from oracle.rights.mint import parse_twin_id
from oracle.serve.cli import main
from oracle.settings import Settings, open_custodians, open_key, open_node, open_store, open_suite
from oracle.twins import kinds

NODES = [f"node-{number}" for number in range(1, 5)]


class Trap:
    """Counts the passings of one point and kills at the last."""

    def __init__(self, chosen: str) -> None:
        self._point, _, times = chosen.partition(":")
        self._left = int(times or 1)

    def passing(self, point: str) -> None:
        """One more; perhaps the last thing this process does."""
        if point and point == self._point:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def around(trap: Trap, owner: type, name: str, *, before: str = "", after: str = "") -> None:
    """Pass the points before and after a method."""
    original: Callable[..., Any] = getattr(owner, name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        trap.passing(before)
        answer = original(*arguments, **options)
        trap.passing(after)
        return answer

    setattr(owner, name, wrapped)


def arm(trap: Trap) -> None:
    """Set the trap around every step that leaves something outside this process."""
    around(trap, SqliteOutbox, "add", before="before_add", after="after_add")
    around(trap, EmbeddedStore, "put", after="after_put")
    around(trap, SqliteOutbox, "done", before="before_done", after="after_done")
    around(trap, IpfsStore, "get", after="after_get")
    around(trap, SqliteFetched, "keep_block", after="after_keep_block")
    around(trap, SqliteFetched, "keep_key", after="after_keep_key")
    around(trap, SqliteSignedRounds, "remember", after="after_remember")
    around(trap, LocalSigner, "sign_digest", after="after_sign")
    around(trap, LocalSigner, "sign_transaction", after="before_send")
    exchange = Rpc._exchange

    def exchanged(self: Rpc, requests: Any) -> Any:
        answers = exchange(self, requests)
        for method, _ in requests:
            if method == "eth_sendRawTransaction":
                trap.passing("after_send")
        return answers

    Rpc._exchange = exchanged  # type: ignore[method-assign]


def run_oracle(twin: str) -> None:
    """Four nodes, each with its memory on disk, one round."""
    settings = Settings.read()
    chain, content, custodians = open_suite(settings), open_store(settings.store), open_custodians(settings)
    nodes = [open_node(settings.home / name, open_key(settings, name), chain, content, custodians) for name in NODES]
    predict(nodes, open_key(settings, "hospital"), kinds()["pulse"], parse_twin_id(twin))


if __name__ == "__main__":
    arm(Trap(os.environ.get("DRIVER_KILL", "")))
    print("ready", flush=True)
    if sys.argv[1] == "predict":
        run_oracle(sys.argv[2])
    else:
        main()
