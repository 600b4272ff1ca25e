"""The whole story of ``medtwin demo``: on the embedded chain, on Ganache and a real IPFS node, on real intensive-care stays."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oracle.adapters.ipfs_node import ipfs_node

from .clinic import COMMAND, ROOT, TOOLS, clean_environment

MODELS = ROOT / "oracle" / "artifacts" / "models"
MOST_MEMORY_KIB = 1.5 * 2**20
KEYS = {
    "chain", "store", "source", "twins", "readings", "batches", "predictions", "refusals", "audit", "gas", "seconds",
    "revocation",
}  # fmt: skip
REFUSALS = {"stranger", "revoked", "tampered", "replayed", "unpaired"}
OPERATIONS = {"mint", "pair", "anchor", "grant", "revoke", "purchase", "post_prediction"}
STORIES = {
    "embedded": ("pulse", ()),
    "ganache and ipfs": ("pulse", ("--chain", "ganache")),
    "icu2012": ("icu2012", ("--source", "icu2012")),
}


@dataclass(frozen=True)
class Run:
    """One telling of the story."""

    model: str
    code: int
    said: str
    facts: dict[str, Any]
    peak_kib: int


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[dict[str, Run]]:
    """Every story, told once."""
    folder = tmp_path_factory.mktemp("story")
    with ipfs_node(TOOLS) as where:
        more = {"ganache and ipfs": ("--store", where)}
        yield {
            name: told(model, (*options, *more.get(name, ())), folder / f"{name.replace(' ', '-')}.json", data)
            for name, (model, options) in STORIES.items()
        }


def told(model: str, options: tuple[str, ...], file: Path, data: Path) -> Run:
    """Run the demo as a process of its own; its peak memory is what the kernel counted."""
    with file.with_suffix(".txt").open("w+b") as log:
        process = subprocess.Popen(
            [*COMMAND, "demo", *options, "--json", str(file)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, env=clean_environment(MEDTWIN_DATA=str(data), MEDTWIN_HOME=str(file.parent)),
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        said = log.read().decode()
    assert process.returncode == 0, said
    return Run(model, process.returncode, said, json.loads(file.read_text("utf-8")), usage.ru_maxrss)


@pytest.fixture(params=list(STORIES))
def run(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    """Each story in turn."""
    return runs[request.param]


def test_story_ends_well_and_tells_every_fact(run: Run) -> None:
    """Exit 0, every key a program may rely on, gas of every operation, no step without its time."""
    assert run.code == 0
    assert run.facts.keys() >= KEYS
    assert run.facts["gas"].keys() >= OPERATIONS
    assert all(gas > 21_000 for gas in run.facts["gas"].values())
    assert all(seconds > 0 for seconds in run.facts["seconds"].values())
    assert len(run.facts["twins"]) == len(set(run.facts["twins"])) >= 2
    assert run.facts["readings"] > run.facts["batches"] >= 2
    assert run.facts["source"]["name"] == run.model


def test_story_says_no_secret_and_no_traceback(run: Run) -> None:
    """Nothing as long as a private key is printed, but for what is public; no program error either."""
    public = set(re.findall(r"[0-9a-f]{64}", json.dumps(run.facts)))

    assert set(re.findall(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", run.said)) <= public
    for word in ("Traceback", "Error(", "Warning:", "password", "private"):
        assert word not in run.said


def test_story_refuses_what_it_must(run: Run) -> None:
    """Each attack of the list, each with its reason."""
    assert {one["kind"] for one in run.facts["refusals"]} >= REFUSALS
    assert all(one["reason"] for one in run.facts["refusals"])


def test_stories_refuse_alike(runs: dict[str, Run]) -> None:
    """The kinds of refusals do not depend on chain, store or recordings, nor does who is refused how."""
    kinds = {name: [one["kind"] for one in run.facts["refusals"]] for name, run in runs.items()}

    assert len({tuple(sorted(found)) for found in kinds.values()}) == 1, kinds


def test_revocation_locks_in_one_block_and_refunds(run: Run) -> None:
    """What was not used came back: all but some seconds of thirty days; Ganache may mine both blocks in one second."""
    told = run.facts["revocation"]
    used = told["paid_wei"] - told["refund_wei"]

    assert told["blocks_to_lock"] == 1
    assert 0 <= used <= told["paid_wei"] * run.facts["seconds"]["total"] / (30 * 86_400)
    assert used > 0 or run.facts["chain"]["id"] == 1337


def test_audit_is_whole_and_a_deletion_is_seen(run: Run) -> None:
    """Three custodians' receipts, of which two answered four nodes for two twins at least."""
    audit = run.facts["audit"]

    assert (audit["verified"], audit["deletion_detected"]) == (True, True)
    assert audit["receipts"] >= 2 * 4 * 2


def test_predictions_are_the_shipped_models(run: Run) -> None:
    """The digest on the chain is that of the file, and a score lies in its interval."""
    shipped = "0x" + hashlib.sha256((MODELS / f"{run.model}.onnx").read_bytes()).hexdigest()
    predictions = run.facts["predictions"]

    assert {one["twin"] for one in predictions} == set(run.facts["twins"])
    assert {one["model_digest"] for one in predictions} == {shipped}
    assert all(one["round"] >= 1 for one in predictions)
    answered = [one for one in predictions if one["status"] == "answer"]
    assert answered
    for one in answered:
        low, high = one["interval"]
        assert low <= one["score"] <= high


def test_story_tells_clinician_and_patient_why(run: Run) -> None:
    """In two lengths, nothing cut off at the edge; the patient reads no contribution and no unit but the score's."""
    said = " ".join(run.said.split())

    assert " ".join(run.facts["source"]["note"].split()) in said
    for one in run.facts["predictions"]:
        assert f"to a clinician: {one['to_a_clinician']}" in said and f"to the patient: {one['to_the_patient']}" in said
        assert "adds up" in one["to_a_clinician"] or one["status"] == "no_answer"
        assert not re.search(r"[(+]", one["to_the_patient"])


def test_story_needs_little_memory(run: Run) -> None:
    """Below 1.5 GiB at its peak."""
    assert 0 < run.peak_kib < MOST_MEMORY_KIB


def test_story_ran_where_it_was_told(runs: dict[str, Run]) -> None:
    """Ganache's chain id and the IPFS node, not the embedded ones."""
    assert runs["ganache and ipfs"].facts["chain"]["id"] == 1337
    assert "ipfs" in runs["ganache and ipfs"].facts["store"].lower()
    assert runs["embedded"].facts["chain"]["id"] != 1337
