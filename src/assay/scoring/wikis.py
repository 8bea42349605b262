"""Which wikis this server scores, with which models, and where their revisions come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final, TypeVar

from assay.errors import ConfigurationError, UnknownModel, UnknownWiki
from assay.features.graph.node import Node
from assay.features.roots import ACTOR_HISTORY, PAGE_HISTORY
from assay.models.model import ANY_WIKI, Model
from assay.revisions.source import Source
from assay.scoring.identity import identity
from assay.scoring.score import injectable, read_by
from assay.scoring.synthetic import TEST_WIKI

M = TypeVar("M")


def models_for(wiki: str, own: Mapping[str, Mapping[str, M]], borrowed: str | None = None) -> dict[str, M]:
    """The one rule of which models a wiki gets, in the names' order: a borrowed one before the wiki's own,
    and that before one for any wiki of the same name.

    `own`: models, or what stands for them, by wiki and name. `borrowed`: as of one wiki in `ModelSets`.
    """
    general = {} if wiki == TEST_WIKI else own.get(ANY_WIKI, {})
    merged = {**general, **own.get(wiki, {}), **own.get(borrowed or wiki, {})}
    return {name: merged[name] for name in sorted(merged)}


class ModelSets:
    """Loaded models by wiki and name, by the rule of `models_for`.

    Web and scoring processes both apply this rule, so a job needs to carry names only.

    `borrowed`: by wiki, another wiki whose models it uses in the first place.
    """

    def __init__(self, models: Iterable[Model], borrowed: Mapping[str, str] | None = None) -> None:
        self._borrowed = dict(borrowed or {})
        self._own: dict[str, dict[str, Model]] = {}
        self._sets: dict[str, Mapping[str, Model]] = {}
        for model in models:
            own = self._own.setdefault(model.wiki, {})
            if model.name in own:
                raise ConfigurationError(f"two bundles for {model.wiki}/{model.name}: remove one of them")
            own[model.name] = model

    def of(self, wiki: str) -> Mapping[str, Model]:
        """The wiki's models by name, in the names' order; empty when there is none."""
        if wiki not in self._sets:  # asked for several times a job, by names that have been registered
            self._sets[wiki] = self._merged(wiki)
        return self._sets[wiki]

    def _merged(self, wiki: str) -> Mapping[str, Model]:
        return MappingProxyType(models_for(wiki, self._own, self._borrowed.get(wiki)))

    @cached_property
    def digests(self) -> dict[str, str]:
        """Models' identities by ``wiki/model``: processes with equal ones give equal scores."""
        return {f"{wiki}/{name}": identity(m) for wiki, own in self._own.items() for name, m in own.items()}

    @property
    def wikis(self) -> tuple[str, ...]:
        """Names of wikis with models of their own, including `ANY_WIKI`."""
        return tuple(sorted(self._own))


def identities(models: ModelSets, wiki: str, names: Iterable[str]) -> dict[str, str]:
    """Which bundles these names mean for the wiki; the sender of a job and its worker must agree."""
    known = models.of(wiki)
    return {name: identity(known[name]) for name in names if name in known}


MAX_TOLD_NAMES: Final = 10
MAX_TOLD_CHARS: Final = 100
"""Of what a client called by the wrong name: what it sent is not sent back to it by the megabyte."""

FORMER_NAMES: Final = {"wp10": "articlequality"}
"""What models were called before, and what many clients still ask for."""


@dataclass(frozen=True)
class Wiki:
    """One wiki that can be scored. `models`: by name, at least one. `aliases`: further names that ORES's API
    knows, each with the model that it means; none is a model's name."""

    name: str
    source: Source = field(repr=False)
    models: Mapping[str, Model]
    aliases: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """All that a client may inject, by name."""
        return injectable(self.models.values())

    @cached_property
    def reading_pasts(self) -> frozenset[str]:
        """Names of the models that read the past of the page or of the actor."""
        pasts = {PAGE_HISTORY.name, ACTOR_HISTORY.name}
        return frozenset(name for name, model in self.models.items() if pasts & read_by(model))

    def select(self, names: Sequence[str] | None) -> tuple[Model, ...]:
        """The named models in order; None: all. Raises `UnknownModel` naming the missing, in ORES's words."""
        if names is None:
            return tuple(self.models.values())
        if missing := [name for name in names if name not in self.models]:
            told = tuple(name[:MAX_TOLD_CHARS] for name in missing[:MAX_TOLD_NAMES])
            more = f" and {len(missing) - len(told)} more" if len(missing) > len(told) else ""
            raise UnknownModel(f"Models {told}{more} not available for {self.name}")
        return tuple(self.models[name] for name in names)

    @cached_property
    def called(self) -> Mapping[str, Model]:
        """All models under all names: their own, and aliases; in the names' order."""
        aliased = {alias: self.models[name] for alias, name in self.aliases.items()}
        named = {**aliased, **self.models}
        return MappingProxyType({name: named[name] for name in sorted(named)})

    @cached_property
    def answering(self) -> Mapping[str, Model]:
        """All names that may be asked for: `called`, and former names that mean nothing else here. These are
        in no list, so that whoever asks for all models that are listed gets each once."""
        former = {old: self.models[name] for old, name in FORMER_NAMES.items() if name in self.models}
        return MappingProxyType({**former, **self.called})

    def select_called(self, names: Sequence[str]) -> dict[str, Model]:
        """The models by the names asked, those of `answering`. Raises `UnknownModel` as `select` does."""
        self.select([name for name in names if name not in self.answering])
        return {name: self.answering[name] for name in names}


class Wikis(Mapping[str, Wiki]):
    """All wikis by name, sorted. `aliases`: of each wiki, as in `Wiki`.

    Raises `ConfigurationError` for a wiki without any model.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        models: ModelSets,
        aliases: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        known = aliases or {}
        self._wikis = {
            name: Wiki(name, sources[name], models.of(name), known.get(name, {})) for name in sorted(sources)
        }
        if bare := [name for name, wiki in self._wikis.items() if not wiki.models]:
            raise ConfigurationError(
                f"no model for {', '.join(bare)}: give a bundle for the wiki, or one for {ANY_WIKI!r}"
            )

    def __getitem__(self, name: str) -> Wiki:
        return self._wikis[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._wikis)

    def __len__(self) -> int:
        return len(self._wikis)

    @property
    def model_names(self) -> dict[str, tuple[str, ...]]:
        """Of every wiki, in the names' order."""
        return {name: tuple(wiki.models) for name, wiki in self._wikis.items()}

    def named(self, name: str) -> Wiki:
        """Raises `UnknownWiki` in ORES's words."""
        if name not in self._wikis:
            raise UnknownWiki(f"No scorers available for {name[:MAX_TOLD_CHARS]}")
        return self._wikis[name]
