"""The threshold explorer: what every threshold of a model does, and how to ask for the one that was chosen.

All figures stand in the page's table; the script moves a handle over it and copies cells, so that what is
read out is what the server said. Without JavaScript the chosen threshold comes with the form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, isfinite
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from assay.errors import BadParameter
from assay.models.statistics.intervals import Interval, intervals_95
from assay.models.statistics.measured import Measured
from assay.models.statistics.query import Query
from assay.scoring.wikis import Wikis
from assay.serving.native.models import ModelsApi
from assay.serving.pages import curves
from assay.serving.pages.site import Site
from assay.serving.pages.wording import model_title
from assay.serving.parameters import read_fields

HOLDS: Final = {
    "precision": "maximum recall @ precision >= {}",
    "recall": "maximum precision @ recall >= {}",
}
"""What is asked for when a chosen threshold is to be found again by its precision, or by its recall."""
LEAST_RECALL: Final = 0.1
"""A point that catches less shows the edge of what a model can do: nobody begins to look there."""


class ThresholdPages:
    """``/models/{wiki}/{model}/thresholds``."""

    def __init__(self, site: Site, wikis: Wikis, models: ModelsApi) -> None:
        self._site = site
        self._wikis = wikis
        self._models = models

    def add_to(self, routes: APIRouter) -> None:
        self._site.add(routes, "/models/{wiki}/{model}/thresholds", self.explorer)

    async def explorer(self, request: Request) -> Response:
        wiki = self._wikis.named(request.path_params["wiki"])
        (model,) = wiki.select([request.path_params["model"]])
        fields = await read_fields(request)
        label, measured = self._models.measured(model, fields.get("label") or None)
        document = self._models.table(wiki, model, label)
        table = document["table"]
        points = [
            {**point, "holds": _holds(point["query"])}
            for point in document["operating_points"]
            if point["label"] == label
        ]
        index = curves.row_at(table, _at(fields.get("at", ""), points, table))
        hold = _hold(fields.get("hold", "")) or _held_at(points, table[index]["threshold"])
        return self._site.page(
            "thresholds.html",
            here="models",
            told=document,
            title=model_title(model.name),
            points=points,
            curves=curves.curves(table),
            frame=curves,
            chosen={**table[index], "intervals_95": self._intervals(measured, index)},
            hold=hold,
            queries={name: query(document, hold=name, share=table[index][name]) for name in HOLDS},
        )

    @staticmethod
    def _intervals(measured: Measured, index: int) -> Mapping[str, Interval | None]:
        return intervals_95(measured.counts(measured.table[index]), measured.population_rate)


def query(document: Mapping[str, Any], *, hold: str, share: float | None) -> dict[str, str] | None:
    """How programs ask for the threshold that holds so much precision or recall: ORES's path, and the address
    that it is a part of. None where the statistic is not defined."""
    if share is None:
        return None
    path = f"statistics.thresholds.{_quoted(document['label'])}.'{HOLDS[hold].format(_down(share))}'"
    wiki, model = quote(document["wiki"], safe=""), quote(document["model"], safe="")
    return {
        "path": path,
        "address": f"/v3/scores/{wiki}/?models={model}&model_info={quote(path, safe='')}",
    }


def _down(share: float) -> str:
    """Three digits, never more than the threshold really has."""
    return f"{floor(share * 1000 + 1e-9) / 1000:g}"


def _quoted(label: str) -> str:
    """As a part of a dotted path."""
    return f"'{label}'" if "." in label else label


def _at(text: str, points: Sequence[Mapping[str, Any]], table: Sequence[Mapping[str, Any]]) -> float:
    """The threshold asked for; when there is none, one to begin with."""
    if not text:
        return opening(points, table)
    try:
        at = float(text)
    except ValueError:
        at = float("nan")
    if not (isfinite(at) and 0 <= at <= 1):
        raise BadParameter(f"{text[:40]!r} is no threshold: give a number from 0 to 1.")
    return at


def opening(points: Sequence[Mapping[str, Any]], table: Sequence[Mapping[str, Any]]) -> float:
    """Where a reader begins who asked for no threshold: the named point that catches most; where each catches
    less than `LEAST_RECALL`, or no threshold reaches it, the greatest F1 of the table."""
    cuts = [point["cut"] for point in points if point["cut"]]
    useful = [cut["threshold"] for cut in cuts if (cut["statistics"]["recall"] or 0.0) >= LEAST_RECALL]
    if useful:
        return float(min(useful))
    return float(max(table, key=lambda row: row["f1"] or 0.0)["threshold"])


def _hold(name: str) -> str:
    if name and name not in HOLDS:
        raise BadParameter(f"There is no way to hold {name[:40]!r}: give precision or recall.")
    return name


def _holds(text: str) -> str | None:
    """What a point's query asks for at least, as far as readers may choose it."""
    asked = Query.parse(text)
    return asked.condition if asked.at_least and asked.condition in HOLDS else None


def _held_at(points: Sequence[Mapping[str, Any]], threshold: float) -> str:
    """What to keep where the reader did not say: what the named point at `threshold` does."""
    here = (point for point in points if point["cut"] and point["cut"]["threshold"] == threshold)
    return next((str(point["holds"]) for point in here if point["holds"]), "precision")
