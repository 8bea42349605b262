"""``assay config``: what the settings are, and whether they are right."""

from __future__ import annotations

import orjson
import typer

from assay.cli import options
from assay.compose import check
from assay.settings import describe, json_schema


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Show and check the configuration.", no_args_is_help=True)
    for command in (check_, show, schema):
        commands.command(command.__name__.rstrip("_"))(command)
    app.add_typer(commands, name="config")


def check_(config: options.Config = None) -> None:
    """Check files and environment variables, all faults at once, and that every wiki has models."""
    settings = options.load_settings(config)
    check(settings)
    typer.echo("The configuration is good.")


def show(config: options.Config = None) -> None:
    """Print every setting in force, as JSON."""
    _print(describe(options.load_settings(config)))


def schema() -> None:
    """Print the JSON Schema of the configuration that this version reads."""
    _print(json_schema())


def _print(document: object) -> None:
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
