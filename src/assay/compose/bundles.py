"""Which wikis are scored, and with which bundles."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from assay.errors import BundleError, ConfigurationError
from assay.models.library import Found, Library, search, shipped_folder
from assay.models.model import ANY_WIKI
from assay.scoring.loading import load_models
from assay.scoring.wikis import TEST_WIKI, ModelSets
from assay.settings import Settings, WikiSettings

SAMPLE_WIKI: Final = "samplewiki"
_SAMPLE_MODELS: Final = "enwiki"
"""The sample wiki is written mostly in English, so English Wikipedia's models read it."""


@dataclass(frozen=True)
class Choice:
    """`wikis`: the configured ones. `borrowed`: by wiki, whose bundles it uses. `made_up`: wikis without a
    source. `paths`: of the bundles that all these need."""

    library: Library
    wikis: Mapping[str, WikiSettings]
    borrowed: Mapping[str, str]
    made_up: frozenset[str]
    paths: tuple[Path, ...]

    def load(self, *, with_trees: bool) -> ModelSets:
        """Raises `BundleError` naming all that are refused."""
        return load_models([str(path) for path in self.paths], self.borrowed, with_trees=with_trees)


def choose(settings: Settings, only: str | None = None) -> Choice:
    """`only`: leave out all wikis but this and the test wiki.

    Raises `ConfigurationError` or `BundleError`.
    """
    library = find_bundles(settings)
    wikis = {name: wiki for name, wiki in wikis_of(settings).items() if only in (None, name)}
    borrowed = {name: wiki.bundles for name, wiki in wikis.items() if wiki.bundles is not None}
    _check_borrowed(borrowed, library)
    made_up = frozenset({TEST_WIKI} if settings.test_wiki else ())
    _check_bare(wikis, made_up, library)
    needed = _needed(library, {*wikis, *borrowed.values()}, made_up)
    return Choice(library, wikis, borrowed, made_up, tuple(found.path for found in needed))


def wikis_of(settings: Settings) -> Mapping[str, WikiSettings]:
    """The configured wikis; when there are none, the sample wiki."""
    if settings.wikis:
        return settings.wikis
    export = files("assay") / "sample" / f"{SAMPLE_WIKI}.xml"
    return {SAMPLE_WIKI: WikiSettings(str(export), bundles=_SAMPLE_MODELS)}


def find_bundles(settings: Settings) -> Library:
    """Shipped bundles, if they count, and those of the operator's folders.

    Raises `BundleError` naming all refused ones.
    """
    shipped = [shipped_folder()] if settings.shipped_bundles else []
    library = search(*shipped, *(Path(folder) for folder in settings.bundle_directories))
    if library.refused:
        faults = "\n  ".join(f"{path}: {error}" for path, error in library.refused.items())
        raise BundleError(f"bundles are refused:\n  {faults}")
    return library


def check(settings: Settings) -> None:
    """Everything that can be wrong without opening a wiki: bundles, a model for each wiki, files that exist.

    Raises `ConfigurationError` or `BundleError`.
    """
    library = find_bundles(settings)
    wikis = wikis_of(settings)
    _check_borrowed({name: wiki.bundles for name, wiki in wikis.items() if wiki.bundles}, library)
    _check_bare(wikis, frozenset({TEST_WIKI} if settings.test_wiki else ()), library)
    if absent := [
        f"{wiki.source} of {name}"
        for name, wiki in wikis.items()
        if "://" not in wiki.source and not Path(wiki.source).is_file()
    ]:
        raise ConfigurationError(f"there is no file {', '.join(absent)}: check the path")


def _needed(library: Library, wikis: Set[str], made_up: Set[str]) -> list[Found]:
    """The bundles that these wikis can be asked for; others are not loaded."""
    wanted = {*wikis, *made_up, *([ANY_WIKI] if wikis else [])}
    return [found for found in library if found.manifest.wiki in wanted]


def _check_bare(wikis: Mapping[str, WikiSettings], made_up: Set[str], library: Library) -> None:
    """Every wiki has a model; one for any wiki has nothing to say of made-up ones."""
    own = {name: wiki.bundles or name for name, wiki in wikis.items() if ANY_WIKI not in library.found}
    bare = [
        name
        for name, wiki in {**own, **{name: name for name in made_up}}.items()
        if wiki not in library.found
    ]
    if bare:
        raise ConfigurationError(f"there is no bundle for {', '.join(bare)}: set `bundles`, or train one")


def _check_borrowed(borrowed: Mapping[str, str], library: Library) -> None:
    if strangers := {name: wiki for name, wiki in borrowed.items() if wiki not in library.found}:
        faults = ", ".join(f"{wiki!r} for {name}" for name, wiki in strangers.items())
        raise ConfigurationError(
            f"there are no bundles of {faults}; there are bundles of: {', '.join(library.found)}"
        )
