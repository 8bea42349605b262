"""``assay extract``, ``train``, ``evaluate``, ``card``: a model from a history, in steps or in one go.

What trains is imported where it is used: LightGBM's Python package takes a second to load, and
the other commands need none of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from assay.cli import online, options
from assay.cli.groups import grouped
from assay.cli.progress import Steps, stepping
from assay.errors import BundleError, ConfigurationError, TooFewReverts
from assay.models.bundle import load_bundle
from assay.models.dataset import Dataset
from assay.models.facts import read_manifest
from assay.models.files import open_files
from assay.models.manifest import MANIFEST
from assay.models.recipe import Recipe
from assay.models.training.recipes import recipe as recipe_called
from assay.models.training.recipes import recipes
from assay.revisions.options import is_live

RecipeName = Annotated[
    str | None, typer.Argument(metavar="RECIPE", help="WIKI/MODEL, for example crwiki/reverted.")
]
DataFolder = Annotated[
    Path | None, typer.Option(help="Folder with histories/, articlequality/ and enwiki-damaging/.")
]
HistoryWikis = Annotated[
    list[str] | None,
    typer.Option(
        "--wiki",
        metavar="NAME=SOURCE",
        help="A dump or history to learn from, or the address of a wiki's api.php. May be repeated.",
    ),
]
Work = Annotated[
    Path, typer.Option(help="Folder for what is computed on the way; kept, so that work resumes.")
]

TEST_MODEL = "testwiki/revid"
"""The legacy's deterministic test model, made without rows."""
LEARNED = "reverted"
"""The one model that is learned from a history."""
_WORK = Path("work")
TOO_FEW, NOT_BETTER = 3, 4
"""Exit statuses of `train`: no bundle was made; one was, but `anywiki` does as well."""


def register(app: typer.Typer) -> None:
    for command in (extract, train, evaluate, card):
        app.command()(command)


@grouped
def extract(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="WIKI/MODEL, for example crwiki/reverted.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The data set (.npz).")],
    data: DataFolder = None,
    wiki: HistoryWikis = None,
    work: Work = _WORK,
    *,
    limits: online.Limits,
) -> None:
    """Compute the rows that a recipe learns from: features, labels, and what splits need.

    Killed and run again, it goes on where it was.
    """
    from assay.models.training.sources import rows_of

    options.check_output(output, in_one_step=True)
    with stepping() as step:
        rows = rows_of(recipe_called(recipe), _inputs(data, wiki, work, limits, step), work, step)
    rows.save(output)
    typer.echo(f"{output}: {len(rows)} rows of {len(rows.features)} features, digest {rows.digest[:12]}")


@grouped
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
    name: Annotated[
        str | None, typer.Option(help="Of a live wiki: what to call it; default: what it calls itself.")
    ] = None,
    *,
    limits: online.Limits,
) -> None:
    """Train, measure and write a bundle with its card. The same rows and recipe give the same bytes.

    For a wiki of your own: assay train --wiki https://…/api.php; killed and run again, it goes on where it
    was. From your wiki's file, or rows of it, the same model is made and compared. Exit status: 0 a bundle,
    better than anywiki on later edits where it was compared with it; 4 a bundle, but not shown to be better
    than anywiki; 3 too few reverts for a download, no bundle: use anywiki; 1 an error.
    """
    from assay.models.statistics.document import headline
    from assay.models.training.make import make_bundle
    from assay.models.training.own_wiki import fitting
    from assay.models.training.sources import rows_of

    options.check_output(output, folder=True)
    if (live := _live(wiki)) is not None and not every and dataset is None and data is None:
        raise typer.Exit(_train_live(*_named(live, recipe, name), output, work, limits))
    if (recipe is None) != every:
        if bare := [source for source in wiki or () if source.endswith("/api.php")]:
            raise ConfigurationError(f"--wiki {bare[0]}: give one wiki, and begin its address with https://")
        raise ConfigurationError(
            f"name a recipe, or give --all; there are: {', '.join(recipes())}, "
            f"and WIKI/{LEARNED} for a wiki of your own"
        )
    if name is not None:
        raise ConfigurationError("--name can be given for one live wiki only: RECIPE names what is made")
    if dataset is not None:
        if data is not None or wiki:
            raise ConfigurationError("give either --dataset, or --data or --wiki")
        online.refuse_for_files(limits)
    if every or recipe == TEST_MODEL:
        _make_test_model(output / TEST_MODEL)
    statuses = {0}
    for each in _chosen(recipe):
        if wiki:
            _check_held_out(each, wiki)
        with stepping() as step:
            rows = (
                Dataset.load(dataset)
                if dataset is not None
                else rows_of(each, _inputs(data, wiki, work, limits, step), work, step)
            )
            fit, base = fitting(each, rows)
            manifest, statistics = make_bundle(rows, fit, output / each.wiki / each.name, step, base)
        typer.echo(f"{output / each.id}: {headline(statistics)}, digest {manifest.digest[:12]}")
        if base is not None:
            source = "SOURCE" if dataset is not None else _source_of(each.wiki, wiki)
            statuses.add(_told(statistics["assay"]["compared"], each.wiki, source, output))
    raise typer.Exit(max(statuses))


