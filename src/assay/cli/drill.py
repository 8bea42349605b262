"""``assay drill``: known defects, rolled out under load on this machine."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table

from assay.cli.options import check_output
from assay.drill.defects import DEFECTS, Defect
from assay.drill.run import drill as hold
from assay.drill.table import COLUMNS, cells, faults, markdown, summary
from assay.errors import ConfigurationError

_INCIDENT: Final = "after"
"""Told in the documentation; at a terminal there is no room for it."""
_LEAST_WIDTH: Final = 150


def register(app: typer.Typer) -> None:
    app.command()(drill)


def drill(
    defect: Annotated[
        list[str] | None,
        typer.Option(help=f"Only these, in the drill's order: {', '.join(d.name for d in DEFECTS)}."),
    ] = None,
    source: Annotated[Path, typer.Option(help="Assay's source tree, of which releases are built.")] = Path(),
    folder: Annotated[
        Path | None, typer.Option(help="Keep everything (logs, journals, releases) here; it must not exist.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write the table as Markdown into this file.")] = None,
) -> None:
    """Roll out releases with seeded defects in two data centres on this machine, while users ask.

    Each is to be caught before 5 % of users have it, without a single wrong or failed answer. Needs
    haproxy and redis-server. Exit status 1 when anything is not as it should be.
    """
    chosen = _chosen(defect or ())
    if folder is not None and folder.exists():
        raise ConfigurationError(f"{folder} exists: name a new folder")
    check_output(output)
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="assay-drill-") as temporary:
        place = (folder or Path(temporary)).absolute()
        rows = asyncio.run(
            hold(place, source.absolute(), chosen, lambda text: console.print(text, style="dim"))
        )
    table = Table(*(Column(name, overflow="fold") for name in COLUMNS if name != _INCIDENT))
    for row in rows:
        table.add_row(
            *(cell for column, cell in zip(COLUMNS, cells(row), strict=True) if column != _INCIDENT)
        )
    wide = Console()
    wide.width = max(wide.width, _LEAST_WIDTH)  # in a log, too, where rich takes 80 columns for granted
    wide.print(table)
    typer.echo(summary(rows))
    if output is not None:
        output.write_text(markdown(rows) + "\n", "utf-8")
    if told := list(faults(rows)):
        for fault in told:
            typer.echo(fault, err=True)
        sys.exit(1)


def _chosen(names: list[str] | tuple[str, ...]) -> list[Defect]:
    known = {defect.name for defect in DEFECTS}
    if strangers := sorted(set(names) - known):
        raise ConfigurationError(
            f"there is no defect {', '.join(strangers)}; there are: {', '.join(sorted(known))}"
        )
    return [defect for defect in DEFECTS if not names or defect.name in names]
