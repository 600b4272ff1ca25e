"""The harnesses say how much they tried, and are refused when that is too little."""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest

from scripts import mutate
from scripts.campaign import complaints, tally
from scripts.coverage import missed
from scripts.findings import REVIEWED
from scripts.gates import Gate, told
from scripts.mutants import CLASSES, mutants
from scripts.mutate import complaints as complaints_of_mutants
from scripts.planted import PLANTED
from scripts.planted_symbolic import PLANTED as SYMBOLIC
from scripts.static import compare
from scripts.survivors import ARGUED
from scripts.variants import needed, reached

RUN = "1 4096 1000 1500"
FORGE = sorted((Path(__file__).parent / "foundry").glob("*.t.sol"))


def test_walks_are_added_up_without_the_last_run_told_twice() -> None:
    """Two halves of two runs, each telling its last run once more."""
    found = tally([RUN, RUN, "2 4096 1200 1600", RUN, "2 4096 1200 1600", "2 4096 1200 1600"])

    assert found == {"calls": 16_384, "faults": 6_200, "runs": 4, "succeeded": round(1 - 4_400 / 16_384, 4)}
    assert complaints(found, 16_384) == []


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "only 0 calls"),
        ([RUN, RUN], "only 4,096 calls"),
        (["1 9000 2701 2000", RUN], "70% of the calls did something"),
        (["1 9000 0 899", RUN], "only 899 faults"),
    ],
)
def test_a_campaign_that_did_too_little_is_refused(lines: list[str], said: str) -> None:
    """No walk, too short a one, an idle one, one without faults."""
    assert any(said in line for line in complaints(tally(lines), 9_000))


def test_every_reviewed_finding_says_why() -> None:
    """A new finding and one that is gone are both told; each that stays has a reason."""
    reviewed = {(check, place) for check, (_, places) in REVIEWED.items() for place in places}

    assert compare(reviewed) == []
    assert compare(reviewed | {("suicidal", "TwinToken.mint")}) == ["not reviewed: suicidal in TwinToken.mint"]
    assert compare(set()) == sorted(f"no longer found: {check} in {place}" for check, place in reviewed)
    assert all(len(why) > 20 for why, _ in REVIEWED.values())


def test_coverage_tells_lines_and_branches_never_reached() -> None:
    """Of our contracts only; a report without them counts nothing."""
    report = (
        "SF:contracts/A.sol\nDA:1,5\nDA:2,0\nBRDA:1,0,0,3\nBRDA:1,0,1,-\nend_of_record\n"
        "SF:contracts/mocks/B.sol\nDA:1,0\nend_of_record\nSF:tests/C.sol\nDA:1,0\n"
    )

    assert missed(report) == (2, 2, {"contracts/A.sol:2", "contracts/A.sol:1 branch 0.1"})
    assert missed("") == (0, 0, set())


def test_planted_faults_are_of_code_that_is_there() -> None:
    """A fault that cannot be planted any more catches nothing."""
    contracts = Path(__file__).parents[1] / "contracts"
    for file, before, *_ in (*PLANTED, *SYMBOLIC):
        assert before in (contracts / file).read_text("utf-8"), f"{file}: {before}"
    assert len(PLANTED) >= 30


def test_mutants_are_sorted_by_what_they_would_break() -> None:
    """Lines of each class that must be noticed without exception, as they stand in the contracts."""
    lines = {
        "authorisation": "        if (msg.sender != owner) {",
        "expiry": "        return time < expiryOf(word) && epochOf(word) == epoch;",
        "escrow": "        refunded = bought.paid - earned;",
        "quorum": "            if (signer <= previous) revert SignersNotAscending(previous, signer);",
    }

    assert {name for name, line in lines.items() if re.search(CLASSES[name], line)} == set(CLASSES) == set(lines)
    assert not any(re.search(pattern, "        for (uint256 i = 0; i < 8; ++i) {") for pattern in CLASSES.values())


def test_mutants_are_drawn_without_regard_to_other_lines() -> None:
    """Each has a rank of its own; one in a text leaves the text's code alone; what is argued is still there."""
    found = list(mutants())
    keys = {one.key for one in found}

    assert len(found) > 1_000
    assert len({one.rank(1) for one in found}) == len(keys)
    assert ("DataAnchor.sol", 'constructor(ITwinToken twins, IDeviceRegistry devices) EIP712("Medtwin", "1") {',
            'constructor(ITwinToken twins, IDeviceRegistry devices) EIP712("edtwin", "1") {') in keys  # fmt: skip
    assert not any("assembly" in one.before for one in found)
    assert set(ARGUED) <= keys


