"""The live list of a wiki's recent edits, rendered here, so that it works without JavaScript.

The script asks for the same page again and takes the new edits out of it: what an edit looks like is written
down once, in ``edits.html``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Request, Response

from assay.scoring.wikis import Wiki
from assay.serving.backend import Backend
from assay.serving.feed import DEFAULT_EDITS, MAX_EDITS, Edit, Feed
from assay.serving.native.feed import scores_document
from assay.serving.native.models import ModelsApi
from assay.serving.pages.filters import chosen, filters_of
from assay.serving.pages.site import Site
from assay.serving.pages.wording import in_reading_order, listed, model_title, percent, tone
from assay.serving.parameters import parse_limit, read_fields
from assay.serving.respond import unless_known


class FeedPages:
    """``/feed/`` and ``/feed/{wiki}``."""

    def __init__(self, site: Site, backend: Backend, feed: Feed, models: ModelsApi) -> None:
        self._site = site
        self._backend = backend
        self._feed = feed
        self._models = models

    def add_to(self, routes: APIRouter) -> None:
        self._site.add(routes, "/feed/", self.choice)
        self._site.add(routes, "/feed/{wiki}", self.edits)

    async def choice(self, _: Request) -> Response:
        """All wikis that have a feed; where there is one only, its feed at once."""
        wikis = self._site.options.wikis
        is_known = len(wikis) == 1
        page = self._site.page("feeds.html", status=302 if is_known else 200, here="feed", wikis=wikis)
        if is_known:
            page.headers["Location"] = f"/feed/{quote(wikis[0], safe='')}"
        return page

    async def edits(self, request: Request) -> Response:
        """The latest edits of one wiki, narrowed as the address says."""
        wiki = self._backend.wiki(request)
        fields = await read_fields(request)
        limit = parse_limit(fields.get("limit", str(DEFAULT_EDITS)), MAX_EDITS)
        filters = filters_of(wiki, self._models)
        show = chosen(filters, fields.get("show", ""))
        deadline = self._backend.deadline()
        async with self._backend.gate.hold(request, cost=limit):
            edits = await self._feed.latest(wiki, limit, deadline)
        rows = [_row(wiki, edit) for edit in edits]
        for row in rows:
            row["is_shown"] = show is None or show.takes(row["scores"])
        page = self._site.page(
            "feed.html",
            here="feed",
            wiki=wiki.name,
            wikis=self._site.options.wikis,
            rows=rows,
            filters=filters,
            show=show,
            limit=limit,
            is_complete=all(edit.is_complete for edit in edits),
        )
        return unless_known(page, request)


def _row(wiki: Wiki, edit: Edit) -> dict[str, Any]:
    """What ``edits.html`` shows of an edit."""
    scores = scores_document(edit.cells)
    return {
        "id": edit.id,
        "revision": edit.revision,
        "scores": scores,
        "chances": orjson.dumps(_chances(scores)).decode(),
        "marks": (marks := [_mark(name, scores[name]) for name in in_reading_order(wiki.models)]),
        "failures": _failures(marks),
    }


def _failures(marks: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Why marks have no score and will have none: each reason once, and whose it is."""
    models: dict[str, list[str]] = {}
    for mark in marks:
        if mark["figure"] is None and not mark["is_late"]:
            models.setdefault(mark["why"], []).append(mark["title"])
    return [{"whose": _whose(titles, len(marks)), "why": why} for why, titles in models.items()]


def _whose(titles: Sequence[str], all_titles: int) -> str:
    return "No scores" if 1 < len(titles) == all_titles else f"No score for {listed(titles)}"


def _chances(scores: Mapping[str, Any]) -> dict[str, float]:
    """The probability of ``true`` by model, for filtering in the browser."""
    return {
        name: cell["probability"]["true"]
        for name, cell in scores.items()
        if "true" in cell.get("probability", {})
    }


def _mark(model: str, cell: Mapping[str, Any]) -> dict[str, Any]:
    """One model's score as a word and a bar."""
    mark = {"model": model, "title": model_title(model)}
    if "error" in cell:
        return {
            **mark,
            "figure": None,
            "why": cell["error"]["message"],
            "is_late": cell["error"]["retryable"],
        }
    chances: Mapping[str, float] = cell["probability"]
    share = chances["true"] if "true" in chances else chances[cell["prediction"]]
    figure = percent(share) if "true" in chances else str(cell["prediction"])
    words = None if "true" in chances else percent(share)
    return {
        **mark,
        "figure": figure,
        "words": words,
        "share": f"{share * 100:.1f}",
        "tone": tone(model, chances),
    }
