"""``medtwin oracle``: who the oracle's nodes are, and changing them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ... import deploy
from ...errors import InputError
from ...reports import rotation
from ...settings import Settings, open_suite
from .console import tell
from .options import As, address_of, signer, suite

DAY_S = 86_400
app = typer.Typer(help="See who the oracle's nodes are; put others in their place.", no_args_is_help=True)
PlanFile = Annotated[Path, typer.Argument(help="The plan, as JSON.", exists=True, dir_okay=False)]


@app.command()
def show() -> None:
    """The nodes that count now, how many must agree, and whether the deployment file names the same."""
    chain = suite()
    signers, quorum, number = chain.read_many(
        [("PredictionOracle", name) for name in ("signers", "quorum", "configNumber")]
    )
    same = tuple(signers) == chain.deployment.signers
    tell(
        f"configuration {number}: {quorum} of {len(signers)} nodes must agree: {', '.join(signers)}"
        + ("" if same else "; the deployment file names others"),
        {"number": number, "quorum": quorum, "signers": list(signers), "deployment_agrees": same},
    )


@app.command()
def propose(
    node: Annotated[list[str], typer.Option("--node", help="A node, by address or key name; once for each.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    faulty: Annotated[int, typer.Option(help="How many of them may lie.", min=0)] = 1,
    days: Annotated[int, typer.Option(help="How long there is to agree.", min=1)] = 7,
) -> None:
    """Write a plan for other nodes; the present ones agree to it, one after the other."""
    plan = rotation.propose(suite(), [address_of(one) for one in node], faulty, days * DAY_S)
    _write(out, plan)
    tell(
        f"the plan for {len(plan.signers)} nodes is in {out}",
        {"file": str(out), "signers": list(plan.signers), "faulty": faulty, "number": plan.number},
        next_step=f"medtwin oracle agree {out} --as NODE, by each of the present nodes",
    )


@app.command()
def agree(file: PlanFile, node: As = "") -> None:
    """Add a present node's signature to a plan."""
    plan = rotation.agree(suite(), _read(file), signer(node))
    _write(file, plan)
    tell(
        f"{len(plan.signatures)} nodes agreed to the plan in {file}",
        {"file": str(file), "agreed": sorted(plan.signatures)},
        next_step=f"medtwin oracle rotate {file} --as SENDER",
    )


@app.command()
def rotate(
    files: Annotated[list[Path], typer.Argument(help="The plan, or copies of it with signatures each.", exists=True)],
    sender: As = "",
) -> None:
    """Send a plan that enough nodes agreed to, and write the new nodes into the deployment file; again after any interruption.

    Every node, portal and hospital needs the new file. Reports under the old configuration stay as they are.
    """
    settings = Settings.read()
    chain, plan = open_suite(settings), rotation.merged([_read(one) for one in files])
    mined = rotation.rotate(chain, signer(sender), plan)
    deploy.save(deploy.with_signers(chain.deployment, plan.signers, plan.faulty), settings.deployment)
    tell(
        f"configuration {plan.number} is in force"
        + (f" since block {mined.block}" if mined else " already")
        + f"; {settings.deployment} names its {len(plan.signers)} nodes",
        {"number": plan.number, "signers": list(plan.signers), "faulty": plan.faulty, "file": str(settings.deployment),
         "block": mined.block if mined else None, "gas": mined.gas if mined else None},
        next_step="give the file to all nodes and start them again",
    )  # fmt: skip


def _read(file: Path) -> rotation.Plan:
    try:
        return rotation.from_json(file.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", hint="name a file") from error


def _write(file: Path, plan: rotation.Plan) -> None:
    partial = file.with_suffix(file.suffix + ".partial")
    partial.write_text(rotation.to_json(plan), "utf-8")
    partial.replace(file)
