"""The scripts of ``tools/``, which are no package, as modules."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType

from shared_data import ROOT


def tool(name: str) -> ModuleType:
    """`name`: its place under ``tools/``, without the ending."""
    path = ROOT / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their own up
    spec.loader.exec_module(module)
    return module
