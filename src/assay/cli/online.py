"""A live wiki's history as other commands read a file: options, progress, and what to say."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from assay.cli.progress import Steps
from assay.clock import SystemClock
from assay.errors import ConfigurationError
from assay.models.training.wiki_history import MAX_EDITS as MAX_EDITS
from assay.models.training.wiki_history import WikiHistory, fetch_history
from assay.revisions.record import iso
from assay.revisions.wiki.download import Window

Since = Annotated[
    str | None,
    typer.Option(metavar="DATE", help="Of a live wiki: no edits before this day, such as 2024-01-31."),
]
MaxRevisions = Annotated[
    int, typer.Option(min=1, help="Of a live wiki: the latest so many revisions of articles.")
]
MaxEdits = Annotated[
    int, typer.Option(min=1, help="Of a live wiki: fetch the texts of so many edits, drawn by lot.")
]
Contact = Annotated[
    str,
    typer.Option(help="Your address for the wiki's operators, in the User-Agent; Wikimedia asks for one."),
]
MAX_REVISIONS = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What is fetched of a live wiki; as a group of options, all of it."""

    since: Since = None
    max_revisions: MaxRevisions = MAX_REVISIONS
    max_edits: MaxEdits = MAX_EDITS
    contact: Contact = ""


_UNLIMITED: Final = Limits()


def refuse_for_files(limits: Limits) -> None:
    """Who limits a file would get all of it and not hear of it. Raises `ConfigurationError`."""
    limiting = ("since", "max_revisions", "max_edits")
    given = [name for name in limiting if getattr(limits, name) != getattr(_UNLIMITED, name)]
    if given:
        told = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigurationError(
            f"{told} can be given for a live wiki only, and a file is read whole: leave it out"
        )


def history_of(
    url: str, name: str | None, work: Path, limits: Limits, step: Steps, *, least_reverted: int = 0
) -> WikiHistory:
    """The wiki's history in a file in `work`, downloaded as far as it is not there. Blocks."""
    window = Window(url, _since(limits.since), limits.max_revisions)
    return asyncio.run(
        fetch_history(
            name,
            window,
            work,
            SystemClock(),
            datetime.now(UTC),
            step,
            contact=limits.contact,
            max_edits=limits.max_edits,
            least_reverted=least_reverted,
        )
    )


def _since(given: str | None) -> str | None:
    moment = day(given)
    return None if moment is None else iso(moment)


def day(given: str | None) -> datetime | None:
    """What ``--since`` names; None when it is not given. Raises `ConfigurationError`."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ConfigurationError(f"--since {given!r}: write a day as 2024-01-31") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
