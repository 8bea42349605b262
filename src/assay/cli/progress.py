"""One look for all long work: what, how far, how fast, how much longer. Drawn on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from assay.revisions.index import IndexProgress, ReportProgress


class _Rate(ProgressColumn):
    """Steps a second since the start."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )


@contextmanager
def counting(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """A bar for `total` steps (None: unknown); gives a function that is told how many more are done."""
    with _bar() as bar:
        task = bar.add_task(what, total=total)
        yield lambda more: bar.update(task, advance=more)


@contextmanager
def indexing(name: str) -> Iterator[ReportProgress]:
    """A bar for the first reading of a dump or history, in bytes of the packed file."""
    with _bar() as bar:
        task = bar.add_task(f"indexing {name}", total=None, visible=False)

        def report(progress: IndexProgress) -> None:
            what = "indexing" if progress.phase == "reading" else "linking"
            bar.update(
                task,
                description=f"{what} {name} ({progress.revisions:,} revisions)",
                completed=progress.done_bytes,
                total=progress.total_bytes,
                visible=True,
            )

        yield report
