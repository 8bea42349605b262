"""House rule: whoever changes a module finds its test in the same place under tests/."""

from __future__ import annotations

import ast
from pathlib import Path

from shared_data import ROOT

SOURCE, TESTS = ROOT / "src" / "assay", ROOT / "tests"


def does_something(module: Path) -> bool:
    """Whether a function of it has a body; types, settings and interfaces are declared only."""
    functions = (
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(not isinstance(line, ast.Expr | ast.Pass) for node in functions for line in node.body)


def mirror(module: Path) -> Path:
    place = module.relative_to(SOURCE)
    return TESTS / place.parent / f"test_{place.name}"


def test_every_module_that_does_something_has_a_test_of_its_own() -> None:
    modules = [path for path in SOURCE.rglob("*.py") if not path.name.startswith("__")]
    assert len(modules) > 300
    missing = [str(path.relative_to(SOURCE)) for path in modules if does_something(path)]
    missing = [name for name in missing if not mirror(SOURCE / name).exists()]
    assert missing == []
