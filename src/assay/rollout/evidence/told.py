"""What an arm tells of itself: its wikis with their models, their latest revisions, its routes."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote

import orjson

from assay.rollout.evidence.asker import Ask, Asker
from assay.rollout.evidence.requests import Ground

MOST_RECENT: Final = 50
"""Revisions of a wiki, all that an arm tells at once."""
_FEW: Final = 3


async def explore(asker: Asker, url: str, fresh: int = 0) -> Ground:
    """What an arm tells of its wikis; nothing of what it does not tell."""
    models: dict[str, list[str]] = {}
    labels: dict[tuple[str, str], list[str]] = {}
    features: dict[tuple[str, str], list[str]] = {}
    for wiki in await told_wikis(asker, url):
        for model in filter(is_named, wiki.get("models", ())):
            key = wiki["name"], model["name"]
            models.setdefault(key[0], []).append(key[1])
            labels[key] = [orjson.dumps(label).decode().strip('"') for label in model.get("labels", ())]
            features[key] = [f["name"] for f in filter(is_named, model.get("features", ()))]
    recent = await asyncio.gather(*(told_recent(asker, url, wiki, _FEW) for wiki in models))
    has_statistics = await _with_thresholds(asker, url, models)
    known = {key: names for key, names in labels.items() if key in has_statistics}
    routes = _routes(await told(asker, url, "/openapi.json"))
    return Ground(models, dict(zip(models, recent, strict=True)), known, features, fresh, routes)


def _routes(document: dict[str, Any]) -> frozenset[str] | None:
    """Methods and paths of an OpenAPI document; None when it is none."""
    paths = document.get("paths")
    if not isinstance(paths, dict):
        return None
    return frozenset(f"{method.upper()} {path}" for path, methods in paths.items() for method in methods)


async def told_wikis(asker: Asker, url: str) -> list[dict[str, Any]]:
    """The wikis that an arm says it has, each with a ``name``; none when it does not tell."""
    wikis = (await told(asker, url, "/api/wikis")).get("wikis", [])
    return list(filter(is_named, wikis if isinstance(wikis, list) else ()))


async def told_recent(asker: Asker, url: str, wiki: str, most: int = MOST_RECENT) -> list[int]:
    """Newest revisions of a wiki, as an arm tells them; none when it does not."""
    document = await told(asker, url, f"/api/{quote(wiki, safe='')}/recent?limit={most}")
    found = document.get("revisions", [])
    return [rev_id for rev_id in found if isinstance(rev_id, int)] if isinstance(found, list) else []


async def _with_thresholds(asker: Asker, url: str, models: dict[str, list[str]]) -> set[tuple[str, str]]:
    """Models that have tables of thresholds to be asked; others, such as the test wiki's, have none."""
    found = set()
    for wiki, names in models.items():
        for model in names:
            target = f"/v3/scores/{wiki}/?models={model}&model_info=statistics.thresholds"
            if (await asker.ask(url, Ask(target))).status == 200:
                found.add((wiki, model))
    return found


async def told(asker: Asker, url: str, target: str) -> dict[str, Any]:
    """The JSON object that an arm answers with; empty when it answers anything else."""
    answer = await asker.ask(url, Ask(target))
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return document if answer.status == 200 and isinstance(document, dict) else {}


def is_named(value: Any) -> bool:
    """Whether it is an object with a name."""
    return isinstance(value, dict) and isinstance(value.get("name"), str)
