"""A release with a defect: the sources of a good one, changed as the defect says."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from assay.drill.defects import STABLE, Defect
from assay.errors import ConfigurationError
from assay.models.manifest import TREES, sealed

PACKAGE: Final = "src/assay"
DRIFTING: Final = "enwiki/damaging"
"""The bundle that is swapped or retrained."""
_LENDER: Final = "enwiki/goodfaith"
"""Its trees have the same features, so that a swap loads without a complaint."""
_RETRAINED_BIAS: Final = 0.02
"""In log-odds: every score moves a little, few labels flip."""


def source_changes(defect: Defect, source: Path, stable: str) -> dict[str, bytes]:
    """New contents by path in the source tree. `stable`: id of the release that serves users.

    Raises `ConfigurationError` when the code has no such function or word any more: a defect that changes
    nothing would prove nothing.
    """
    changed = {path: _read(source, path) for path in (f"{PACKAGE}/{module}" for module in defect.appended)}
    for module, functions in defect.functions.items():
        if missing := set(functions) - _names(changed[f"{PACKAGE}/{module}"]):
            raise _outdated(defect, f"{module} has no {', '.join(sorted(missing))}")
    for module, lines in defect.appended.items():
        changed[f"{PACKAGE}/{module}"] += lines.replace(STABLE, stable)
    for old, new in defect.renamed.items():
        renamed = dict(_renamed(source, old, new, changed))
        if not renamed:
            raise _outdated(defect, f"nothing is called {old}")
        changed.update(renamed)
    return {path: text.encode() for path, text in changed.items()}


def changed_bundle(defect: Defect, bundles: Path, target: Path) -> Path | None:
    """The folder of `DRIFTING` as the defect has it, written to `target`; None: it stays as it is.

    `bundles`: a folder of bundles by wiki and model. What is written is sound: its digests fit.
    """
    if defect.bundles == "same":
        return None
    folder = target / DRIFTING
    shutil.copytree(bundles / DRIFTING, folder)
    manifest: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    if defect.bundles == "swapped":
        shutil.copyfile(bundles / _LENDER / TREES, folder / TREES)
        lender: dict[str, Any] = orjson.loads((bundles / _LENDER / "manifest.json").read_bytes())
        manifest["files"][TREES] = lender["files"][TREES]
    else:
        manifest["calibration"]["bias"] = [bias + _RETRAINED_BIAS for bias in manifest["calibration"]["bias"]]
        major, minor, patch = manifest["version"].split(".")
        manifest["version"] = f"{major}.{int(minor) + 1}.{patch}"
    (folder / "manifest.json").write_bytes(sealed(manifest).to_bytes())
    return folder


def _renamed(source: Path, old: str, new: str, changed: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every module outside the drill that holds the word, with the other in its place."""
    word = re.compile(rf"\b{re.escape(old)}\b")
    for path in sorted((source / PACKAGE).rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if name.startswith(f"{PACKAGE}/drill/"):
            continue
        text = changed[name] if name in changed else path.read_text("utf-8")
        if word.search(text):
            yield name, word.sub(new, text)


def _read(source: Path, path: str) -> str:
    try:
        return (source / path).read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{source / path} cannot be read ({error.strerror}): name Assay's source tree with --source"
        ) from error


def _names(module: str) -> set[str]:
    """What can be called by name in a module: its own functions, and what it imports."""
    names: set[str] = set()
    for node in ast.parse(module).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def _outdated(defect: Defect, reason: str) -> ConfigurationError:
    return ConfigurationError(f"the defect {defect.name!r} does not fit this code any more: {reason}")