def test_a_change_reaches_what_imports_it() -> None:
    """Through other files too; an interface below reaches the contract, the contract nothing else."""
    assert "PredictionOracle.sol" in reached("libraries/Roster.sol")
    assert {"libraries/Nodes.sol", "libraries/Roster.sol"} < needed("PredictionOracle.sol")
    assert reached("PredictionOracle.sol") == ["PredictionOracle.sol"]


def test_no_margin_is_so_near_to_half_a_millionth_that_the_slack_counts() -> None:
    """What is argued of FixedPoint's mutants: all margins below 64 in doubles, then the few near ones in its own 30 digits."""
    near: list[int] = []
    for start in range(0, 64_000_000, 4_000_000):
        share = 1e6 / (1 + np.exp(-np.arange(start, start + 4_000_000) * 1e-6))
        near += (np.nonzero(np.abs(share - np.floor(share) - 0.5) < 1e-7)[0] + start).tolist()
    with localcontext(prec=60):
        shares = [10**30 / (1 + Decimal(-margin).scaleb(-6).exp()) for margin in near]
        distances = [abs(share % 10**24 - 5 * 10**23) for share in shares]

    assert len(near) > 10
    assert (
        min(distances) > 1.6e11
    )  # of a share and of 1 less it; SLACK is 1e9, and no argued mutant moves a share by 1e4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"killed": 113}, ["only 113 of 120 mutants killed"]),
        ({"mutants": 1_000, "killed": 969}, ["only 969 of 1000 mutants killed"]),
        ({"survivors": [{"file": "A.sol", "line": 3, "after": " b", "argued": None}]}, ["not argued: A.sol:3 b"]),
        ({"planted_missed": [{"file": "A.sol", "before": "a"}]}, ["not caught: a in A.sol"]),
    ],
)
def test_mutation_is_refused_below_its_floors(change: dict[str, object], said: list[str]) -> None:
    """Of a sample 95 in a hundred, of all 97; every survivor argued, every planted fault caught."""
    good = {"mutants": 120, "of": 1_400, "killed": 114, "survivors": [], "planted_missed": []}

    assert complaints_of_mutants(good | change) == said


def test_a_mutant_that_was_killed_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lived is, and what is new; what is the same code never."""
    tried: list[dict[str, str]] = []

    class Bench:
        def __init__(self, _: int) -> None: ...
        def fate(self, codes: dict[str, str], *_: str) -> str:
            tried.append(codes)
            return "killed" if codes.get("A.sol/A") in ("02", "04") else "survived"

    changes = [("DataAnchor.sol", text) for text in ("01", "02", "03", "")]
    monkeypatch.setattr(mutate, "DEAD", tmp_path / "killed")
    monkeypatch.setattr(mutate, "Bench", Bench)
    monkeypatch.setattr(mutate, "own_tests", lambda file: file)
    monkeypatch.setattr(mutate, "compiled", lambda changes: [{"A.sol/A": text or "01"} for _, text in changes])

    first = list(mutate.Court(1).fates(changes))
    del tried[:]
    again = list(mutate.Court(1).fates([*changes, ("DataAnchor.sol", "04")]))

    assert first == ["same", "killed", "survived", "same"]
    assert again == [*first, "killed"]
    assert tried == [{"A.sol/A": "01"}, {"A.sol/A": "03"}, {"A.sol/A": "04"}]


@pytest.mark.parametrize(("command", "canary", "failed"), [
    ("true", False, False), ("false", False, True), ("true", True, True), ("false", True, False),
])  # fmt: skip
def test_a_gate_must_end_as_it_should(command: str, canary: bool, failed: bool) -> None:
    """A canary must be refused."""
    case = told(Gate("a gate", (command,), canary))

    assert (case.find("failure") is not None) == failed


@pytest.mark.parametrize("path", FORGE, ids=lambda path: path.name)
def test_forge_tests_stand_under_their_tree(path: Path) -> None:
    """A leaf without a test, or a test without a leaf, is a promise not kept; what only inherits has no tests of its own."""
    text = path.read_text("utf-8")
    leaves = re.findall(r"^/// +it .*", text, re.MULTILINE)
    tests = re.findall(r"^    function (test\w+)", text, re.MULTILINE)

    assert len(leaves) == len(tests) > 0, (leaves, tests)
