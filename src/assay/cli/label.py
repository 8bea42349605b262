"""``assay label``: which edits were reverted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, TextIO

import typer

from assay.cli import online, options
from assay.cli.progress import counting, indexing, stepping
from assay.durable import replacing
from assay.revisions.index.source import LabelledEdit
from assay.revisions.labels import RADIUS, WINDOW_S
from assay.revisions.open import open_indexed
from assay.revisions.options import is_live
from assay.revisions.record import iso

COLUMNS = (
    "rev_id",
    "page_title",
    "timestamp",
    "user",
    "anon",
    "reverted",
    "reverted_48h",
    "self_reverted",
    "is_reverting",
    "reverted_by",
)


def register(app: typer.Typer) -> None:
    app.command()(label)


def label(
    source: Annotated[
        str,
        typer.Argument(help="An XML dump or a .jsonl history, plain or packed, or a wiki's api.php address."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="TSV file; default: standard output.")
    ] = None,
    radius: Annotated[int, typer.Option(min=1, help="How many edits one revert may undo.")] = RADIUS,
    window_hours: Annotated[
        float, typer.Option(min=0, help="How late a revert may come to count as reverted_48h.")
    ] = WINDOW_S / 3600,
    since: online.Since = None,
    max_revisions: online.MaxRevisions = online.MAX_REVISIONS,
    contact: online.Contact = "",
    work: Annotated[Path, typer.Option(help="Of a live wiki: folder for its history.")] = Path("work"),
) -> None:
    """Label each revision by identity reverts, as tab-separated values, page by page in time order."""
    options.check_output(output, in_one_step=True)
    if not is_live(source):
        online.refuse_for_files(online.Limits(since, max_revisions))
        path = Path(source)
    else:
        limits = online.Limits(since, max_revisions, 0, contact)
        with stepping() as step:
            path = online.history_of(source, None, work, limits, step).path
    with indexing(path.name) as report:
        history = open_indexed(path, progress=report)
    try:
        with counting("labelling", history.count()) as advance, _opened(output) as stream:
            print("\t".join(COLUMNS), file=stream)
            for edit in history.labels(radius=radius, window_s=window_hours * 3600):
                print("\t".join(_row(edit)), file=stream)
                advance(1)
    finally:
        history.close()


def _row(edit: LabelledEdit) -> Iterator[str]:
    yield str(edit.rev_id)
    yield _plain(edit.page_title)
    yield iso(edit.timestamp)
    yield "" if edit.user is None else _plain(edit.user)
    yield str(edit.is_anonymous)
    label = edit.label
    for value in (
        label.reverted,
        label.reverted_48h,
        label.self_reverted,
        label.is_reverting,
        label.reverted_by,
    ):
        yield str(value)


def _plain(text: str) -> str:
    """Without tabs and line breaks, which a history may hold and a row may not."""
    return text.translate(dict.fromkeys(map(ord, "\t\r\n"), " "))


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears only when it is whole."""
    if output is None:
        yield sys.stdout
        return
    with replacing(output) as stream:
        text = TextIOWrapper(stream, encoding="utf-8", newline="\n")
        yield text
        text.detach()
