"""What operators are given is valid, and speaks of commands, settings and metrics that exist."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import re
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

import promql_parser
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


def _promtool() -> str:
    found = shutil.which("promtool")
    assert found, "Prometheus is not installed (Debian: apt install prometheus; macOS: brew install prometheus)"
    return found


def test_alerts_are_promql() -> None:
    """A parser of the language takes each expression, and no mangled one."""
    alerts = yaml.safe_load((OPERATE / "prometheus" / "alerts.yml").read_text("utf-8"))
    asked = [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]

    assert all(promql_parser.parse(one) for one in asked)
    with pytest.raises(ValueError):
        promql_parser.parse(asked[0].replace("==", "=/"))


def test_promtool_takes_configuration_and_rules() -> None:
    """Its own check, of all files."""
    config = OPERATE / "prometheus" / "prometheus.yml"
    found = subprocess.run([_promtool(), "check", "config", str(config)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_too_many_liars_fire_alerts(tmp_path: Path) -> None:
    """Four minutes of two nodes that say otherwise: Prometheus fires both alerts, and neither before nor after."""
    rules = OPERATE / "prometheus" / "alerts.yml"
    groups = yaml.safe_load(rules.read_text("utf-8"))["groups"]
    told = {rule["alert"]: rule for group in groups for rule in group["rules"]}
    cases = []
    for name in ("NoQuorum", "NodesDisagree"):
        labels = {**told[name]["labels"], "instance": "a"}
        texts = {key: text.replace("{{ $labels.instance }}", "a") for key, text in told[name]["annotations"].items()}
        for minute, fires in ((1, False), (5, True), (8, False)):
            expected = [{"exp_labels": labels, "exp_annotations": texts}] if fires else []
            cases.append({"eval_time": f"{minute}m", "alertname": name, "exp_alerts": expected})
    series = {
        "medtwin_node_without_quorum_seconds": "0 30 90 150 210 270 0 0 0",
        "medtwin_node_dissenting": "0 2 2 2 2 2 0 0 0",
    }
    given = [{"series": f'{name}{{instance="a"}}', "values": values} for name, values in series.items()]
    file = tmp_path / "alerts_test.yml"
    file.write_text(yaml.safe_dump({
        "rule_files": [str(rules)], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": cases}],
    }))  # fmt: skip
    found = subprocess.run([_promtool(), "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


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


def resolved(stack: Path) -> subprocess.CompletedProcess[str]:
    """What Docker Compose itself makes of a file; it needs no Docker for that."""
    package = importlib.util.find_spec("compose")
    assert package and package.origin
    compose = (
        Path(package.origin).parent / "docker-compose"
    )  # the program itself: what is on the path always exits with 0
    return subprocess.run(
        [str(compose), "--file", str(stack), "config", "--format", "json"],
        env={**os.environ, "MEDTWIN_PASSWORD": "of the tests only"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_docker_compose_takes_the_stack(tmp_path: Path) -> None:
    """It resolves to the same services, and a key that the specification does not know is refused."""
    stack = OPERATE / "compose.yaml"
    found = resolved(stack)
    broken = tmp_path / "compose.yaml"
    broken.write_text(stack.read_text("utf-8").replace("    restart: unless", "    restarts: unless", 1))

    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["services"].keys() == yaml.safe_load(stack.read_text("utf-8"))["services"].keys()
    assert resolved(broken).returncode != 0


def test_nodes_differ_in_name_port_and_peers_alone() -> None:
    """All four run from the same lines but for what names them."""
    services: dict[str, Any] = json.loads(resolved(OPERATE / "compose.yaml").stdout)["services"]
    nodes = {name: one for name, one in services.items() if name.startswith("node-")}
    for name, one in nodes.items():
        one["command"] = [word for word in one["command"] if word != name and not word.isdigit()]
        assert one["environment"].pop("MEDTWIN_PEERS").count("http://") == len(nodes) - 1
        one["volumes"] = [volume["target"] for volume in one["volumes"]]

    assert len(nodes) == 4
    assert all(one == nodes["node-1"] for one in nodes.values())


def test_two_machines_differ_in_one_file(tmp_path: Path) -> None:
    """The same units on both: every setting comes from medtwin.env, and what differs there differs in the settings."""
    units = {path.name: path.read_text("utf-8") for path in UNITS}
    here = {"MEDTWIN_CHAIN": "https://a.example", "MEDTWIN_STORE": "ipfs://127.0.0.1:5001", "MEDTWIN_DEPTH": "12"}
    there = {**here, "MEDTWIN_CHAIN": "https://b.example", "MEDTWIN_STORE": "ipfs://127.0.0.1:5002"}
    for name, text in units.items():
        assert "EnvironmentFile=/etc/medtwin/medtwin.env" in text, name
        given = set(re.findall(r"^Environment=(\w+)=", text, re.MULTILINE))
        assert given <= {"MEDTWIN_HOME", "MEDTWIN_PASSWORD_FILE"}, name  # the same on every machine
    machines = []
    for number, environment in enumerate((here, there)):
        file = tmp_path / f"{number}.env"
        file.write_text("".join(f"{key}={value}\n" for key, value in environment.items()))
        read = dict(line.split("=", 1) for line in file.read_text("utf-8").splitlines())
        machines.append(asdict(Settings.read({**read, "MEDTWIN_HOME": "/var/lib/medtwin"})))

    assert {key for key in machines[0] if machines[0][key] != machines[1][key]} == {"chain", "store"}


def _is_command(arguments: list[str]) -> None:
    """The command's own parser takes it, as far as --help."""
    words = [word for word in arguments if not word.startswith(("-", "$"))][:2]
    options = {word for word in arguments if word.startswith("--")}
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, arguments
    assert all(option in shown.output for option in options), arguments
