"""Build the portal's pages into ``oracle/artifacts/portal/``; with ``--check``, only see that they are fresh.

The sources are in ``oracle/serve/portal/web/``. What the pages know of the contracts and of what is signed is
written here from the shipped ABIs, from :data:`oracle.formats.typed_data.TYPES` and from the server's own description (OpenAPI),
so that it exists once.
"""

from __future__ import annotations

import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

from oracle.adapters.abi import artifact
from oracle.formats.typed_data import NAME, TYPES, VERSION
from oracle.records import Category, Purpose
from oracle.reports.command import UNITS, Code
from oracle.rights.emergency import Reason
from oracle.serve.portal.app import service
from oracle.serve.portal.portal import Portal
from oracle.twins import news2

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "oracle" / "serve" / "portal" / "web"
TARGET = ROOT / "oracle" / "artifacts" / "portal"
ESBUILD = ROOT / "node_modules" / ".bin" / "esbuild"
CONTRACTS = (
    "TwinToken", "ConsentRegistry", "AccessMarket", "DataAnchor", "EpochAnchor", "AuditTrail", "PredictionOracle", "DeviceRegistry",
    "ModelRegistry", "EmergencyAccess", "CaseToken", "DeviceLoop", "TestToken", "PasskeyFactory", "PasskeyAccount",
)  # fmt: skip


def generated() -> dict[str, str]:
    """The TypeScript that is written from Python, by file name."""
    abis = {name: artifact(name)["abi"] for name in CONTRACTS}
    types = {name: [{"name": field, "type": kind} for field, kind in fields] for name, fields in TYPES.items()}
    numbers = {
        name: {str(one.name).lower(): int(one) for one in kind}  # type: ignore[var-annotated]
        for name, kind in (
            ("CATEGORY", Category),
            ("PURPOSE", Purpose),
            ("EMERGENCY_REASON", Reason),
            ("COMMAND", Code),
        )
    }
    units = {code.name.lower(): unit for code, unit in UNITS.items()}
    chart = {  # rows of the NEWS2 chart from the lowest band up: (upper bound or null, points)
        "respiration rate": news2.RESPIRATION, "oxygen saturation": news2.SATURATION_1,
        "systolic pressure": news2.SYSTOLIC, "pulse": news2.PULSE, "temperature": news2.TEMPERATURE,
    }  # fmt: skip
    bands = {
        name: [[None if upper is None else float(upper), points] for upper, points in rows]
        for name, rows in chart.items()
    }
    head = "// Written by scripts/build_portal.py.\n"
    return {
        "api.ts": head + api(),
        "abi.ts": head + f"export const ABI = {json.dumps(abis, indent=1)} as const\n",
        "signed.ts": head
        + f"export const NAME = {json.dumps(NAME)}\nexport const VERSION = {json.dumps(VERSION)}\n"
        + f"export const TYPES = {json.dumps(types, indent=1)} as const\n"
        + "".join(f"export const {name} = {json.dumps(values)} as const\n" for name, values in numbers.items())
        + f"export const NEWS2: Record<string, [number | null, number][]> = {json.dumps(bands)}\n"
        + f"export const NEWS2_PARAMETERS = {json.dumps(news2.PARAMETERS)} as const\n"
        + f"export const COMMAND_UNIT = {json.dumps(units)} as const\n",
    }


TYPED = """
const { compile } = require('json-schema-to-typescript')
const schema = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const options = { bannerComment: '', additionalProperties: false, unreachableDefinitions: true, format: false }
compile(schema, 'Api', options).then((types) => process.stdout.write(types))
"""


def api() -> str:
    """Types of what the server takes and gives, from its OpenAPI document."""
    described = service(cast(Portal, SimpleNamespace(witnesses=(), site="localhost", people={}))).openapi()
    schemas = described["components"]["schemas"]
    own = {name: one for name, one in schemas.items() if name not in ("HTTPValidationError", "ValidationError")}
    for one in own.values():
        for field in one["properties"].values():
            field.pop("title", None)  # else each becomes a type of its own
    text = json.dumps({"definitions": own}).replace("#/components/schemas/", "#/definitions/")
    made = subprocess.run(
        ["node", "-e", TYPED], input=text, cwd=ROOT, stdout=subprocess.PIPE, check=True, encoding="utf-8"
    )
    return made.stdout


def build(target: Path) -> None:
    """Bundle the pages into `target`."""
    folder = SOURCE / "generated"
    folder.mkdir(exist_ok=True)
    for name, text in generated().items():
        (folder / name).write_text(text, "utf-8")
    subprocess.run(
        [
            ESBUILD, "main.ts", "--bundle", "--splitting", "--format=esm", "--target=es2022", "--minify",
            "--loader:.json=json", "--legal-comments=eof", "--entry-names=[name]", "--chunk-names=part-[hash]",
            "--log-level=warning", f"--outdir={target}", f"--metafile={target / 'meta.json'}",
        ],
        cwd=SOURCE, check=True,
    )  # fmt: skip
    outputs = json.loads((target / "meta.json").read_text("utf-8"))["outputs"]
    (target / "meta.json").unlink()
    subprocess.run([ESBUILD, "style.css", "--bundle", "--minify", "--log-level=warning", f"--outdir={target}"],
                   cwd=SOURCE, check=True)  # fmt: skip
    for static in ("icon.svg", "terms/research-1.txt"):
        shutil.copyfile(SOURCE / static, target / Path(static).name)
    links = "".join(f'    <link rel="modulepreload" href="/{name}">\n' for name in needed_first(outputs))
    shell = (SOURCE / "index.html").read_text("utf-8").replace("  </head>", f"{links}  </head>")
    (target / "index.html").write_text(shell, "utf-8")


def needed_first(outputs: dict[str, Any]) -> list[str]:
    """The files that the first page needs, so that a browser asks for all of them at once."""
    first = [name for name, made in outputs.items() if made.get("entryPoint") in ("main.ts", "pages/home.ts")]
    waiting = iter(first)
    for name in waiting:
        for imported in outputs[name]["imports"]:
            if imported["kind"] == "import-statement" and imported["path"] not in first:
                first.append(imported["path"])
    return sorted(Path(name).name for name in first)


def main() -> None:
    """Write the pages, or with ``--check`` exit 1 if one differs."""
    with TemporaryDirectory() as folder:
        made = Path(folder)
        build(made)
        names = sorted(path.name for path in made.iterdir())
        there = sorted(path.name for path in TARGET.iterdir()) if TARGET.exists() else []
        fresh = names == there and not any(filecmp.cmpfiles(made, TARGET, names, shallow=False)[1:])
        if not fresh and "--check" in sys.argv:
            sys.exit("the portal's pages are stale; run: make artifacts")
        if not fresh:
            shutil.rmtree(TARGET, ignore_errors=True)
            shutil.copytree(made, TARGET)
    print("the portal's pages are fresh" if fresh else f"wrote {len(names)} files to {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
