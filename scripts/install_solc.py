"""Put a compiler where py-solc-x and brownie look: the native one, or offline the npm one.

Run by ``make setup``. The folder is ``.tools/solc``, named by ``SOLCX_BINARY_PATH``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

VERSION = "0.8.30"
ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".tools" / "solc"


def main() -> None:
    """Install once; say which compiler it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    os.environ["SOLCX_BINARY_PATH"] = str(FOLDER)  # read when solcx is imported
    import solcx

    if VERSION in {str(found) for found in solcx.get_installed_solc_versions()}:
        return
    try:
        solcx.install_solc(VERSION)
        print(f"solc {VERSION}: native, by py-solc-x")
    except Exception as error:  # py-solc-x raises whatever its download raised
        print(f"solc {VERSION}: no native one ({type(error).__name__}), using the npm one")
        _install_npm()


def _install_npm() -> None:
    package = ROOT / "node_modules" / "solc"
    if not package.is_dir():
        sys.exit("the npm package solc is missing: run npm ci (needs Node 20)")
    asked = ["node", "-p", "require(process.argv[1]).version()", str(package)]
    version = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    text = (ROOT / "scripts" / "solc.cjs").read_text("utf-8").replace("@@SOLC@@", str(package))
    stand_in = FOLDER / f"solc-v{VERSION}"
    stand_in.write_text(text.replace("@@VERSION@@", version.replace(".Emscripten.clang", ".Linux.g++")), "utf-8")
    stand_in.chmod(0o755)


if __name__ == "__main__":
    main()