def evaluate(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle's folder or zip, or a shipped one, such as anywiki/reverted.")
    ],
    dataset: Annotated[Path, typer.Argument(help="Rows that the model did not learn from (.npz).")],
    truth: Annotated[str, typer.Option(help="The column that tells the right labels.")] = "label",
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="No rows before this day, such as 2024-01-31.")
    ] = None,
    usable: Annotated[
        bool, typer.Option("--usable", help="Without the rows that the model's training leaves out.")
    ] = False,
) -> None:
    """Measure a bundle on labelled rows; prints ORES's statistics and ours as JSON."""
    from assay.models.training.evaluate import chosen_rows, left_out_by
    from assay.models.training.evaluate import evaluate as measure

    path, first_day = _shipped(bundle), online.day(since)
    left_out = left_out_by(read_manifest(path)) if usable else ()
    rows, which = chosen_rows(Dataset.load(dataset), left_out, first_day)
    document = measure(load_bundle(path), rows, truth=truth, which=which)
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def card(
    bundle: Annotated[
        Path, typer.Argument(help="A bundle's folder or zip, or a shipped one, such as enwiki/damaging.")
    ],
    html: Annotated[
        bool, typer.Option("--html", help="The page with drawings, instead of Markdown.")
    ] = False,
) -> None:
    """Print a model's card: what it is for, what it was learned from, how good it is and for whom."""
    name = "card.html" if html else "card.md"
    path = _shipped(bundle)
    entry = read_manifest(path).cards.get(name)
    if entry is None:
        raise BundleError(f"{bundle} has no {name}: train the bundle again")
    typer.echo(open_files(path).read(name, entry.size_bytes).decode("utf-8"))


def _shipped(bundle: Path) -> Path:
    """`bundle` as given if it exists, else the shipped one of that name."""
    from assay.models.library import shipped_folder

    if bundle.exists():
        _check_folder(bundle)
        return bundle
    folder = shipped_folder()
    shipped = {str(path.parent.relative_to(folder)) for path in folder.glob("*/*/" + MANIFEST)}
    if str(bundle) in shipped:
        return folder / bundle
    raise ConfigurationError(
        f"there is no bundle {bundle}: give a bundle's folder or .zip, or a shipped one: "
        f"{', '.join(sorted(shipped))}"
    )


def _check_folder(bundle: Path) -> None:
    """A folder of bundles is easily given for one of them."""
    if not bundle.is_dir() or (bundle / MANIFEST).exists():
        return
    inner = sorted(path.parent for depth in ("*", "*/*") for path in bundle.glob(f"{depth}/{MANIFEST}"))
    meant = f": is one of these meant? {', '.join(map(str, inner))}" if inner else ": give the folder of one"
    raise ConfigurationError(f"{bundle} is no bundle, for it has no {MANIFEST}{meant}")


def _make_test_model(folder: Path) -> None:
    from assay.models.training.make import make_test_bundle

    manifest = make_test_bundle(folder)
    typer.echo(f"{folder}: not learned, digest {manifest.digest[:12]}")


def _chosen(recipe: str | None) -> list[Recipe]:
    """What is to be learned; all that is known for None."""
    if recipe is None:
        return list(recipes().values())
    return [] if recipe == TEST_MODEL else [recipe_called(recipe)]


