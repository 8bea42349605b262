"""``assay config``: what the settings are, whether they are right, and where environments differ."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.compose.bundles import faults
from assay.errors import ConfigurationError
from assay.settings import (
    Difference,
    Resolved,
    describe,
    differences,
    environment_of,
    given,
    given_in,
    incompatible,
    json_schema,
    resolve,
    wrong,
)

Schemas = Annotated[
    list[Path] | None,
    typer.Option(
        "--schema",
        metavar="FILE",
        help="Check against this JSON Schema of a release as well. May be repeated.",
    ),
]
Releases = Annotated[
    Path | None,
    typer.Option(
        metavar="ROOT",
        help="Check against every release of this release root, live ones and rollback targets, both ways.",
    ),
]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Show, check and compare configurations.", no_args_is_help=True)
    for command in (check_, show, diff, schema):
        commands.command(command.__name__.rstrip("_"))(command)
    app.add_typer(commands, name="config")


@grouped
def check_(
    *,
    configuration: options.Configuration,
    schemas: Schemas = None,
    releases: Releases = None,
) -> None:
    """Check files, secrets and environment variables, all faults at once: against this code, and against the
    schemas of other releases.

    Also that every wiki has models, that aliases name models, that every bundle of `bundle_directories` is
    used.
    """
    layers = given(
        configuration.config or (),
        config_folder=configuration.config_folder,
        environment_name=configuration.environment,
    )
    resolved = resolve(layers)
    for warning in resolved.reading.warnings:
        options.warn(warning)
    found = incompatible(layers, releases, schemas or ())
    own = resolved.faults if resolved.settings is None else faults(resolved.settings)
    if told := [*own, *found.faults]:
        raise wrong(told)
    good = "The configuration is good."
    if found.checked:
        good = "\n  ".join(("The configuration is good for this code, and for:", *found.checked))
    typer.echo(good)


@grouped
def show(*, configuration: options.Configuration) -> None:
    """Print every setting in force, as JSON."""
    _print(describe(options.load_settings(configuration)))


def diff(
    left: Annotated[str, typer.Argument(metavar="A", help="An environment of the folder.")],
    right: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    config_folder: Annotated[
        Path, typer.Option(metavar="DIR", envvar="ASSAY_CONFIG_FOLDER", help="Folder with both environments.")
    ],
) -> None:
    """Print which settings differ between two environments, and from which file each value came.

    Secrets are told as set, not set or different. Exit status: 0 no difference, 1 some, 2 trouble.
    """
    try:
        found = differences(_environment(config_folder, left), _environment(config_folder, right))
    except ConfigurationError as error:
        typer.echo(f"assay: {error}", err=True)
        raise typer.Exit(2) from None
    width = max(len(left), len(right))
    for difference in found:
        typer.echo(_told(difference, left, right, width))
    raise typer.Exit(1 if found else 0)


def schema() -> None:
    """Print the JSON Schema of the configuration that this version reads."""
    _print(json_schema())


def _environment(folder: Path, name: str) -> Resolved:
    """Raises `ConfigurationError` naming the environment when it is wrong."""
    resolved = resolve(given_in(environment_of(folder, name)))
    if resolved.settings is None:
        raise ConfigurationError(f"the environment {name} cannot be compared: {wrong(resolved.faults)}")
    return resolved


def _told(difference: Difference, left: str, right: str, width: int) -> str:
    lines = [difference.name]
    for name, side in ((left, difference.left), (right, difference.right)):
        where = f"  ({side.where})" if side.where else ""
        lines.append(f"  {name:{width}}  {side.value}{where}")
    return "\n".join(lines)


def _print(document: object) -> None:
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
