"""``assay pool``, ``assay depool``: what takes users, and what does not."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.rollout import Reason, settings_of
from assay.clock import SystemClock
from assay.compose import rollout as parts
from assay.errors import AssayError, ConfigurationError
from assay.rollout import orders
from assay.rollout.haproxy import Balancer
from assay.rollout.journal import Journal
from assay.rollout.pooling import Pooling
from assay.settings import Settings

Place = Annotated[str, typer.Argument(metavar="DATA_CENTRE[/SLOT]", help="All of it, or one slot.")]


def register(app: typer.Typer) -> None:
    app.command()(pool)
    app.command()(depool)


def depool(
    place: Place,
    reason: Reason = "",
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Take a data centre, or a slot of one, out of users' traffic, without a failed request."""
    _pooling(settings_of(config, environment, config_folder), place, "depool", reason)


def pool(
    place: Place,
    reason: Reason = "",
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Put a data centre, or a slot of one, back."""
    _pooling(settings_of(config, environment, config_folder), place, "pool", reason)


def _pooling(settings: Settings, place: str, what: str, reason: str) -> None:
    """Journalled before and after. Refused while a controller holds the journal: one hand on a balancer."""
    data_centre, separator, slot = place.partition("/")
    known = settings.rollout.data_centres
    if data_centre not in known or (separator and slot not in known[data_centre].slots):
        places = [name for dc, centre in known.items() for name in (dc, *(f"{dc}/{s}" for s in centre.slots))]
        told = ", ".join(places) or "none"
        raise ConfigurationError(f"there is no {place}: rollout.data_centres has {told}")
    all_balancers = parts.balancers(settings.rollout)
    remote = known[data_centre].remote_server
    pooling = Pooling(all_balancers[data_centre], SystemClock(), remote=remote)
    others = [balancer for name, balancer in all_balancers.items() if name != data_centre]
    with Journal(parts.state_dir(settings)) as journal:
        order = {"by": orders.operator(), "place": place, "reason": reason}
        journal.append("action", {"text": f"{what} {place} begins", **order})
        try:
            asyncio.run(_moved(pooling, slot, what, others))
        except AssayError as error:
            journal.append("action", {"text": f"{what} {place} failed: {error}", **order})
            raise
        journal.append("action", {"text": f"{what} {place} is done", **order})
    typer.echo(f"{place} is {what}ed.")


async def _moved(pooling: Pooling, slot: str, what: str, others: list[Balancer]) -> None:
    if slot:
        await (pooling.depool_slot(slot) if what == "depool" else pooling.pool_slot(slot))
    elif what == "depool":
        await pooling.depool_data_centre(others)
    else:
        await pooling.pool_data_centre()
