"""Every contract test module opens with its tree of branches.

given a test module
  it has as many leaves as tests
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

MODULES = sorted(Path(__file__).parent.glob("test_*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_module_has_a_leaf_for_each_test(path: Path) -> None:
    """A leaf without a test, or a test without a leaf, is a promise not kept."""
    module = ast.parse(path.read_text("utf-8"))
    tree = ast.get_docstring(module) or ""
    leaves = [line for line in tree.splitlines() if line.lstrip().startswith("it ")]
    tests = [node.name for node in module.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]

    assert len(leaves) == len(tests), (leaves, tests)
