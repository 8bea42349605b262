"""``assay score``: scores from the shell, for one revision or for a whole dump."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.progress import counting, indexing
from assay.compose import Scorer, build_scorer
from assay.errors import ConfigurationError
from assay.revisions.indexed import IndexedSource
from assay.scoring.batch import Batch, Lines, LinesFile, LinesStream, parse_id, read_ids
from assay.serving.cells import cell_document
from assay.telemetry import LogOptions, configure_logging


def register(app: typer.Typer) -> None:
    app.command()(score)


def score(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WIKI] [REV]...",
            help="The wiki, by name or as NAME=SOURCE; not needed when there is one.",
        ),
    ] = None,
    wiki: options.Wikis = None,
    bundles: options.Borrow = None,
    input: Annotated[
        Path | None,
        typer.Option("--input", "-i", help="File of revision ids, one a line; - is standard input."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="JSON lines; resumed if it exists. Default: standard output."),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every revision of a dump or history, page by page.")
    ] = False,
    models: Annotated[
        str | None, typer.Option(help="Models, separated by | or commas; default: all.")
    ] = None,
    features: Annotated[bool, typer.Option("--features", help="Tell the features' values.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Tell what pushed each score.")] = False,
    processes: options.Processes = None,
    bundle_directory: options.BundleFolders = None,
    config: options.Config = None,
) -> None:
    """Score revisions: a few by id, a list, or a whole dump.

    An --output file is its own record of progress: after an interruption run the same command again and
    it goes on where it stopped.
    """
    named = [word for word in (words or [])[:1] if not word.isdigit()]
    inline = [word for word in named if "=" in word]
    settings = options.load_settings(config, [*(wiki or []), *inline], bundles, bundle_directory, processes)
    configure_logging(LogOptions(level="error", json=False))
    scorer = build_scorer(settings, indexing)
    name = _wiki(named, scorer)
    given = [parse_id(word) for word in (words or [])[len(named) :]]
    ids, total = _ids(given, input, every, scorer, name)
    chosen = _models(models, scorer, name)
    batch = Batch(scorer.service, name, chosen, cell_document, features=features, explain=explain)
    with (
        nullcontext(LinesStream(sys.stdout.buffer)) if output is None else LinesFile(output) as lines,
        counting(f"scoring {name}", total) as advance,
    ):
        asyncio.run(_run(scorer, batch, ids, lines, advance))


async def _run(
    scorer: Scorer, batch: Batch, ids: Iterator[int], lines: Lines, advance: Callable[[int], None]
) -> None:
    await scorer.service.engine.start()
    try:
        await batch.run(ids, lines, advance)
    finally:
        await scorer.service.aclose()


def _wiki(named: Sequence[str], scorer: Scorer) -> str:
    """The wiki that was named, or the only one there is."""
    if named:
        return scorer.service.wikis.named(named[0].partition("=")[0]).name
    if len(scorer.wikis) > 1:
        raise ConfigurationError(f"name one of the wikis {', '.join(scorer.wikis)}: assay score WIKI REV...")
    return next(iter(scorer.wikis))


def _models(models: str | None, scorer: Scorer, wiki: str) -> tuple[str, ...]:
    entry = scorer.service.wikis.named(wiki)
    names = tuple(entry.models) if models is None else tuple(models.replace(",", "|").split("|"))
    return tuple(model.name for model in entry.select(names))


def _ids(
    given: Sequence[int], file: Path | None, every: bool, scorer: Scorer, wiki: str
) -> tuple[Iterator[int], int | None]:
    """Where the ids come from, and how many there are if that is known."""
    if (bool(given) + (file is not None) + every) != 1:
        raise ConfigurationError("give either revision ids, or --input FILE, or --all")
    if file is not None:
        return _from_file(file)
    if given:
        return iter(given), len(given)
    source = scorer.sources.get(wiki)
    if not isinstance(source, IndexedSource):
        raise ConfigurationError(f"--all needs a dump or a history; {wiki} is neither: give --input FILE")
    return source.ids("page"), source.count()


def _from_file(file: Path) -> tuple[Iterator[int], int | None]:
    if str(file) == "-":
        return read_ids(sys.stdin, "standard input"), None
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
    ids = list(read_ids(text.splitlines(), str(file)))
    return iter(ids), len(ids)
