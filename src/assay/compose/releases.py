"""A release from an operator's files: which bundles they need, and which revisions are golden."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import tomli_w

from assay.clock import Deadline, SystemClock
from assay.compose.bundles import Choice, choose
from assay.compose.models import load_chosen
from assay.compose.scorer import Indexing, open_sources
from assay.errors import ConfigurationError
from assay.releases import golden
from assay.releases.build import GoldenChoice, Parts, build
from assay.releases.manifest import ExpectedDrift
from assay.releases.options import root_folder
from assay.releases.progress import Report
from assay.releases.root import Root
from assay.releases.wheel import build_wheel
from assay.revisions.options import is_live
from assay.revisions.source import Source
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.settings import Settings, load
from assay.settings.layers import merged, read_document
from assay.telemetry import redacted

CHOICE_LIMIT_S: Final = 300.0
"""For a wiki to give its golden revisions."""
_FIRST_MADE_UP: Final = 1_000_001


@dataclass(frozen=True)
class BuildRequest:
    """What an operator says of a release to be built. `source`: a source tree, unless a built `wheel` is
    given. `requirements`: pins with hashes; None: the source tree's."""

    name: str
    source: Path = Path()
    wheel: Path | None = None
    requirements: Path | None = None
    configuration: Sequence[Path] = ()
    golden: GoldenChoice = field(default_factory=GoldenChoice)
    expected_drift: Sequence[ExpectedDrift] = ()


def root_of(settings: Settings) -> Root:
    """This machine's releases."""
    return Root(root_folder(settings.releases))


def build_release(request: BuildRequest, root: Root, folder: Path, report: Report = lambda *_: None) -> Path:
    """The release in ``folder/<id>``. Raises `ConfigurationError`, `BundleError` or `ReleaseError`."""
    with tempfile.TemporaryDirectory() as place:
        wheel = request.wheel or build_wheel(request.source, Path(place))
        return build(release_parts(request, wheel), root, folder, report)


def release_parts(request: BuildRequest, wheel: Path) -> Parts:
    """The parts of the release with the code of `wheel`: all that `assay.releases.build.build` needs."""
    settings = load(request.configuration, environment={})
    _check_places(settings)
    choice = choose(settings)
    pins = request.requirements or request.source / "requirements.txt"
    try:
        requirements = pins.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{pins} cannot be read ({error.strerror}): name pinned requirements with --requirements"
        ) from error
    return Parts(
        name=request.name,
        wheel=wheel,
        requirements=requirements,
        bundles=choice.paths,
        configuration=_configuration(request.configuration),
        wikis=_models(choice),
        golden=request.golden,
        expected_drift=request.expected_drift,
    )


def golden_scores(
    settings: Settings,
    indexing: Indexing,
    count: int,
    revisions: Mapping[str, Sequence[int]],
    file: Path | None = None,
) -> bytes:
    """Golden scores by this process's code, of all wikis and models of the settings; `file`: of its
    revisions.

    Raises `ConfigurationError`, `ReleaseError`, or `SourceUnavailable`.
    """
    choice = choose(settings)
    if strangers := sorted(set(revisions) - {*choice.wikis, *choice.made_up}):
        raise ConfigurationError(f"there is no wiki {', '.join(strangers)} in the configuration")
    jobs = None if file is None else [golden.job_of(line) for line in golden.read(file)]
    models = load_chosen(choice, with_trees=True)
    if jobs is not None:
        return golden.to_bytes(golden.compute(jobs, models))
    clock = SystemClock()
    made_up: dict[str, Source] = {name: SyntheticSource(clock) for name in choice.made_up}
    wanted = {**{name: range(_FIRST_MADE_UP, _FIRST_MADE_UP + count) for name in made_up}, **revisions}
    wikis = Wikis({**open_sources(settings, choice.wikis, indexing), **made_up}, models)
    return golden.to_bytes(
        asyncio.run(_chosen(wikis, models, count, wanted, Deadline.after(CHOICE_LIMIT_S, clock)))
    )


def prove_golden(settings: Settings, models: ModelSets, file: Path) -> list[str]:
    """A sentence for each golden score that this process's models do not give exactly; for preflight."""
    choice = choose(settings)
    return golden.prove(file, models, {*choice.wikis, *choice.made_up})


async def _chosen(
    wikis: Wikis, models: ModelSets, count: int, wanted: Mapping[str, Sequence[int]], deadline: Deadline
) -> list[golden.Golden]:
    try:
        lines = []
        for name, wiki in wikis.items():
            lines += await golden.choose(wiki, models, count, wanted.get(name, ()), deadline)
        return lines
    finally:
        for wiki in wikis.values():
            await wiki.source.aclose()


def _models(choice: Choice) -> dict[str, tuple[str, ...]]:
    """Names of the models that each wiki is scored by."""
    models = load_chosen(choice, with_trees=False)
    return {name: tuple(models.of(name)) for name in (*choice.wikis, *choice.made_up)}


def _configuration(files: Sequence[Path]) -> str:
    """One file as it is, with its comments; several in one. Raises `ConfigurationError` on secrets in it."""
    whole: dict[str, Any] = {}
    for path in files:
        try:
            whole = merged(whole, read_document(path))
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"{path}: {error}") from error
    if secrets := sorted(_secrets(whole)):
        raise ConfigurationError(
            f"the configuration holds secrets ({', '.join(secrets)}), and a release is no place for them: "
            "keep each in a file on the node, and name that in a variable that ends in _FILE"
        )
    return files[0].read_text("utf-8") if len(files) == 1 else tomli_w.dumps(whole)


def _check_places(settings: Settings) -> None:
    """A release is run from any folder. Raises `ConfigurationError`."""
    if relative := [
        f"{wiki.source} of {name}"
        for name, wiki in settings.wikis.items()
        if not is_live(wiki.source) and not Path(wiki.source).is_absolute()
    ]:
        raise ConfigurationError(
            f"{', '.join(relative)} is told from the folder at hand, and a release runs in any: write whole "
            "paths"
        )


def _secrets(section: Mapping[str, Any], path: str = "") -> set[str]:
    found: set[str] = set()
    for key, value in section.items():
        if isinstance(value, Mapping):
            found |= _secrets(value, f"{path}{key}.")
        elif redacted(key, value) != value:
            found.add(f"{path}{key}")
    return found
