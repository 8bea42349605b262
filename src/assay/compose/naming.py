"""Whether everything that is named is there: wikis' models, borrowed bundles, models that aliases mean; and
whether everything that is there is used. Pure: of the configured wikis and the bundles' manifests only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.models.library import Found, Library
from assay.models.model import ANY_WIKI
from assay.models.recipe import label_name
from assay.scoring.wikis import models_for
from assay.settings import WikiSettings

Wikis = Mapping[str, WikiSettings]


@dataclass(frozen=True, slots=True)
class Mention:
    """A setting that names a model of a wiki. `where`: the setting's dotted name."""

    where: str
    wiki: str
    model: str


def mentions(wikis: Wikis) -> Iterator[Mention]:
    """Every setting that names a model. A new kind of rule yields its mentions here and is checked like all
    others. (ORES's last production configuration had a rule for a model that its wiki did not have.)"""
    for wiki, options in wikis.items():
        for alias, model in options.aliases.items():
            yield Mention(f"wikis.{wiki}.aliases.{alias}", wiki, model)
        for model in options.precache or ():
            yield Mention(f"wikis.{wiki}.precache.{model}", wiki, model)
        for model in options.models:
            yield Mention(f"wikis.{wiki}.models.{model}", wiki, model)


def naming_faults(wikis: Wikis, made_up: frozenset[str], library: Library) -> list[str]:
    """A sentence for each name that leads nowhere, or to two things. `made_up`: wikis without a source."""
    return [
        *_borrowed_faults(wikis, library),
        *_bare_wikis(wikis, made_up, library),
        *_mention_faults(wikis, library),
        *_shadowing_aliases(wikis, library),
        *_label_faults(wikis, library),
    ]


def used(wikis: Wikis, made_up: frozenset[str], library: Library) -> list[Found]:
    """Bundles that these wikis can be asked for, each once. `made_up`: wikis without a source."""
    paths = {found.path for name in wikis for found in _models(name, wikis, library).values()}
    paths |= {found.path for name in made_up for found in models_for(name, library.found).values()}
    return [found for found in library if found.path in paths]


def unused(wikis: Wikis, made_up: frozenset[str], library: Library, folders: Sequence[Path]) -> list[Found]:
    """Bundles of the operator's own folders that no wiki uses."""
    needed = {found.path for found in used(wikis, made_up, library)}
    own = [found for found in library if any(found.path.is_relative_to(folder) for folder in folders)]
    return [found for found in own if found.path not in needed]


def general(wikis: Wikis, library: Library) -> list[str]:
    """``wiki/model`` for each model of these wikis that is the one for any wiki."""
    return [
        f"{wiki}/{name}"
        for wiki in wikis
        for name, found in _models(wiki, wikis, library).items()
        if found.manifest.wiki == ANY_WIKI
    ]


def _models(wiki: str, wikis: Wikis, library: Library) -> Mapping[str, Found]:
    return models_for(wiki, library.found, wikis[wiki].bundles)


def _borrowed_faults(wikis: Wikis, library: Library) -> Iterator[str]:
    for name, wiki in wikis.items():
        if wiki.bundles is not None and wiki.bundles not in library.found:
            yield (
                f"wikis.{name}.bundles: there are no bundles of {wiki.bundles!r} for {name}; "
                f"there are bundles of: {', '.join(library.found)}"
            )


def _bare_wikis(wikis: Wikis, made_up: frozenset[str], library: Library) -> Iterator[str]:
    bare = [name for name in wikis if not _models(name, wikis, library)]
    for name in (*bare, *sorted(name for name in made_up if not models_for(name, library.found))):
        yield f"wikis.{name}: there is no bundle for {name}: set `bundles`, or train one"


def _mention_faults(wikis: Wikis, library: Library) -> Iterator[str]:
    for mention in mentions(wikis):
        known = _models(mention.wiki, wikis, library)
        if mention.model not in known:
            yield (
                f"{mention.where}: {mention.wiki} has no model {mention.model!r}; "
                f"it has: {', '.join(known) or 'none'}"
            )


def _shadowing_aliases(wikis: Wikis, library: Library) -> Iterator[str]:
    for name, wiki in wikis.items():
        for alias in sorted(wiki.aliases.keys() & _models(name, wikis, library).keys()):
            yield f"wikis.{name}.aliases.{alias}: {name} has a model of this name: give the alias another"


def _label_faults(wikis: Wikis, library: Library) -> Iterator[str]:
    """Operating points of labels that their model does not have."""
    for name, wiki in wikis.items():
        known = _models(name, wikis, library)
        for model, options in wiki.models.items():
            labels = [label_name(label) for label in known[model].manifest.labels] if model in known else None
            for point, chosen in options.operating_points.items():
                if labels is not None and chosen.label not in labels:
                    yield (
                        f"wikis.{name}.models.{model}.operating_points.{point}.label: {model} has no label "
                        f"{chosen.label!r}; it has: {', '.join(labels)}"
                    )
