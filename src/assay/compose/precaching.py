"""Which edits are scored as they happen, by the settings and by the models that there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assay.events import Rules, usual_rules
from assay.settings import WikiSettings


def rules_of(wikis: Mapping[str, WikiSettings], models: Mapping[str, Collection[str]]) -> Rules:
    """`wikis`: the configured ones, checked. `models`: names of each one's models."""
    return Rules(
        {
            name: usual_rules(models[name]) if wiki.precache is None else wiki.precache
            for name, wiki in wikis.items()
        },
        {wiki.database: name for name, wiki in wikis.items() if wiki.database is not None},
    )
