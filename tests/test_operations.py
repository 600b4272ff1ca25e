"""What operators are given is valid, and speaks of commands, settings and metrics that exist."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from oracle.serve import custodian, edge, node
from oracle.serve.cli import app
from oracle.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
OPERATE = ROOT / "scripts" / "operate"
OURS = re.compile(r"\bmedtwin_[a-z_]+")
UNITS = sorted((OPERATE / "systemd").glob("*.service"))


def exposed() -> set[str]:
    """Names of all metrics that services of ours show; one with labels is named before it counts."""
    registries: list[CollectorRegistry] = [one.Metrics().registry for one in (node, custodian, edge)]
    families = [family for registry in registries for family in registry.collect()]
    return {family.name + ("_total" if family.type == "counter" else "") for family in families}


def test_alerts_and_dashboard_ask_for_metrics_that_exist() -> None:
    """Each expression names ours only as the services spell them."""
    alerts = yaml.safe_load((OPERATE / "prometheus" / "alerts.yml").read_text("utf-8"))
    board = json.loads((OPERATE / "grafana" / "medtwin.json").read_text("utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    asked = [rule["expr"] for rule in rules] + [one["expr"] for panel in board["panels"] for one in panel["targets"]]
    named = set(OURS.findall(" ".join(asked)))

    assert named and named - exposed() == set()
    assert all({"summary", "action"} <= rule["annotations"].keys() and rule["labels"]["severity"] for rule in rules)
    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_prometheus_reads_the_rules() -> None:
    """The configuration names the file of rules, and the ports that services have by default."""
    config = yaml.safe_load((OPERATE / "prometheus" / "prometheus.yml").read_text("utf-8"))

    assert [(OPERATE / "prometheus" / name).is_file() for name in config["rule_files"]] == [True]
    assert {job["job_name"] for job in config["scrape_configs"]} == {"node", "custodian", "edge"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_run_commands_that_exist(path: Path) -> None:
    """Each starts one of our services, as a user of its own, and is started again when it dies."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(path.read_text("utf-8"))
    program, *arguments = unit["Service"]["ExecStart"].split()

    assert Path(program).name == "medtwin"
    _is_command(arguments)
    assert (unit["Service"]["Restart"], unit["Service"]["DynamicUser"]) == ("always", "yes")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="checked where systemd is; parsed above everywhere")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """Its own check finds no fault but that the program is not installed here."""
    program = tmp_path / "medtwin"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in UNITS:
        text = path.read_text("utf-8").replace("/opt/medtwin/.venv/bin/medtwin", str(program))
        (tmp_path / path.name.replace("@.", "@one.")).write_text(text)
    found = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.glob("*.service"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert [line for line in found.stderr.splitlines() if "medtwin-" in line and "Unknown" in line] == []


def test_compose_runs_what_exists() -> None:
    """Every service of ours is a command that exists with settings that exist; volumes and dependencies are declared."""
    stack = yaml.safe_load((OPERATE / "compose.yaml").read_text("utf-8"))
    services = stack["services"]
    settings = set(Settings.read({}).environment(password=""))
    ours = {name: one for name, one in services.items() if one["image"] == "medtwin"}

    assert len(ours) == 9 and {"chain", "ipfs", "broker", "edge", "portal"} <= services.keys()
    for one in ours.values():
        _is_command(one["command"])
        assert set(one["environment"]) - settings == set()
        assert one["read_only"] and one["cap_drop"] == ["ALL"]
    for one in services.values():
        assert set(one.get("depends_on", [])) <= services.keys()
        for volume in one["volumes"]:
            source = volume.partition(":")[0]
            assert source.startswith("./") or source in stack["volumes"]
        assert ":" in one["image"] or one["image"] == "medtwin"
    ports = [one["command"][one["command"].index("--port") + 1] for one in ours.values()]
    assert len(set(ports)) == len(ports)


def _is_command(arguments: list[str]) -> None:
    """The command's own parser takes it, as far as --help."""
    words = [word for word in arguments if not word.startswith("-")][:2]
    options = {word for word in arguments if word.startswith("--")}
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, arguments
    assert all(option in shown.output for option in options), arguments
