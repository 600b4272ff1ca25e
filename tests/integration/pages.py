"""The pages' own code under node: a question goes in as JSON, what it makes of it comes out."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .clinic import ROOT

PAGES = ROOT / "oracle" / "serve" / "portal" / "web"
LONGEST_S = 120
ASKED = """
import { readFileSync } from 'node:fs'
export const questions = JSON.parse(readFileSync(0, 'utf8'))
export const tell = (value) => console.log(JSON.stringify(value))
"""


def bundled(source: str, folder: Path) -> Path:
    """TypeScript of a test, which imports the pages' modules as ./lib/..., and `questions` and `tell` from 'asked'."""
    asked, target = folder / "asked.ts", folder / "program.mjs"
    asked.write_text(ASKED, "utf-8")
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    subprocess.run(
        [esbuild, "--bundle", "--platform=node", "--format=esm", "--loader=ts", "--log-level=warning",
         f"--alias:asked={asked}", f"--outfile={target}"],
        cwd=PAGES, input=source.encode(), check=True,
    )  # fmt: skip
    return target


def ask(program: Path, questions: Any) -> Any:
    """What the program tells of these."""
    told = subprocess.run(
        ["node", program], input=json.dumps(questions).encode(), capture_output=True, timeout=LONGEST_S, check=False
    )
    assert told.returncode == 0, told.stderr.decode()[-2000:]
    return json.loads(told.stdout)