def _check_held_out(recipe: Recipe, wikis: Sequence[str]) -> None:
    """Else a name that was mistyped is found out after all rows have been computed."""
    held, given = recipe.split.wiki, dict(options.pairs(wikis, "--wiki"))
    if held is not None and held not in given:
        raise ConfigurationError(
            f"{recipe.id} is measured on rows of {held}, and --wiki names {', '.join(given)} only: "
            f"give --wiki {held}=SOURCE, too, or another recipe"
        )


def _live(wikis: Sequence[str] | None) -> str | None:
    """The one source that was given, if it is a live wiki."""
    given = list(wikis or ())
    return given[0] if len(given) == 1 and is_live(given[0]) else None


def _named(source: str, recipe: str | None, name: str | None) -> tuple[str, str | None]:
    """Address and name of a live wiki, which SOURCE, RECIPE and --name may name, but not differently."""
    before, _, url = source.rpartition("=") if not source.startswith("http") else ("", "", source)
    wiki, _, model = (recipe or "").partition("/")
    if recipe is not None and model != LEARNED:
        raise ConfigurationError(f"{recipe} is not learned from a history: only {wiki}/{LEARNED} is")
    names = {given for given in (before, wiki, name) if given}
    if len(names) > 1:
        raise ConfigurationError(f"the wiki is called {' and '.join(sorted(names))}: keep one name")
    return url, next(iter(names), None)


def _train_live(url: str, name: str | None, output: Path, work: Path, limits: online.Limits) -> int:
    from assay.models.statistics.document import headline
    from assay.models.training.make import make_bundle
    from assay.models.training.own_wiki import LEAST_REVERTED, anywiki, own_recipe, own_rows

    try:
        with stepping() as step:
            history = online.history_of(url, name, work, limits, step, least_reverted=LEAST_REVERTED)
            base = anywiki()
            recipe = own_recipe(history, base)
            rows = own_rows(history, recipe, work, step)
            bundle = output / recipe.wiki / recipe.name
            manifest, statistics = make_bundle(rows, recipe, bundle, step, base)
    except TooFewReverts as too_few:
        typer.echo(f"assay: {too_few}", err=True)
        return TOO_FEW
    typer.echo(f"learned from {history.told}")
    typer.echo(f"{bundle}: {headline(statistics)}, digest {manifest.digest[:12]}")
    return _told(statistics["assay"]["compared"], history.wiki, url, output)


def _source_of(name: str, wikis: Sequence[str] | None) -> str:
    """What to serve it from; a word to replace where no source was given by itself."""
    return dict(options.pairs(wikis, "--wiki")).get(name, "SOURCE")


def _told(compared: Mapping[str, Any], wiki: str, source: str, output: Path) -> int:
    """Say whether the bundle is better than `anywiki`, and which of them to use; the exit status."""
    from assay.models.training.compare import BETTER

    areas, span = compared["all"], compared["interval_95"]
    shown = "no interval" if span is None else f"95 % interval {span[0]:+.3f} to {span[1]:+.3f}"
    own, other = (_area(areas[key]) for key in ("own", "other"))
    figures = f"ROC-AUC {own} against {other} of anywiki on the same {areas['n']} later edits"
    serve = f"assay serve --wiki {wiki}={source}"
    if compared["verdict"] == BETTER:
        typer.echo(f"better than anywiki: {figures}, difference {shown}")
        typer.echo(f"use it: {serve} --bundle-directory {output}")
        return 0
    typer.echo(f"NOT shown to be better than anywiki: {figures}, difference {shown}\nuse anywiki: {serve}")
    return NOT_BETTER


def _area(area: float | None) -> str:
    return "unknown" if area is None else f"{area:.3f}"


def _inputs(
    data: Path | None, wikis: Sequence[str] | None, work: Path, limits: online.Limits, step: Steps
) -> Path | dict[str, Path]:
    """A folder of data, or histories by wiki; those of live wikis are downloaded."""
    if (data is None) == (not wikis):
        raise ConfigurationError("give either --data FOLDER, or one or more --wiki NAME=FILE")
    if data is not None:
        online.refuse_for_files(limits)
        return data
    given = options.pairs(wikis, "--wiki")
    if not any(is_live(source) for _, source in given):
        online.refuse_for_files(limits)
    found: dict[str, Path] = {}
    for name, source in given:
        if is_live(source):
            found[name] = online.history_of(source, name, work, limits, step).path
        else:
            found[name] = Path(source)
    return found
