"""forge's exit code means what it says: npm's wrapper of it ends with 0 whatever failed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from scripts.foundry import environment, forge_command

TEST = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;
contract GateTest {{
    function test_gate() public pure {{ require({}, "planted"); }}
}}
"""


@pytest.mark.parametrize(("holds", "code"), [("true", 0), ("false", 1)])
def test_forge_ends_as_its_tests_do(tmp_path: Path, holds: str, code: int) -> None:
    """A planted failure is an exit code, and so is none."""
    (tmp_path / "foundry.toml").write_text('[profile.default]\nsrc = "src"\ntest = "test"\nlibs = []\n')
    (tmp_path / "test").mkdir()
    (tmp_path / "src").mkdir()
    (tmp_path / "test" / "Gate.t.sol").write_text(TEST.format(holds))

    ran = subprocess.run(
        forge_command("test", "--root", str(tmp_path)), env=environment(), capture_output=True, text=True, check=False
    )

    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "test_gate" in ran.stdout
