"""Workers compute what the node would have, bit for bit, while they are killed; one with another model is refused."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dask.distributed import LocalCluster

from oracle.adapters.drift_memory import SqliteDriftMemory
from oracle.adapters.workers import DaskWorkers
from oracle.errors import StorageError, VerificationError
from oracle.records import Readings
from oracle.reports.drift import SUSPENDED, Policy, State, Watched, watched
from oracle.reports.reason import Reasoned, reason, reason_named
from oracle.stages.explain import explain
from oracle.stages.ingest import split
from oracle.twins import TwinKind, kinds
from oracle.twins.additive import no_answer

pytestmark = pytest.mark.filterwarnings("ignore")  # the library's own processes warn while they die
JOBS = 12


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two workers as processes, each started again when it dies."""
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


def windows(kind: TwinKind) -> list[list[Readings]]:
    """What a node opens for its rounds: windows of real recordings."""
    recording = next(iter(kind.recordings(Path()))).readings
    batches = list(split(recording, interval_ms=kind.batch_ms, most=20_000))
    return [batches[at : at + kind.window] for at in range(0, len(batches) - kind.window + 1)][:JOBS]


def slowly(name: str, model_digest: bytes, parts: list[Readings]) -> Reasoned:
    """The same, long enough to be killed in the middle."""
    time.sleep(0.5)
    return reason_named(name, model_digest, parts)


def test_a_worker_killed_in_the_middle_changes_no_result(cluster: LocalCluster) -> None:
    """Equal to the local results to the last bit, roots included."""
    kind = kinds()["pulse"]
    parts = windows(kind)
    workers = DaskWorkers(cluster.scheduler_address, slowly)
    jobs = [workers._client.submit(slowly, kind.name, kind.model_digest, one, pure=False, retries=3) for one in parts]
    time.sleep(0.7)
    victim = next(iter(cluster.workers.values())).pid
    os.kill(victim, signal.SIGKILL)
    computed = [job.result(timeout=120) for job in jobs]
    again = workers(kind, parts[0])
    workers.close()

    expected = [reason(kind, one) for one in parts]
    assert len(parts) >= 4
    assert [(one.prediction, one.explanation.root) for one in computed] == [
        (one.prediction, one.explanation.root) for one in expected
    ]
    assert again.prediction == expected[0].prediction


def test_a_worker_with_another_model_is_told(cluster: LocalCluster) -> None:
    """Nothing is computed with what is not the node's model; a refusal of the stages comes back as itself."""
    kind = kinds()["pulse"]
    workers = DaskWorkers(cluster.scheduler_address, reason_named)

    class Other:
        """The same name, another model."""

        name, model_digest = kind.name, bytes(32)

    with pytest.raises(VerificationError) as caught:
        workers(Other(), windows(kind)[0])
    assert caught.value.kind == "other_model"
    with pytest.raises(VerificationError) as caught:
        workers(kind, [])
    assert caught.value.kind == "empty"
    workers.close()


def test_no_scheduler_is_told() -> None:
    """Before anything is begun."""
    with pytest.raises(StorageError) as caught:
        DaskWorkers("tcp://127.0.0.1:9", reason_named)
    assert caught.value.kind == "no_scheduler"


@pytest.mark.parametrize("drifted", [False, True])
def test_drift_is_watched_where_the_node_is(cluster: LocalCluster, drifted: bool) -> None:
    """Workers compute, the node's monitors see each row once and have the last word."""
    kind, part = kinds()["pulse"], windows(kinds()["pulse"])[0]
    memory = SqliteDriftMemory(":memory:", State)
    memory.save(kind.model_digest, State(reason="scores(ADWIN)" if drifted else ""), b"", drifted)
    workers = DaskWorkers(cluster.scheduler_address, reason_named)
    told = watched(workers)(Watched(kind, memory, Policy.SUSPEND, print), part)
    workers.close()

    alone = reason(kind, part)
    expected = no_answer(SUSPENDED) if drifted else alone.prediction
    assert told.prediction == expected
    assert told.explanation.root == explain(expected, unit=kind.unit).root
    assert memory.load(kind.model_digest).rows == 1
