"""A Chromium for tests: the one that npm brought, or one that is installed. Prints its path.

On Linux the npm package ``@sparticuz/chromium`` carries one, with the libraries that small machines lack.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKED = ROOT / "node_modules" / "@sparticuz" / "chromium" / "bin"
FOLDER = ROOT / ".tools" / "browser"
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
UNPACK = (
    "const [from, to] = process.argv.slice(1);"
    "require('fs').writeFileSync(to, require('zlib').brotliDecompressSync(require('fs').readFileSync(from)))"
)


def browser() -> tuple[Path, dict[str, str]]:
    """Its path, and what it needs in the environment.

    Raises
    ------
    FileNotFoundError
        There is none, and npm brought none for this machine.
    """
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        _unpacked("swiftshader", FOLDER)  # it looks for what draws 3-D beside itself
        return _executable(), {"LD_LIBRARY_PATH": str(_unpacked("al2023", FOLDER / "al2023") / "lib")}
    for found in (*filter(None, map(shutil.which, INSTALLED)), MAC):
        if Path(found).exists():
            return Path(found), {}
    raise FileNotFoundError("install Chromium or Google Chrome: the portal's tests open pages in it")


def _executable() -> Path:
    target = FOLDER / "chromium"
    if not target.exists():
        partial = FOLDER / "chromium.partial"
        _decompress(PACKED / "chromium.br", partial)
        partial.chmod(0o755)
        partial.rename(target)
    return target


def _unpacked(name: str, target: Path) -> Path:
    done = FOLDER / f"{name}.done"
    if not done.exists():
        archive = FOLDER / f"{name}.tar"
        _decompress(PACKED / f"{name}.tar.br", archive)
        with tarfile.open(archive) as opened:
            opened.extractall(target, filter="data")
        archive.unlink()
        done.touch()
    return target


def _decompress(source: Path, target: Path) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(["node", "-e", UNPACK, str(source), str(target)], check=True)


if __name__ == "__main__":
    print(browser()[0])
