"""Who may import whom, where the environment is read, and what every file must have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import oracle

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "oracle"
MOST_LINES = 400

USE_CASES = ("rights", "batches", "custody", "reports")
LAYERS = {
    "records": "base",
    "errors": "base",
    "formats": "forms",
    "ports": "forms",
    "stages": "steps",
    "twins": "steps",
}
LAYERS |= dict.fromkeys(USE_CASES, "use cases") | dict.fromkeys(("", "settings", "wiring", "client"), "edge")
ORDER = ("base", "forms", "steps", "use cases", "training", "edge", "serve")
ADAPTERS_MAY_NAME = {"base", "forms", "adapters"}
MAY_NAME_ADAPTERS = {"adapters", "edge", "serve"}
BUILD_ADAPTERS = ("settings", "wiring", "serve.demo", "serve.devnet", "adapters")
HANDS_THE_ENVIRONMENT_ON = {"adapters.ipfs_node"}  # to the node it starts; it reads nothing of it
IMPURE = {"time", "random", "os", "secrets", "uuid", "socket", "requests", "httpx"}


def name_of(path: Path) -> str:
    """Module name below ``oracle``; empty for the package itself."""
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def layer(name: str) -> str:
    """Where a module stands; a new module of the package itself is a use case until it is named above."""
    top = name.partition(".")[0]
    return top if top in {"adapters", "serve", "training", "artifacts"} else LAYERS.get(top, "use cases")


def imports(name: str) -> Iterator[str]:
    """Full names of what a module imports, wherever in it; of this package without ``oracle.``, with a dot in front."""
    inside = MODULES[name].name == "__init__.py"
    package = name.split(".") if name else []
    package = package if inside else package[:-1]
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            stem = ".".join(part for part in base if part)
            for alias in node.names:
                full = f"{stem}.{alias.name}".strip(".")
                yield "." + (full if full in MODULES else stem)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def own(name: str) -> set[str]:
    """Modules of this package that a module imports."""
    return {found[1:] for found in imports(name) if found.startswith(".")}


@pytest.mark.parametrize("name", [name for name in MODULES if layer(name) in ORDER])
def test_a_module_imports_nothing_above_it(name: str) -> None:
    """records, errors < formats, ports < stages, twins < use cases < settings, client < serve."""
    mine = ORDER.index(layer(name))
    for found in own(name):
        if layer(found) in ORDER:
            assert ORDER.index(layer(found)) <= mine, f"{name} imports {found}"
        elif layer(found) == "adapters":
            assert layer(name) in MAY_NAME_ADAPTERS, f"{name} imports {found}"
        else:
            assert layer(found) == layer(name) or layer(found) == "artifacts", f"{name} imports {found}"


@pytest.mark.parametrize("name", [name for name in MODULES if layer(name) == "adapters"])
def test_an_adapter_knows_the_ports_and_no_use_case(name: str) -> None:
    """Adapters implement ports; what they carry they know, what it is for they do not."""
    assert {layer(found) for found in own(name)} <= ADAPTERS_MAY_NAME


def test_no_module_imports_by_its_full_name() -> None:
    """Inside the package imports are relative, so that the rule above sees them."""
    assert [name for name in MODULES for found in imports(name) if found.split(".")[0] == "oracle"] == []


def test_adapters_are_built_at_the_edge_only() -> None:
    """Settings, the demonstration and the development network build adapters; everybody else is handed ports."""
    built = []
    for name, tree in TREES.items():
        if name.startswith(BUILD_ADAPTERS):
            continue
        classes = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and "adapters" in (node.module or "").split(".")
            for alias in node.names
            if alias.name[0].isupper() and not alias.name.isupper()
        }
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        built += [f"{name}: {call.id}" for call in calls if isinstance(call, ast.Name) and call.id in classes]
    assert built == []


def test_the_environment_is_read_in_settings_only() -> None:
    """``os.environ`` and ``os.getenv`` nowhere else."""
    readers = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and "environ" in {a.name for a in node.names})
    }
    assert readers - HANDS_THE_ENVIRONMENT_ON == {"settings"}


@pytest.mark.parametrize("name", [name for name in MODULES if layer(name) in {"steps", "base"}])
def test_steps_have_no_clock_no_chance_and_no_network(name: str) -> None:
    """Value in, value out: the same on every node, today and in ten years."""
    assert {found.partition(".")[0] for found in imports(name)} & IMPURE == set()
    named = {node.attr for node in ast.walk(TREES[name]) if isinstance(node, ast.Attribute)}
    assert named & {"random", "now", "utcnow", "today"} == set()


def test_no_stage_imports_another() -> None:
    """Use cases join the steps."""
    stages = [name for name in MODULES if name.startswith("stages.")]
    assert [(name, found) for name in stages for found in own(name) if found.startswith("stages")] == []


def test_the_receipt_log_imports_nothing_of_this_package() -> None:
    """An auditor can take the one file away and run it alone, with the standard library."""
    assert set(imports("formats.receipt_log")) == {"__future__", "hashlib", "collections.abc"}


def test_brownie_is_in_scripts_and_contract_tests_only() -> None:
    """The package runs without it."""
    users = set()
    for folder in ("oracle", "tests", "scripts"):
        for path in (PROJECT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
                if any(one.partition(".")[0] == "brownie" for one in names):
                    users.add(path.relative_to(PROJECT).parts[:2])
    assert {user for user in users if user[0] != "scripts" and user != ("tests", "contracts")} == set()


def test_public_names_are_sorted_and_there() -> None:
    """``oracle.__all__`` is what can be had, in order; anything else is an AttributeError."""
    assert oracle.__all__ == sorted(oracle.__all__)
    assert all(getattr(oracle, name) for name in oracle.__all__)
    with pytest.raises(AttributeError):
        _ = oracle.nothing_of_the_kind


def test_files_are_short() -> None:
    """One idea a file: at most 400 lines."""
    lengths = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


@pytest.mark.parametrize("name", MODULES)
def test_modules_functions_and_classes_say_what_they_are(name: str) -> None:
    """Module, public functions and public classes have a docstring; annotations are lazy."""
    tree = TREES[name]
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    public = [node for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]
    silent = [node.name for node in public if not ast.get_docstring(node)]

    assert silent == []
    if tree.body:
        assert ast.get_docstring(tree)
    if any(isinstance(node, kinds) for node in tree.body):
        assert "__future__" in set(imports(name))
