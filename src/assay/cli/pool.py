"""``assay pool``, ``assay depool``: what takes users, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.rollout import Reason
from assay.compose.pooling import Move, move
from assay.rollout.control import orders

Place = Annotated[str, typer.Argument(metavar="DATA_CENTRE[/SLOT]", help="All of it, or one slot.")]


def register(app: typer.Typer) -> None:
    app.command()(pool)
    app.command()(depool)


def _moving(which: Move, told: str) -> Callable[..., None]:
    """`told`: what the command does, for its help."""

    @grouped
    def command(place: Place, reason: Reason = "", *, configuration: options.Configuration) -> None:
        settings = options.load_settings(configuration)
        move(settings, place, which, by=orders.operator(), reason=reason)
        typer.echo(f"{place} is {which}ed.")

    command.__doc__ = told
    command.__name__ = which
    return command


pool = _moving("pool", "Put a data centre, or a slot of one, back.")
depool = _moving(
    "depool", "Take a data centre, or a slot of one, out of users' traffic, without a failed request."
)
