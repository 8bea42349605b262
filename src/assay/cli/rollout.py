"""``assay rollout``, ``assay pool``, ``assay depool``: which release answers users."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from assay import __version__
from assay.cli import options
from assay.clock import SystemClock
from assay.compose import rollout as parts
from assay.compose.watch import watch as watch_arms
from assay.errors import AssayError, ConfigurationError, JournalHeld
from assay.rollout import orders
from assay.rollout.controller import weights
from assay.rollout.haproxy import Balancer
from assay.rollout.journal import Entry, Journal, read_journal
from assay.rollout.pooling import Pooling
from assay.rollout.report import write_report
from assay.rollout.state import Rollout, fold
from assay.rollout.web import PageOptions, run_page
from assay.settings import Settings
from assay.telemetry import configure_logging

NOT_DONE: Final = 3
"""Exit status of a rollout that was rolled back."""

_GIVEN: Final = (
    "The order is given: a running controller takes it at once, else the next `assay rollout run`."
)

ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id, NAME-DIGEST.")]
Reason = Annotated[str, typer.Option(help="For the journal.")]
Place = Annotated[str, typer.Argument(metavar="DATA_CENTRE[/SLOT]", help="All of it, or one slot.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        help="Move users to another release, step by step, and back by itself.", no_args_is_help=True
    )
    for command in (start, run, watch, status, pause, resume, promote, abort, back, report, page):
        commands.command(command.__name__)(command)
    app.add_typer(commands, name="rollout")
    app.command()(pool)
    app.command()(depool)


def start(
    release: ReleaseId,
    now: Annotated[
        bool,
        typer.Option(
            "--now", help="An emergency: after preflight and synthetic requests, all users at once."
        ),
    ] = False,
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Roll a release out, until all users have it or it is rolled back.

    Preflight, synthetic requests, shadow, then rising shares of users, the inactive data centres first. Can
    be killed at any moment and taken up again with `assay rollout run`. Exit status 3: rolled back.
    """
    _control(
        _settings(config, environment, config_folder),
        lambda settings, journal: parts.begin(settings, journal, release, by=orders.operator(), now=now),
    )


