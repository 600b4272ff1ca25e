"""The guides, typed in: every console block that is not marked ``reader``, in order, against a running ``medtwin dev``.

Blocks marked ``reader`` start or stop what this test starts itself, or name the reader's own machine.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from subprocess import run

import pytest

from oracle.adapters.process import free_port, running, wait_until

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ORDER = ("developer", "researcher", "clinician", "patient", "auditor")
START_S = 200.0
MOST_S = 900  # some 40 commands, each a process of its own; 110 s of processor time

pytestmark = pytest.mark.timeout(MOST_S)

# `pip install -e .` without asking an index: what an installer leaves of a package is its entry points.
PIP = """
import pathlib, tomllib
project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
folder = pathlib.Path(f"{project['name'].replace('-', '_')}-{project['version']}.dist-info")
folder.mkdir()
(folder / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {project['name']}\\nVersion: {project['version']}\\n")
lines = [f"[{group}]\\n" + "".join(f"{k} = {v}\\n" for k, v in one.items()) for group, one in project["entry-points"].items()]
(folder / "entry_points.txt").write_text("".join(lines))
"""


def fences(guide: str) -> list[tuple[list[str], str]]:
    """(words of the fence's first line, content) of a guide, in order."""
    found = FENCE.findall((ROOT / "docs" / "guides" / f"{guide}.md").read_text("utf-8"))
    return [(info.split(), body) for info, body in found]


def lines_of(guide: str) -> list[str]:
    """The commands to type."""
    bodies = [body for words, body in fences(guide) if words == ["console"]]
    return [line.removeprefix("$ ") for body in bodies for line in body.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guides' files and, in ``bin``, the programs that they name."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "bin").mkdir()
    programs = {"medtwin": "-W ignore -m oracle.serve.cli", "python": "-W ignore", "pip": f"{folder}/bin/pip.py"}
    for name, arguments in programs.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    (folder / "bin" / "pip.py").write_text(PIP)
    for guide in ORDER:
        for words, body in fences(guide):
            if len(words) == 2 and words[0] in ("python", "toml"):
                (folder / words[1]).write_text(body)
    return folder


def three_free_ports() -> int:
    """The first of three loopback ports in a row that nobody listens on now."""
    while True:
        first = free_port()
        with ExitStack() as held, suppress(OSError, OverflowError):
            for port in range(first, first + 3):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


@pytest.fixture(scope="module")
def hospital(desk: Path) -> Iterator[dict[str, str]]:
    """``medtwin dev`` running; the environment of a second terminal, as it says to set it."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MEDTWIN_")},
        "PYTHONPATH": f"{ROOT}:{desk}",
        "PATH": f"{desk}/bin:{ROOT}/node_modules/.bin:{os.environ['PATH']}",
        "MEDTWIN_HOME": str(desk / "home"),
        "MEDTWIN_DEPLOYMENT": str(desk / "deployment.json"),
        "COLUMNS": "200",
    }
    log = desk / "dev.log"
    ports = ["--port", free_port(), "--custodian-port", three_free_ports(), "--portal-port", free_port()]
    with running([str(desk / "bin" / "medtwin"), "dev", *map(str, ports)], log=log, environment=environment) as process:
        ready = wait_until(lambda: "event=reported" in log.read_text(), process, START_S)
        assert ready, log.read_text()[-2000:]
        told = re.search(r"^export (.+)\nmedtwin predict (0x[0-9a-f]+)", log.read_text(), re.MULTILINE)
        assert told, log.read_text()[-2000:]
        settings = dict(word.split("=", 1) for word in told[1].split())
        yield {**environment, **settings, "TWIN": told[2]}


def type_in(guide: str, desk: Path, environment: dict[str, str]) -> str:
    """Every line of a guide in one shell that stops at the first failure; what was printed."""
    bash = shutil.which("bash")
    assert bash is not None
    script = "set -euo pipefail\n" + "\n".join(lines_of(guide)) + "\n"
    done = run(
        [bash, "-c", script], cwd=desk, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, f"{guide}: {done.stdout[-1500:]}\n{done.stderr[-1500:]}"
    return done.stdout + done.stderr


def test_guides_have_lines_to_type() -> None:
    """No guide lost its blocks, which would make the tests below empty."""
    assert {guide: bool(lines_of(guide)) for guide in ORDER} == dict.fromkeys(ORDER, True)


def test_guides_do_what_they_say(desk: Path, hospital: dict[str, str]) -> None:
    """Developer, researcher, clinician, patient and auditor, one after the other, on one chain."""
    told = {guide: type_in(guide, desk, hospital) for guide in ORDER}

    assert re.search(r"models\s+ok .*fridge", told["developer"])
    assert "1 batches with 2 readings are anchored" in told["developer"]
    assert "is cut off since block" in told["developer"]
    assert "Cel" in told["developer"]  # the demo with the guide's own kind
    assert "days bought for" in told["researcher"]
    assert "every one verified against the chain" in told["researcher"]
    assert "purpose_not_covered" in told["researcher"]
    assert len((desk / "data.csv").read_text().splitlines()) > 10_000
    assert "heart rate 30 s ahead" in told["clinician"]
    assert re.search(r"locked out since block \d+; \d+ units refunded", told["patient"])
    assert "custodians destroyed their keys" in told["patient"]
    assert re.search(r"[1-9]\d* receipts are whole", told["auditor"])
    assert "the certificate holds" in told["auditor"]
    assert "purpose_not_covered" in (desk / "timeline.json").read_text()


def test_after_the_patient_stopped_nothing_opens(desk: Path, hospital: dict[str, str]) -> None:
    """The researcher's own line, typed again after the patient's guide, is refused with exit code 3 or 4."""
    line = next(line for line in lines_of("researcher") if line.startswith("medtwin fetch"))
    done = run(["bash", "-c", line], cwd=desk, env=hospital, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (3, 6), done.stderr
