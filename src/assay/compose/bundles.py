"""Which wikis are scored, and with which bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from assay.compose.naming import general, naming_faults, unused, used
from assay.compose.precaching import stream_faults
from assay.errors import BundleError
from assay.models.library import Library, search, shipped_folder
from assay.revisions.options import is_live
from assay.scoring.synthetic import TEST_WIKI
from assay.settings import Settings, WikiSettings, wrong
from assay.telemetry import logger

SAMPLE_WIKI: Final = "samplewiki"
_SAMPLE_MODELS: Final = "enwiki"
"""The sample wiki is written mostly in English, so English Wikipedia's models read it."""


@dataclass(frozen=True)
class Choice:
    """`wikis`: the configured ones. `borrowed`: by wiki, whose bundles it uses. `aliases`: by wiki, further
    names of its models. `made_up`: wikis without a source. `paths`: of the bundles that all these need."""

    library: Library
    wikis: Mapping[str, WikiSettings]
    borrowed: Mapping[str, str]
    aliases: Mapping[str, Mapping[str, str]]
    made_up: frozenset[str]
    paths: tuple[Path, ...]


def choose(settings: Settings, only: str | None = None) -> Choice:
    """`only`: leave out all wikis but this and the test wiki.

    Raises `ConfigurationError` or `BundleError`.
    """
    library = find_bundles(settings)
    wikis = {name: wiki for name, wiki in wikis_of(settings).items() if only in (None, name)}
    borrowed = {name: wiki.bundles for name, wiki in wikis.items() if wiki.bundles is not None}
    aliases = {name: wiki.aliases for name, wiki in wikis.items()}
    made_up = _made_up(settings)
    if told := naming_faults(wikis, made_up, library):
        raise wrong(told)
    if only is None:
        for superfluous in _unused(settings, library):  # which spoils no answer, so that it stops no server
            logger(__name__).warning("bundle without use", reason=superfluous)
    paths = tuple(found.path for found in used(wikis, made_up, library))
    return Choice(library, wikis, borrowed, aliases, made_up, paths)


def tell_general(choice: Choice) -> None:
    """For who scores: a wiki that is misnamed gets the models for any, too, and no answer shows it."""
    if told := general(choice.wikis, choice.library):
        logger(__name__).info("models for any wiki answer", models=told)


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
    """Raises `ConfigurationError` that lists all `faults`."""
    if told := faults(settings):
        raise wrong(told)


def faults(settings: Settings) -> list[str]:
    """Everything that can be wrong without opening a wiki: bundles, names of models, files that exist."""
    wikis = wikis_of(settings)
    told = [
        f"wikis.{name}.source: there is no file {wiki.source} of {name}: check the path"
        for name, wiki in wikis.items()
        if not is_live(wiki.source) and not Path(wiki.source).is_file()
    ]
    told += stream_faults(settings)
    try:
        library = find_bundles(settings)
    except BundleError as error:
        return [*told, str(error)]
    return [*told, *naming_faults(wikis, _made_up(settings), library), *_unused(settings, library)]


def _unused(settings: Settings, library: Library) -> list[str]:
    folders = [Path(folder) for folder in settings.bundle_directories]
    return [
        f"bundle_directories: no wiki uses {found.path}: remove the bundle, or configure the wiki "
        f"{found.manifest.wiki}"
        for found in unused(wikis_of(settings), _made_up(settings), library, folders)
    ]


def _made_up(settings: Settings) -> frozenset[str]:
    return frozenset({TEST_WIKI} if settings.test_wiki else ())
