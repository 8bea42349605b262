"""All models that this server scores with, and each one's card.

A card is made anew from the bundle's manifest and statistics, not copied from its ``card.html``: equal facts
give equal cards, and no markup from a bundle reaches a reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from markupsafe import Markup

from assay.models.cards.card import card_sections
from assay.models.facts import read_manifest
from assay.models.model import Model
from assay.scoring.wikis import Wiki, Wikis
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.site import Site
from assay.serving.pages.wording import in_reading_order, model_title


class ModelPages:
    """``/models/`` and ``/models/{wiki}/{model}``."""

    def __init__(self, site: Site, wikis: Wikis, infos: ModelInfos) -> None:
        self._site = site
        self._wikis = wikis
        self._infos = infos
        self._cards: dict[str, Markup] = {}

    def add_to(self, routes: APIRouter) -> None:
        self._site.add(routes, "/models/", self.all)
        self._site.add(routes, "/models/{wiki}/{model}", self.card)

    async def all(self, _: Request) -> Response:
        """Every wiki with its models, and how good they are."""
        told = await asyncio.to_thread(lambda: [self._wiki(wiki) for wiki in self._wikis.values()])
        return self._site.page("models.html", here="models", told=told, with_feed=self._site.options.wikis)

    async def card(self, request: Request) -> Response:
        """One model's card."""
        wiki = self._wikis.named(request.path_params["wiki"])
        (model,) = wiki.select([request.path_params["model"]])
        told = await asyncio.to_thread(self._model, model)
        return self._site.page(
            "card.html",
            here="models",
            wiki=wiki.name,
            told=told,
            card=await asyncio.to_thread(self._card, model),
            with_feed=self._site.options.wikis,
        )

    def _wiki(self, wiki: Wiki) -> dict[str, Any]:
        models = [self._model(wiki.models[name]) for name in in_reading_order(wiki.models)]
        return {"name": wiki.name, "models": models}

    def _model(self, model: Model) -> dict[str, Any]:
        tree = self._infos.tree(model)
        statistics: Mapping[str, Any] = tree.get("statistics") or {}
        return {
            "name": model.name,
            "title": model_title(model.name),
            "of": model.wiki,
            "version": model.version,
            "digest": model.digest,
            "labels": len(model.labels),
            "description": tree.get("description", ""),
            "rows": statistics.get("counts", {}).get("n"),
            "roc_auc": _area(statistics),
            "has_thresholds": bool(statistics.get("thresholds")),
        }

    def _card(self, model: Model) -> Markup | None:
        """None for a model that came from no bundle."""
        path = self._infos.path(model)
        if path is None:
            return None
        if model.digest not in self._cards:
            statistics = self._infos.tree(model)["statistics"]
            self._cards[model.digest] = Markup(card_sections(read_manifest(path), statistics))  # noqa: S704
        return self._cards[model.digest]


def _area(statistics: Mapping[str, Any]) -> float | None:
    found: float | None = statistics.get("roc_auc", {}).get("macro")
    return found