def run(
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Go on with the rollout of the journal, whose controller was ended."""
    _control(_settings(config, environment, config_folder))


def watch(
    stable: Annotated[
        str | None,
        typer.Option(
            metavar="SLOT",
            help="The slot that answers users with the proved release; default: the one called stable, "
            "else the first.",
        ),
    ] = None,
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Judge whatever candidate stands beside the stable arm, for Argo Rollouts or Flagger to ask.

    Both arms are asked the same requests, and every verdict is journalled; no weight is changed, nothing
    started or stopped. Runs until it is ended, and can be killed at any moment.
    """
    settings = _settings(config, environment, config_folder)
    configure_logging(settings.log)
    asyncio.run(watch_arms(settings, stable=stable, by=orders.operator()))


def back(
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Give all users back to the release in the other slot, which still runs: a change of weights alone."""
    _control(
        _settings(config, environment, config_folder),
        lambda settings, journal: parts.begin_return(settings, journal, by=orders.operator()),
    )


def _ordering(order: orders.Kind, told: str) -> Callable[..., None]:
    """A command that lays an order before the running controller. `told`: what it does, for its help."""

    def command(
        reason: Reason = "",
        config: options.Config = None,
        environment: options.Environment = None,
        config_folder: options.ConfigFolder = None,
    ) -> None:
        _order(_settings(config, environment, config_folder), order, reason)
        typer.echo(_GIVEN)

    command.__doc__ = told
    command.__name__ = order
    return command


pause = _ordering("pause", "Stay in the present stage; what turns bad is rolled back all the same.")
resume = _ordering("resume", "Go on after a pause.")
promote = _ordering("promote", "Go on to the next stage without waiting for time or samples.")


def abort(
    reason: Reason = "",
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Roll back at once; works without a running controller, too.

    Exit status 0: it is rolled back, or the running controller has the order.
    """
    settings = _settings(config, environment, config_folder)
    configure_logging(settings.log)
    _order(settings, "abort", reason)
    try:
        with Journal(parts.state_dir(settings)) as journal:
            state = asyncio.run(parts.control(settings, journal))
    except JournalHeld:
        typer.echo("The running controller rolls back.")
        return
    if state.status == "done":
        raise ConfigurationError(
            f"{state.candidate.release} answered all users before the order came: give them back with "
            "`assay rollout back`"
        )
    typer.echo(f"{state.candidate.release} was rolled back: {state.reason}")


def status(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Where the rollout stands, and what was found last."""
    settings = _settings(config, environment, config_folder)
    entries = read_journal(parts.state_dir(settings))
    state = fold(entries)
    if state is None:
        raise ConfigurationError(f"no rollout was started in {parts.state_dir(settings)}")
    document = _document(state, entries)
    if json:
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(document)


def report(
    rollout: Annotated[str | None, typer.Option(help="The rollout's id; default: the latest.")] = None,
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """The story of a rollout from its journal, as Markdown."""
    settings = _settings(config, environment, config_folder)
    typer.echo(write_report(read_journal(parts.state_dir(settings)), rollout), nl=False)


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
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Serve a page to watch rollouts on, and the verdict for Argo Rollouts and Flagger. It only reads."""
    settings = _settings(config, environment, config_folder)
    configure_logging(settings.log)
    folder = state_dir or parts.state_dir(settings)
    run_page(
        PageOptions(str(folder), host, port, str(token_file or ""), version=__version__),
        announce=lambda address: typer.echo(f"The page of rollouts in {folder} is on {address}", err=True),
    )


def depool(
    place: Place,
    reason: Reason = "",
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Take a data centre, or a slot of one, out of users' traffic, without a failed request."""
    _pooling(_settings(config, environment, config_folder), place, "depool", reason)


def pool(
    place: Place,
    reason: Reason = "",
    config: options.Config = None,
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Put a data centre, or a slot of one, back."""
    _pooling(_settings(config, environment, config_folder), place, "pool", reason)


# -- the controller ----------------------------------------------------------------------------------

_Begin = Callable[[Settings, Journal], Coroutine[Any, Any, None]]


def _settings(
    config: options.Config, environment: options.Environment, config_folder: options.ConfigFolder
) -> Settings:
    return options.load_settings(config, environment=environment, config_folder=config_folder)


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


def _order(settings: Settings, kind: orders.Kind, reason: str) -> None:
    folder = parts.state_dir(settings)
    state = fold(read_journal(folder))
    if state is None or state.is_over:
        raise ConfigurationError(f"no rollout is under way in {folder}")
    if state.is_watched:
        raise ConfigurationError(
            f"{state.candidate.release} is only watched: give the order to Argo Rollouts or Flagger"
        )
    orders.give(folder, orders.Order(kind, orders.operator(), reason, state.id))


# -- pooling -----------------------------------------------------------------------------------------


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


# -- status ------------------------------------------------------------------------------------------


def _document(state: Rollout, entries: tuple[Entry, ...]) -> dict[str, Any]:
    stage = state.plan.stages[state.stage]
    last: Entry | None = None
    at: datetime | None = None
    for entry in entries:  # a rollout that has just begun has no verdict: not that of the one before
        last = entry if entry.kind == "verdict" else None if entry.kind == "started" else last
        at = entry.at if entry.kind in ("verdict", "unchanged") else at
    return {
        "id": state.id,
        "status": state.status,
        "reason": state.reason,
        "stable": {"slot": state.stable.slot, "release": state.stable.release},
        "candidate": {"slot": state.candidate.slot, "release": state.candidate.release},
        "stage": {"number": stage.number, "of": len(state.plan.stages), "name": stage.name},
        "since": datetime.fromtimestamp(state.since_s, UTC).isoformat(timespec="seconds"),
        "is_emergency": state.is_emergency,
        "candidate_weights": weights(state),
        "verdict": None
        if last is None or at is None
        else {"at": at.isoformat(timespec="seconds"), **last.data},
    }


def _show(document: dict[str, Any]) -> None:
    console = Console(markup=False, highlight=False, emoji=False)  # reasons and findings are others' words
    reason = f": {document['reason']}" if document["reason"] else ""
    console.print(f"Rollout {document['id']}: {document['status']}{reason}", soft_wrap=True)
    for role in ("stable", "candidate"):
        arm = document[role]
        console.print(f"  {role}: {arm['release']} in slot {arm['slot']}", soft_wrap=True)
    stage = document["stage"]
    console.print(
        f"  stage {stage['number'] + 1} of {stage['of']}: {stage['name']}, since {document['since']}",
        soft_wrap=True,
    )
    for name, weight in document["candidate_weights"].items():
        console.print(f"  {name}: {weight} % of users to the candidate", soft_wrap=True)
    if (verdict := document["verdict"]) is not None:
        table = Table(title=f"Verdict of {verdict['at']}: {verdict['reason']}", title_justify="left")
        for column in ("check", "", "found"):
            table.add_column(column)
        for check in verdict["checks"]:
            table.add_row(check["name"], check["status"].replace("_", " "), check["sentence"])
        console.print(table)
