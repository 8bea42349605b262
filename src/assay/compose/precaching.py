"""Which edits are scored as they happen, by the settings and by the models that there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assay.errors import ConfigurationError
from assay.events import Rules, usual_rules
from assay.revisions.options import is_live
from assay.settings import Settings, WikiSettings


def rules_of(wikis: Mapping[str, WikiSettings], models: Mapping[str, Collection[str]]) -> Rules:
    """`wikis`: the configured ones. `models`: names of each one's models; a wiki that has models only is made
    up, and has the usual rules, so that precaching can be tried where no real score is touched.

    Raises `ConfigurationError` for a rule whose model the wiki does not have: every edit that it is for would
    be refused.
    """
    made_up = {name: usual_rules(models[name]) for name in models if name not in wikis}
    rules = {
        name: usual_rules(models[name]) if wiki.precache is None else wiki.precache
        for name, wiki in wikis.items()
    }
    if strange := [
        f"{wiki}/{name}" for wiki, own in rules.items() for name in own if name not in models[wiki]
    ]:
        raise ConfigurationError(
            f"precaching is ruled for {', '.join(strange)}, and there is no such model: "
            "take the rule out of wikis.<name>.precache, or give the model's bundle"
        )
    return Rules({**made_up, **rules}, _databases(wikis))


def _databases(wikis: Mapping[str, WikiSettings]) -> dict[str, str]:
    """Names by what the wikis call themselves. Of two that are the same wiki, a live one and a dump of it,
    the one of that name."""
    renamed = {wiki.database: name for name, wiki in wikis.items() if wiki.database is not None}
    return renamed | {name: name for name, wiki in wikis.items() if wiki.database is None}


def stream_faults(settings: Settings) -> list[str]:
    """A sentence for each stream that names a wiki which cannot be asked for its recent changes."""
    wikis = settings.wikis
    told = []
    for name, stream in settings.precache.streams.items():
        if stream.wiki and stream.wiki not in wikis:
            told.append(
                f"precache.streams.{name}.wiki: there is no wiki {stream.wiki!r}; "
                f"there are: {', '.join(wikis) or 'none'}"
            )
        elif stream.wiki and not is_live(wikis[stream.wiki].source):
            told.append(
                f"precache.streams.{name}.wiki: {stream.wiki} is read from a file, which tells no new edits: "
                f"set wikis.{stream.wiki}.source to its api.php"
            )
    return told
