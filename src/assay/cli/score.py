"""``assay score``: scores from the shell, for one revision or for a whole dump."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from assay.cli import options
from assay.cli.progress import counting, indexing
from assay.compose import Scorer, build_scorer, wikis_of
from assay.errors import ConfigurationError, UnknownWiki
from assay.revisions.indexed import IndexedSource
from assay.scoring.batch import Batch, Lines, LinesFile, LinesStream, parse_id, read_ids
from assay.scoring.wikis import TEST_WIKI
from assay.serving.cells import cell_document
from assay.settings import Settings
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
    environment: options.Environment = None,
    config_folder: options.ConfigFolder = None,
) -> None:
    """Score revisions: a few by id, a list, or a whole dump.

    An --output file is its own record of progress: after an interruption run the same command again and
    it goes on where it stopped.
    """
    named = [word for word in (words or [])[:1] if not word.isdigit()]
    given = [parse_id(word) for word in (words or [])[len(named) :]]
    if (bool(given) + (input is not None) + every) != 1:
        raise ConfigurationError("give either revision ids, or --input FILE, or --all")
    inline = [word for word in named if "=" in word]
    settings = options.load_settings(
        config,
        [*(wiki or []), *inline],
        bundles,
        bundle_directory,
        processes,
        environment=environment,
        config_folder=config_folder,
    )
    configure_logging(LogOptions(level="warning", json=False))
    name = _wiki(named, settings)
    ids = given if input is None else _from_file(input)
    with nullcontext(LinesStream(sys.stdout.buffer)) if output is None else LinesFile(output) as lines:
        scorer = build_scorer(settings, indexing, only=name)
        chosen = _models(models, scorer, name)
        batch = Batch(scorer.service, name, chosen, cell_document, features=features, explain=explain)
        listed, total = _whole(scorer, name) if every else (iter(ids), _length(ids))
        with counting(f"scoring {name}", total) as advance:
            asyncio.run(_run(scorer, batch, listed, lines, advance))


async def _run(
    scorer: Scorer, batch: Batch, ids: Iterator[int], lines: Lines, advance: Callable[[int], None]
) -> None:
    await scorer.service.engine.start()
    try:
        await batch.run(ids, lines, advance)
    finally:
        await scorer.service.aclose()


def _wiki(named: Sequence[str], settings: Settings) -> str:
    """The wiki that was named, or the only one there is."""
    known = wikis_of(settings)
    if named:
        name = named[0].partition("=")[0]
        if name not in (*known, TEST_WIKI):
            raise UnknownWiki(f"No scorers available for {name}; there are: {', '.join((*known, TEST_WIKI))}")
        return name
    if len(known) > 1:
        raise ConfigurationError(f"name one of the wikis {', '.join(known)}: assay score WIKI REV...")
    return next(iter(known))


def _models(models: str | None, scorer: Scorer, wiki: str) -> tuple[str, ...]:
    entry = scorer.service.wikis.named(wiki)
    names = tuple(entry.models) if models is None else tuple(models.replace(",", "|").split("|"))
    return tuple(model.name for model in entry.select(names))


def _whole(scorer: Scorer, wiki: str) -> tuple[Iterator[int], int]:
    """All ids of a dump or a history, and their number."""
    source = scorer.sources.get(wiki)
    if not isinstance(source, IndexedSource):
        raise ConfigurationError(f"--all needs a dump or a history; {wiki} is neither: give --input FILE")
    return source.ids("page"), source.count()


def _from_file(file: Path) -> Iterable[int]:
    if str(file) == "-":
        return read_ids(sys.stdin, "standard input")
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} cannot be read: {error}") from error
    return list(read_ids(text.splitlines(), str(file)))


def _length(ids: Iterable[int]) -> int | None:
    return len(ids) if isinstance(ids, Sized) else None
