"""Find forge's native binary and run it: npm's wrapper always ends with 0, whatever failed."""

from __future__ import annotations

import os
import subprocess
import sys

from .install_solc import FOLDER, ROOT, VERSION
from .install_solc import main as install_solc


def forge_command(*arguments: str) -> list[str]:
    """forge with the compiler of this project, offline."""
    found = sorted((ROOT / "node_modules" / "@foundry-rs").glob("forge-*/bin/forge"))
    if not found:
        raise SystemExit("forge is not installed; run: make setup-dev")
    compiler = ["--use", str(FOLDER / f"solc-v{VERSION}"), "--offline"]
    return [str(found[0]), *arguments, *([] if arguments[:1] == ("fmt",) else compiler)]  # a formatter compiles nothing


def environment() -> dict[str, str]:
    """A home of its own, so that nothing of the user's changes a run."""
    home = FOLDER.parent / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {**os.environ, "HOME": str(home), "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"}


def main() -> int:
    """``python -m scripts.foundry test ...``: forge's own exit code."""
    install_solc()
    return subprocess.run(forge_command(*sys.argv[1:]), cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
