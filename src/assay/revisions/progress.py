"""The bar that is shown while a dump is indexed: share done, rate, time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from assay.revisions.index import IndexProgress, ReportProgress


@contextmanager
def progress_bar(name: str, console: Console) -> Iterator[ReportProgress]:
    """A function to hand to `open_source(progress=…)`; the bar appears with the first report.

    A complete index reports nothing, and then nothing is shown.
    """
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[revisions]} revisions, {task.fields[rate]}/s"),
        TimeRemainingColumn(),
        console=console,
    )
    bar = _Bar(name, progress)
    try:
        yield bar.report
    finally:
        progress.stop()


class _Bar:
    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._task = progress.add_task(name, start=False, visible=False, revisions=0, rate=0)

    def report(self, state: IndexProgress) -> None:
        task = self._progress.tasks[self._task]
        if not task.started:
            self._progress.start()
            self._progress.start_task(self._task)
        elapsed_s = task.elapsed or 0.0
        self._progress.update(
            self._task,
            description=f"{self._name}: {'indexing' if state.phase == 'reading' else 'linking'}",
            visible=True,
            total=state.total_bytes,
            completed=state.done_bytes,
            revisions=state.revisions,
            rate=round(state.revisions / elapsed_s) if elapsed_s else 0,
        )
