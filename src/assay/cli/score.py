"""``assay score``: scores from the shell, for one revision or for a whole dump."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.progress import counting, indexing
from assay.client import AsyncClient, Patience
from assay.compose import first_look
from assay.compose.bundles import wikis_of
from assay.compose.remote import OPTIONS as REMOTE
from assay.compose.remote import open_remote
from assay.compose.scorer import Scorer, build_scorer
from assay.errors import ConfigurationError, UnknownModel, UnknownWiki, reason_of
from assay.revisions.index.source import IndexedSource
from assay.revisions.options import is_live
from assay.scoring.batch import Batch, BatchOptions, LocalScorer
from assay.scoring.lines import Lines, LinesFile, LinesStream, parse_id, read_ids
from assay.scoring.synthetic import TEST_WIKI
from assay.serving.cells import cell_document
from assay.settings import Settings
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import LogOptions, configure_logging

_ONCE: Final = MemoryStoreOptions(max_bytes=2**20)
"""A list names a revision once, so that hardly a score is asked for again."""


def register(app: typer.Typer) -> None:
    app.command()(score)


@grouped
def score(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WIKI] [REV]...",
            help="The wiki, by name or as NAME=SOURCE; not needed when there is one.",
        ),
    ] = None,
    *,
    scored: options.WhatIsScored,
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
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Let a running server score, such as http://127.0.0.1:8080."),
    ] = None,
    configuration: options.Configuration,
) -> None:
    """Score revisions: a few by id, a list, or a whole dump; here, or with --url by a running server.

    An --output file is its own record of progress: after an interruption run the same command again and
    it goes on where it stopped.
    """
    named, ids = _asked(words or [], input, every=every)
    if url is not None:
        _refuse_with_url(scored, {"--all": every, "--processes": processes, "--config": configuration.config})
        asyncio.run(_run_remote(url, named, _names(models), features, explain, ids, output))
        return
    inline = [named] if named is not None and "=" in named else []
    scored = replace(scored, wiki=[*(scored.wiki or []), *inline])
    settings = options.load_settings(configuration, scored, processes=processes)
    configure_logging(LogOptions(level="warning", json=False))
    name = _wiki(named, settings)
    with _opened(output) as lines:
        scorer = build_scorer(replace(settings, memory=_ONCE), indexing, only=name)
        chosen = _models(_names(models), scorer, name)
        _look(scorer, name, settings.wiki_api.contact)
        chunks = LocalScorer(scorer.service, name, chosen, cell_document, features=features, explain=explain)
        listed, total = _whole(scorer, name) if every else (iter(ids), _length(ids))
        with counting(f"scoring {name}", total) as advance:
            batch = Batch(chunks, BatchOptions().busying(settings.pool.processes))
            asyncio.run(_run(scorer, batch, listed, lines, advance))


def _asked(words: Sequence[str], input: Path | None, *, every: bool) -> tuple[str | None, Iterable[int]]:
    """The wiki as it was named, if it was, and the ids; none of them for `every`."""
    named = words[0] if words and not words[0].isdigit() else None
    given = [parse_id(word) for word in words[named is not None :]]
    if (bool(given) + (input is not None) + every) != 1:
        raise ConfigurationError("give either revision ids, or --input FILE, or --all")
    return named, given if input is None else _from_file(input)


def _look(scorer: Scorer, wiki: str, contact: str) -> None:
    """A batch is patient with a wiki that is away, which nobody would be with an address that is none."""
    chosen = scorer.wikis.get(wiki)
    if chosen is not None and is_live(chosen.source):
        with counting(f"asking {chosen.source}", None):
            asyncio.run(first_look.look(chosen.source, contact, scorer.clock))


async def _run(
    scorer: Scorer, batch: Batch, ids: Iterator[int], lines: Lines, advance: Callable[[int], None]
) -> None:
    await scorer.service.engine.start()
    try:
        await batch.run(ids, lines, advance)
    finally:
        await scorer.service.aclose()


async def _run_remote(
    url: str,
    wiki: str | None,
    models: Sequence[str] | None,
    features: bool,
    explain: bool,
    ids: Iterable[int],
    output: Path | None,
) -> None:
    if not url.startswith(("http://", "https://")):
        address = url.rpartition("://")[2] or "127.0.0.1:8080"
        raise ConfigurationError(f"--url {url}: begin it with http:// or https://, such as http://{address}")
    configure_logging(LogOptions(level="warning", json=False))
    once = Patience(retries=0)  # the batch has a patience of its own
    async with AsyncClient(url, patience=once) as client:
        with _opened(output) as lines:
            chunks = await open_remote(client, wiki, models, features=features, explain=explain)
            with counting(f"scoring {chunks.terms.wiki}", _length(ids)) as advance:
                await Batch(chunks, REMOTE).run(iter(ids), lines, advance)


def _opened(output: Path | None) -> AbstractContextManager[Lines]:
    return nullcontext(LinesStream(sys.stdout.buffer)) if output is None else LinesFile(output)


def _refuse_with_url(scored: options.WhatIsScored, given: Mapping[str, object]) -> None:
    """What a server decides for itself; passing over it would score something else than was asked."""
    of_wikis = {
        "--wiki": scored.wiki,
        "--bundles": scored.bundles,
        "--bundle-directory": scored.bundle_directory,
    }
    if superfluous := [name for name, value in {**of_wikis, **given}.items() if value]:
        raise ConfigurationError(f"{', '.join(superfluous)} cannot be given with --url: the server decides")


def _names(models: str | None) -> tuple[str, ...] | None:
    return None if models is None else tuple(models.replace(",", "|").split("|"))


def _wiki(named: str | None, settings: Settings) -> str:
    """The wiki that was named, or the only one there is."""
    known = wikis_of(settings)
    if named is not None:
        name = named.partition("=")[0]
        if name not in (*known, TEST_WIKI):
            raise UnknownWiki(
                f"No scorers available for {name}; there are: {', '.join((*known, TEST_WIKI))}"
                + (f". To score a file, give it a name: mywiki={name}" if Path(name).is_file() else "")
            )
        return name
    if len(known) > 1:
        raise ConfigurationError(f"name one of the wikis {', '.join(known)}: assay score WIKI REV...")
    return next(iter(known))


def _models(names: Sequence[str] | None, scorer: Scorer, wiki: str) -> tuple[str, ...]:
    """Raises `UnknownModel` that names those there are, which ORES's words for HTTP do not."""
    entry = scorer.service.wikis.named(wiki)
    if strangers := [name for name in names or () if name not in entry.models]:
        raise UnknownModel(
            f"{wiki} has no model {', '.join(strangers)}; there are: {', '.join(entry.models)}"
        )
    return tuple(entry.models) if names is None else tuple(names)


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
        raise ConfigurationError(f"{file} cannot be read: {reason_of(error)}") from error
    return list(read_ids(text.splitlines(), str(file)))


def _length(ids: Iterable[int]) -> int | None:
    return len(ids) if isinstance(ids, Sized) else None
