"""The probabilities at which users act: a score that crosses one flips a filter or sets off a bot.

Told by the stable arm itself, as MediaWiki's clients ask for them: ORES's threshold queries, of every label
of every model that has a table of thresholds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from assay.rollout.evidence.asker import Asker
from assay.rollout.evidence.told import told

QUERIES: Final = (
    "maximum recall @ precision >= 0.9",
    "maximum recall @ precision >= 0.6",
    "maximum filter_rate @ recall >= 0.9",
)
"""Of the filters "very likely" and "likely bad", and of the bot that must not miss much."""

_AT_ONCE: Final = 4
"""Models asked about at the same time, fewer than a client may have (quota.concurrent)."""

Points = dict[tuple[str, str], dict[str, tuple[float, ...]]]
"""(wiki, model) to label to probabilities."""


async def operating_points(asker: Asker, url: str) -> Points:
    """Of all wikis and models that answer; those that do not have none, and are judged by their predictions.
    Never raises."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def of_model(wiki: str, model: str) -> dict[str, tuple[float, ...]]:
        async with turns:
            labels = await _labels(asker, url, wiki, model)
            found = {label: await _thresholds(asker, url, wiki, model, label) for label in labels}
        return {label: values for label, values in found.items() if values}

    models = list(_models(await told(asker, url, "/v3/scores/")))
    points = await asyncio.gather(*(of_model(*names) for names in models))
    return {names: found for names, found in zip(models, points, strict=True) if found}


async def _labels(asker: Asker, url: str, wiki: str, model: str) -> list[str]:
    info = await _info(asker, url, wiki, model, "params.labels")
    labels = _at(info, "params", "labels")
    return [str(label).lower() if isinstance(label, bool) else str(label) for label in labels or ()]


async def _thresholds(asker: Asker, url: str, wiki: str, model: str, label: str) -> tuple[float, ...]:
    asked = "|".join(f"statistics.thresholds.{_quoted(label)}.{_quoted(query)}" for query in QUERIES)
    info = await _info(asker, url, wiki, model, asked)
    optima = _at(info, "statistics", "thresholds", label)
    thresholds = {item.get("threshold") for item in optima or () if isinstance(item, dict)}
    return tuple(sorted(value for value in thresholds if isinstance(value, float | int)))


async def _info(asker: Asker, url: str, wiki: str, model: str, asked: str) -> Any:
    target = f"/v3/scores/{quote(wiki)}/?models={quote(model)}&model_info={quote(asked, safe='')}"
    return _at(await told(asker, url, target), wiki, "models", model)


def _models(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for wiki, about in document.items():
        for model in _at(about, "models") or ():
            yield wiki, str(model)


def _quoted(part: str) -> str:
    return "'" + part.replace("'", "") + "'"


def _at(document: Any, *path: str) -> Any:
    for part in path:
        if not isinstance(document, dict):
            return None
        document = document.get(part)
    return document
