"""One look for all long work: what, how far, how fast, how much longer. Drawn on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from assay.revisions.index.progress import IndexProgress, ReportProgress

Steps = Callable[[int, int, str], None]
"""Told (done, total, what) again and again; a new `what` is a new stretch of work."""


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
def stepping() -> Iterator[Steps]:
    """One bar after the other, for work in several stretches."""
    with _bar() as bar:
        task, stretch = bar.add_task("", total=None), ""

        def step(done: int, total: int, what: str) -> None:
            nonlocal stretch
            name = what.partition(":")[0]
            if name != stretch:
                bar.reset(task, total=total)
                stretch = name
            bar.update(task, completed=done, total=total, description=what)

        yield step


@contextmanager
def indexing(name: str, console: Console | None = None, patience_s: float = 1.0) -> Iterator[ReportProgress]:
    """A bar for the first reading of a dump or history, in bytes of the packed file.

    It appears with the first report after `patience_s`: what is done sooner is not worth a line, and a
    complete index reports nothing.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[revisions]} revisions, {task.fields[rate]}/s"),
        TimeRemainingColumn(),
        console=console or Console(file=sys.stderr),
    )
    bar = _IndexBar(name, progress, patience_s)
    try:
        yield bar.report
    finally:
        if bar.is_shown:  # stopping one that never began writes an empty line
            progress.stop()


class _IndexBar:
    def __init__(self, name: str, progress: Progress, patience_s: float) -> None:
        self._name, self._progress, self._patience_s = name, progress, patience_s
        self._began_s = time.monotonic()
        self._task = progress.add_task(name, start=False, visible=False, revisions=0, rate=0)

    @property
    def is_shown(self) -> bool:
        return self._progress.tasks[self._task].started

    def report(self, state: IndexProgress) -> None:
        elapsed_s = time.monotonic() - self._began_s  # the first report comes when much is done already
        if not self.is_shown:
            if elapsed_s < self._patience_s:
                return
            self._progress.start()
            self._progress.start_task(self._task)
        self._progress.update(
            self._task,
            description=f"{self._name}: {'indexing' if state.phase == 'reading' else 'linking'}",
            visible=True,
            total=state.total_bytes,
            completed=state.done_bytes,
            revisions=state.revisions,
            rate=round(state.revisions / elapsed_s) if elapsed_s else 0,
        )
