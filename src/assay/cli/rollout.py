"""``assay rollout``: which release answers users. What only reads or writes the journal is here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.console import Console
from rich.table import Table

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.lazy import Later, group_of
from assay.errors import ConfigurationError, is_utf8
from assay.rollout.control import orders
from assay.rollout.journal import Entry, read_journal
from assay.rollout.reporting.report import write_report
from assay.rollout.state import Rollout, fold, weights
from assay.settings import Settings

_GIVEN: Final = (
    "The order is given: a running controller takes it at once, else the next `assay rollout run`."
)


def _utf8(text: str) -> str:
    if not is_utf8(text):
        raise typer.BadParameter("the journal is UTF-8, and this is not")
    return text


Reason = Annotated[str, typer.Option(help="For the journal.", callback=_utf8)]


_CONTROL: Final = "assay.cli.rollout_control"
_LATER: Final = (
    Later("start", _CONTROL, "Roll a release out, until all users have it or it is rolled back."),
    Later("run", _CONTROL, "Go on with the rollout of the journal, whose controller was ended."),
    Later(
        "watch",
        _CONTROL,
        "Judge whatever candidate stands beside the stable arm, for Argo Rollouts or Flagger to ask.",
    ),
    Later("abort", _CONTROL, "Roll back at once; works without a running controller, too."),
    Later(
        "back",
        _CONTROL,
        "Give all users back to the release in the other slot, which still runs: a change of weights alone.",
    ),
    Later(
        "page",
        _CONTROL,
        "Serve a page to watch rollouts on, and the verdict for Argo Rollouts and Flagger. It only reads.",
    ),
)


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        cls=group_of(_LATER),
        help="Move users to another release, step by step, and back by itself.",
        no_args_is_help=True,
    )
    for command in (status, pause, resume, promote, report):
        commands.command(command.__name__)(command)
    app.add_typer(commands, name="rollout")


def _ordering(order: orders.Kind, told: str) -> Callable[..., None]:
    """A command that lays an order before the running controller. `told`: what it does, for its help."""

    @grouped
    def command(reason: Reason = "", *, configuration: options.Configuration) -> None:
        give_order(options.load_settings(configuration), order, reason)
        typer.echo(_GIVEN)

    command.__doc__ = told
    command.__name__ = order
    return command


pause = _ordering("pause", "Stay in the present stage; what turns bad is rolled back all the same.")
resume = _ordering("resume", "Go on after a pause.")
promote = _ordering("promote", "Go on to the next stage without waiting for time or samples.")


@grouped
def status(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    *,
    configuration: options.Configuration,
) -> None:
    """Where the rollout stands, and what was found last."""
    settings = options.load_settings(configuration)
    entries = read_journal(Path(settings.rollout.state_dir))
    state = fold(entries)
    if state is None:
        raise ConfigurationError(f"no rollout was started in {Path(settings.rollout.state_dir)}")
    document = _document(state, entries)
    if json:
        typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(document)


@grouped
def report(
    rollout: Annotated[str | None, typer.Option(help="The rollout's id; default: the latest.")] = None,
    *,
    configuration: options.Configuration,
) -> None:
    """The story of a rollout from its journal, as Markdown."""
    settings = options.load_settings(configuration)
    typer.echo(write_report(read_journal(Path(settings.rollout.state_dir)), rollout), nl=False)


def give_order(settings: Settings, kind: orders.Kind, reason: str) -> str:
    """The order's name."""
    folder = Path(settings.rollout.state_dir)
    state = fold(read_journal(folder))
    if state is None or state.is_over:
        raise ConfigurationError(f"no rollout is under way in {folder}")
    if state.is_watched:
        raise ConfigurationError(
            f"{state.candidate.release} is only watched: give the order to Argo Rollouts or Flagger"
        )
    return orders.give(folder, orders.Order(kind, orders.operator(), reason, state.id))


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
        "stable": state.stable.as_data(),
        "candidate": state.candidate.as_data(),
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
