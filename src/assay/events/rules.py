"""Which models score which edits as they happen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from assay.events.change import Change
from assay.events.sets import EventSet, event_sets

ModelRules = Mapping[str, tuple[EventSet, ...]]
"""By model, the event sets that it is wanted for."""

USUAL: Final[ModelRules] = {
    "articlequality": ("main_edit",),
    "articletopic": ("main_edit",),
    "damaging": ("nonbot_edit",),
    "draftquality": ("main_creation",),
    "drafttopic": ("main_creation",),
    "goodfaith": ("nonbot_edit",),
    "itemquality": ("main_edit",),
    "reverted": ("nonbot_edit",),
    "revid": ("edit",),
}
"""For a wiki without rules of its own, as far as it has these models: what patrollers look at, of people's
edits; what tells an article's state, of articles; and all for the test model, as in ORES's own
configuration of it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be scored of one edit. `wiki`: its name in Assay. `models`: in the names' order."""

    wiki: str
    models: tuple[str, ...]


class Rules:
    """`by_wiki`: by the wikis' names in Assay. `databases`: by what wikis call themselves, their names in
    Assay, where the two differ."""

    def __init__(
        self, by_wiki: Mapping[str, ModelRules] | None = None, databases: Mapping[str, str] | None = None
    ) -> None:
        self._by_wiki = dict(by_wiki or {})
        self._databases = dict(databases or {})

    @property
    def models(self) -> dict[str, tuple[str, ...]]:
        """All that may be wanted of each wiki that has rules."""
        return {wiki: tuple(sorted(rules)) for wiki, rules in self._by_wiki.items() if rules}

    def called(self, database: str) -> str:
        """In Assay, the wiki that calls itself so."""
        return self._databases.get(database, database)

    def wanted(self, change: Change) -> Wanted | None:
        """None: no rule is for this edit."""
        wiki = self.called(change.wiki)
        sets = event_sets(change)
        rules = self._by_wiki.get(wiki, {})
        models = tuple(sorted(name for name, on in rules.items() if not sets.isdisjoint(on)))
        return Wanted(wiki, models) if models else None


def usual_rules(models: Collection[str]) -> ModelRules:
    """Of a wiki with these models."""
    return {name: sets for name, sets in USUAL.items() if name in models}
