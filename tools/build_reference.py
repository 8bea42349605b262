"""Writes docs/reference/ from the code itself, so that it cannot lag behind.

``python tools/build_reference.py`` writes; with ``--check`` it says what is out of date and ends with
status 1.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click
import typer

from assay import settings
from assay.cli import app
from assay.cli.lazy import Later
from assay.features.catalogue import catalogue
from assay.features.graph.node import Feature, Node
from assay.features.lexicon import shipped, shipped_names
from assay.telemetry import METRICS

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
NOTE = "<!-- Written by tools/build_reference.py from the code; change the docstrings there. -->\n\n"


def documents() -> dict[str, str]:
    """Every reference page by file name."""
    return {
        "settings.md": settings_page(),
        "metrics.md": metrics_page(),
        "commands.md": commands_page(),
        "features.md": features_page(),
    }


def settings_page() -> str:
    lines = [
        "# Settings",
        "",
        "Layers, each over the one before: defaults, a release's own files (`ASSAY_CONFIG`), an",
        "environment's folder (`--environment`, `--config-folder`), further files in the order given",
        "(`--config`), environment variables, flags. `[pool] processes = 4` in a TOML file is",
        "`ASSAY_POOL__PROCESSES=4` in the environment; a variable that ends in `_FILE` names a file that",
        "holds the value. An unknown key is an error that names the nearest known one, and so is a setting",
        "given twice. `assay config check` tells all faults at once, `assay config show` what is in force.",
        "More in [how to configure](../how-to/configure.md).",
        "",
        f"This is schema version {settings.SCHEMA_VERSION}. {_renames()}",
    ]
    for name, section, title in _sections(settings.Settings, ""):
        lines += ["", f"## {title}", "", f"{_first_paragraph(section)}", ""]
        docs = _field_docs(section)
        for item in fields(section):
            key = f"{name}{item.name}"
            if key in {n.rstrip(".") for n, _, _ in _sections(settings.Settings, "")}:
                continue
            lines.append(f"- **`{key}`**{_default(item)}: {docs.get(item.name, '')}")
    return "\n".join(lines) + "\n"


def _renames() -> str:
    """What became of old names that may still be met."""
    told = [f"`{r.old}` is `{r.new}` since version {r.since}" for r in settings.RENAMES]
    return f"Renamed: {'; '.join(told)}." if told else "No setting was renamed yet."


def _sections(section: type, prefix: str) -> Iterator[tuple[str, type, str]]:
    yield prefix, section, f"`{prefix.rstrip('.')}`" if prefix else "Top level"
    for name, kind in settings.hints(section).items():
        inner = settings.section_of(kind)
        if inner is not None:
            yield from _sections(inner, f"{prefix}{name}." + ("<name>." if settings.is_mapping(kind) else ""))


def _default(item: Field[Any]) -> str:
    if item.default is not MISSING:
        value = item.default
    elif item.default_factory is not MISSING:
        value = item.default_factory()
    else:
        return " (required)"
    if item.name == "processes":
        return " (one for each core)"
    if value == "":
        return " (empty)"
    return f" (`{'none' if value is None else value}`)"


def _field_docs(section: type) -> dict[str, str]:
    """The string under each field of a dataclass."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(section))).body[0]
    assert isinstance(tree, ast.ClassDef)
    docs = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        is_string = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and is_string:
            docs[before.target.id] = " ".join(str(after.value.value).split())  # type: ignore[attr-defined]
    return docs


def _first_paragraph(thing: object) -> str:
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def metrics_page() -> str:
    lines = [
        "# Metrics",
        "",
        "`GET /metrics` answers in Prometheus's text format. Beside these there are the usual `process_*`",
        "ones of the web process.",
        "",
        "| metric | kind | labels | what |",
        "| --- | --- | --- | --- |",
    ]
    for m in METRICS:
        labels = ", ".join(f"`{label}`" for label in m.labels) or "–"
        lines.append(f"| `{m.name}` | {m.kind} | {labels} | {' '.join(m.doc.split())} |")
    return "\n".join(lines) + "\n"


def commands_page() -> str:
    root = typer.main.get_command(app)
    lines = [
        "# Commands",
        "",
        "Each tells its options with `--help`. Exit status: 0 done, 1 an error told in a sentence, ",
    ]
    lines[-1] += "2 wrong usage, 130 interrupted."
    lines += ["", "## `assay`", "", *_parameters(root)]
    for path, command in _commands(root, ()):
        lines += ["", f"## `{' '.join(('assay', *path))}`", "", inspect.cleandoc(command.help or ""), ""]
        lines += _parameters(command)
    return "\n".join(lines) + "\n"


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(command, Later):
        command = command.command()
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _commands(inner, (*path, name))
    else:
        yield path, command


def _parameters(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if not (isinstance(parameter, click.Option) and "--help" in parameter.opts):
            yield f"- {_parameter(parameter)}"


def _parameter(parameter: Any) -> str:
    name = (
        "`, `".join(parameter.opts)
        if parameter.param_type_name == "option"
        else parameter.metavar or parameter.name.upper()
    )
    return f"`{name}`: {getattr(parameter, 'help', '') or ''}".rstrip()


def features_page() -> str:
    nodes = catalogue(shipped(*sorted(shipped_names())))
    lines = [
        "# Features and datasources",
        "",
        "Everything that can be injected or that a model may learn from, with all shipped lexicons. *Type*",
        "is empty for datasources.",
        "",
        "| name | type | version | what |",
        "| --- | --- | --- | --- |",
    ]
    lines += [_feature(node) for _, node in sorted(nodes.items())]
    return "\n".join(lines) + "\n"


def _feature(node: Node) -> str:
    kind = node.type if isinstance(node, Feature) else ""
    doc = " ".join(node.doc.split()).replace("|", "\\|")
    return f"| `{node.name}` | {kind} | {node.version} | {doc} |"


def main() -> int:
    stale = []
    for name, text in documents().items():
        path, whole = FOLDER / name, NOTE + text
        if not path.exists() or path.read_text("utf-8") != whole:
            stale.append(name)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(whole, "utf-8")
    print(
        "up to date"
        if not stale
        else f"{'stale' if '--check' in sys.argv else 'written'}: {', '.join(stale)}"
    )
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
