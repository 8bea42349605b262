"""``assay rollout``: what moves users, judges, or serves a page."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assay import __version__
from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.rollout import Reason, give_order
from assay.compose import rollout as parts
from assay.compose.watch import watch as watch_arms
from assay.errors import ConfigurationError, JournalHeld
from assay.rollout.control import orders
from assay.rollout.journal import Journal, read_journal
from assay.rollout.reporting.web import PageOptions, run_page
from assay.rollout.state import Rollout
from assay.settings import Settings
from assay.telemetry import configure_logging

NOT_DONE: Final = 3
"""Exit status of a rollout that was rolled back."""
_TAKEN_LIMIT_S: Final = 120.0
"""For whoever holds the journal to take an order or to end: longer than pooling and depooling take."""
_LOOK_AGAIN_S: Final = 0.1

ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id, NAME-DIGEST.")]


def register(app: typer.Typer) -> None:
    for command in (start, run, watch, abort, back, page):
        app.command(command.__name__)(command)


@grouped
def start(
    release: ReleaseId,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="An emergency: after preflight and synthetic requests, all users at once."
        ),
    ] = False,
    *,
    configuration: options.Configuration,
) -> None:
    """Roll a release out, until all users have it or it is rolled back.

    Preflight, synthetic requests, shadow, then rising shares of users, the inactive data centres first. Can
    be killed at any moment and taken up again with `assay rollout run`. Exit status 3: rolled back.
    """
    _control(
        options.load_settings(configuration),
        lambda settings, journal: parts.begin(settings, journal, release, by=orders.operator(), now=now),
    )


@grouped
def run(*, configuration: options.Configuration) -> None:
    """Go on with the rollout of the journal, whose controller was ended."""
    _control(options.load_settings(configuration))


@grouped
def watch(
    stable: Annotated[
        str | None,
        typer.Option(
            metavar="SLOT",
            help="The slot that answers users with the proved release; default: the one called stable, "
            "else the first.",
        ),
    ] = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Judge whatever candidate stands beside the stable arm, for Argo Rollouts or Flagger to ask.

    Both arms are asked the same requests, and every verdict is journalled; no weight is changed, nothing
    started or stopped. Runs until it is ended, and can be killed at any moment.
    """
    settings = options.load_settings(configuration)
    configure_logging(settings.log)
    asyncio.run(watch_arms(settings, stable=stable, by=orders.operator()))


@grouped
def back(*, configuration: options.Configuration) -> None:
    """Give all users back to the release in the other slot, which still runs: a change of weights alone."""
    _control(
        options.load_settings(configuration),
        lambda settings, journal: parts.begin_return(settings, journal, by=orders.operator()),
    )


@grouped
def abort(reason: Reason = "", *, configuration: options.Configuration) -> None:
    """Roll back at once; works without a running controller, too.

    Exit status 0: it is rolled back, or the running controller does it.
    """
    settings = options.load_settings(configuration)
    configure_logging(settings.log)
    name = give_order(settings, "abort", reason)
    state = _rolled_back(settings, name)
    if state is None:
        typer.echo("The running controller rolls back.")
        return
    if state.status == "done":
        raise ConfigurationError(
            f"{state.candidate.release} answered all users before the order came: give them back with "
            "`assay rollout back`"
        )
    typer.echo(f"{state.candidate.release} was rolled back: {state.reason}")


def _rolled_back(settings: Settings, order: str) -> Rollout | None:
    """By this process, once nobody else holds the journal; None: a controller has taken the order. One that
    is about to end takes none any more, and whoever pools or depools never does."""
    until_s = time.monotonic() + _TAKEN_LIMIT_S
    while True:
        try:
            with Journal(parts.state_dir(settings)) as journal:
                return asyncio.run(parts.control(settings, journal))
        except JournalHeld as held:
            entries = read_journal(parts.state_dir(settings))
            taken = next((entry for entry in reversed(entries) if entry.data.get("order") == order), None)
            if taken is not None and taken.kind == "aborted":
                return None
            if time.monotonic() > until_s:
                raise JournalHeld(f"the order has been given, and nobody takes it: {held}") from None
        time.sleep(_LOOK_AGAIN_S)


@grouped
def page(
    host: Annotated[
        str, typer.Option(help="Address to listen on; off loopback a token is required.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8090,
    state_dir: Annotated[
        Path | None, typer.Option(help="Folder of the journal; default: the setting rollout.state_dir.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that every request must show.")
    ] = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Serve a page to watch rollouts on, and the verdict for Argo Rollouts and Flagger. It only reads."""
    settings = options.load_settings(configuration)
    configure_logging(settings.log)
    folder = state_dir or parts.state_dir(settings)
    run_page(
        PageOptions(str(folder), host, port, str(token_file or ""), version=__version__),
        announce=lambda address: typer.echo(f"The page of rollouts in {folder} is on {address}", err=True),
    )


_Begin = Callable[[Settings, Journal], Coroutine[Any, Any, None]]


def _control(settings: Settings, begin: _Begin | None = None) -> None:
    configure_logging(settings.log)

    async def control(journal: Journal) -> Rollout:
        if begin is not None:
            await begin(settings, journal)
        return await parts.control(settings, journal)

    with Journal(parts.state_dir(settings)) as journal:
        _finish(asyncio.run(control(journal)))


def _finish(state: Rollout) -> None:
    if state.status == "done":
        typer.echo(f"{state.candidate.release} answers all users.")
        return
    typer.echo(f"{state.candidate.release} was rolled back: {state.reason}", err=True)
    sys.exit(NOT_DONE)
