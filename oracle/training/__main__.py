"""Train one model and write its ONNX graph and its card."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from ..errors import MedtwinError
from . import icu2012, pulse
from .artefact import write

MODELS = {"icu2012": icu2012.train, "pulse": pulse.train}
ARTEFACTS = Path(__file__).parents[1] / "artifacts" / "models"


def main(arguments: list[str] | None = None) -> int:
    """Train, write, and print what was reached."""
    parser = argparse.ArgumentParser(prog="python -m oracle.training", description=__doc__)
    parser.add_argument("model", choices=sorted(MODELS))
    parser.add_argument("--data", type=Path, required=True, help="folder of data sets (medtwin data get)")
    parser.add_argument("--out", type=Path, default=ARTEFACTS, help="folder for the two files")
    chosen = parser.parse_args(arguments)
    try:
        with threadpool_limits(limits=1):  # sums in one order, so the bytes can be made again
            card = MODELS[chosen.model](chosen.data)
    except MedtwinError as error:
        print(f"{error.sentence}\n{error.hint}", file=sys.stderr)
        return error.exit_code
    for path in write(chosen.out, chosen.model, card):
        print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")
    print(card["headline"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
