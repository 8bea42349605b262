"""``assay extract``, ``train``, ``evaluate``, ``card``: a model from a history, in steps or in one go.

What trains is imported where it is used: LightGBM's Python package takes a second to load, and
the other commands need none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer

from assay.cli import options
from assay.cli.progress import stepping
from assay.errors import ConfigurationError
from assay.models.bundle import load_bundle, read_manifest
from assay.models.dataset import Dataset
from assay.models.files import open_files
from assay.models.recipes import recipe as recipe_called
from assay.models.recipes import recipes

RecipeName = Annotated[
    str | None, typer.Argument(metavar="RECIPE", help="WIKI/MODEL, for example crwiki/reverted.")
]
DataFolder = Annotated[
    Path | None, typer.Option(help="Folder with histories/, articlequality/ and enwiki-damaging/.")
]
HistoryWikis = Annotated[
    list[str] | None,
    typer.Option("--wiki", metavar="NAME=FILE", help="A dump or history to learn from. May be repeated."),
]
Work = Annotated[
    Path, typer.Option(help="Folder for what is computed on the way; kept, so that work resumes.")
]

TEST_MODEL = "testwiki/revid"
"""The legacy's deterministic test model, made without rows."""
_WORK = Path("work")


def register(app: typer.Typer) -> None:
    for command in (extract, train, evaluate, card):
        app.command()(command)


def extract(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="WIKI/MODEL, for example crwiki/reverted.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The data set (.npz).")],
    data: DataFolder = None,
    wiki: HistoryWikis = None,
    work: Work = _WORK,
) -> None:
    """Compute the rows that a recipe learns from: features, labels, and what splits need.

    Killed and run again, it goes on where it was.
    """
    from assay.models.sources import rows_of

    options.check_output(output)
    with stepping() as step:
        rows = rows_of(recipe_called(recipe), _inputs(data, wiki), work, step)
    rows.save(output)
    typer.echo(f"{output}: {len(rows)} rows of {len(rows.features)} features, digest {rows.digest[:12]}")


def train(
    recipe: RecipeName = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of bundles; the bundle goes to WIKI/MODEL in it.")
    ] = Path("bundles"),
    data: DataFolder = None,
    wiki: HistoryWikis = None,
    dataset: Annotated[
        Path | None, typer.Option(help="Rows that `assay extract` made, instead of --data or --wiki.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every recipe that is known.")] = False,
    work: Work = _WORK,
) -> None:
    """Train, measure and write a bundle with its card. The same rows and recipe give the same bytes."""
    from assay.models.make import make_bundle, make_test_bundle
    from assay.models.sources import rows_of
    from assay.models.statistics import headline

    options.check_output(output, folder=True)
    if (recipe is None) != every:
        raise ConfigurationError(f"name a recipe, or give --all; there are: {', '.join(recipes())}")
    if every or recipe == TEST_MODEL:
        manifest = make_test_bundle(output / TEST_MODEL)
        typer.echo(f"{output / TEST_MODEL}: not learned, digest {manifest.digest[:12]}")
    if every:
        chosen = list(recipes().values())
    else:
        chosen = [recipe_called(recipe)] if recipe not in (None, TEST_MODEL) else []
    for each in chosen:
        with stepping() as step:
            rows = (
                Dataset.load(dataset)
                if dataset is not None
                else rows_of(each, _inputs(data, wiki), work, step)
            )
            manifest, statistics = make_bundle(rows, each, output / each.wiki / each.name, step)
        typer.echo(f"{output / each.id}: {headline(statistics)}, digest {manifest.digest[:12]}")


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder or zip.")],
    dataset: Annotated[Path, typer.Argument(help="Rows that the model did not learn from (.npz).")],
    truth: Annotated[str, typer.Option(help="The column that tells the right labels.")] = "label",
) -> None:
    """Measure a bundle on labelled rows; prints ORES's statistics and ours as JSON."""
    from assay.models.evaluate import evaluate as measure

    document = measure(load_bundle(bundle), Dataset.load(dataset), truth=truth)
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def card(
    bundle: Annotated[Path, typer.Argument(help="A bundle's folder or zip.")],
    html: Annotated[
        bool, typer.Option("--html", help="The page with drawings, instead of Markdown.")
    ] = False,
) -> None:
    """Print a model's card: what it is for, what it was learned from, how good it is and for whom."""
    name = "card.html" if html else "card.md"
    entry = read_manifest(bundle).cards[name]
    typer.echo(open_files(bundle).read(name, entry.size_bytes).decode("utf-8"))


def _inputs(data: Path | None, wikis: Sequence[str] | None) -> Path | dict[str, Path]:
    """A folder of data, or histories by wiki."""
    if (data is None) == (not wikis):
        raise ConfigurationError("give either --data FOLDER, or one or more --wiki NAME=FILE")
    if data is not None:
        return data
    return {name: Path(path) for name, path in options.pairs(wikis, "--wiki")}
