"""What a model is and what its thresholds do, from its bundle's statistics: no trees are needed.

The contract::

    GET /api/{wiki}/models/{model}
      {"wiki": "enwiki", "model": "damaging", "version": "1.0.0", "digest": "…", "kind": "binary",
       "description": "…", "labels": ["true", "false"], "statistics": {…} | null, "training": {…}, "limits":
       ["…"], "operating_points": ["likelygood", …]}
      `statistics`: ORES's tree (counts, rates, precision, …, roc_auc) without the threshold tables, with
      Assay's own figures under "assay"; null when nothing was measured.

    GET /api/{wiki}/models/{model}/thresholds?label=true          `label` defaults to the first
      {"wiki", "model", "version", "digest", "labels": ["true", "false"], "label": "true",
       "sample": {"rows": 3500, "with_label": 1753}, "population_rate": 0.034 | null,
       "table": [ROW, …], "operating_points": [POINT, …]}
      ROW: {"threshold", "precision", "recall", "filter_rate", "match_rate", "fpr", "f1", "accuracy",
            "!precision", "!recall", "!f1", "counts": {"tp", "fp", "tn", "fn"}}
      Rows ascend by threshold. A revision matches when the label's probability is at least the threshold.
      Shares are of the population when its rate is known, else of the sample; null where they would divide by
      nought. `counts` are rows of the sample, never scaled. `operating_points` are those of all labels.
      404 (`no_statistics`) when nothing was measured.

    GET /api/{wiki}/models/{model}/thresholds?label=true&query=maximum recall @ precision >= 0.9
      {"wiki", "model", "version", "digest", "label", "query", "satisfiable", "cut": CUT | null,
       "nearest": CUT | null}

    GET /api/{wiki}/models/{model}/thresholds?point=likelybad
      {"wiki", "model", "version", "digest", …POINT}

    POINT: {"name": "likelybad", "title": "Likely have problems", "label": "true",
            "query": "maximum recall @ precision >= 0.6", "satisfiable": true, "cut": CUT | null,
            "nearest": CUT | null, "range": [0.41, 1] | null}
      `cut` is the best row that meets the query's condition; null, and `satisfiable` false, when none
      does: then `nearest` is the row that comes closest to the condition.
      `range`: what the point means as the least and greatest probability of "true" (binary models whose
      point is satisfiable); a point of the label "false" at threshold t is [0, 1 - t].
    CUT: {"threshold", "statistics": {"precision": 0.61, …}, "intervals_95": {"precision": [0.52, 0.69], …},
          "counts": {"tp", "fp", "tn", "fn"}}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.errors import BadParameter
from assay.models.model import Model
from assay.models.recipe import label_name
from assay.models.statistics.confusion import Confusion
from assay.models.statistics.document import DIGITS, HALF_UNIT, rounded
from assay.models.statistics.measured import Answer, Cut, Measured, answer
from assay.models.statistics.operating_points import OperatingPoint, Points, points_of
from assay.models.statistics.query import Query
from assay.scoring.wikis import Wiki, Wikis
from assay.serving import openapi
from assay.serving.native.routes import MODEL, WIKI, add_route, document
from assay.serving.ores.model_info import ModelInfos
from assay.serving.parameters import read_fields
from assay.serving.refusals import HttpError
from assay.serving.respond import json_response

ConfiguredPoints = Mapping[str, Mapping[str, Points]]
"""An operator's own points, by wiki and model."""
_THRESHOLDS: Final = ("Thresholds", "Optimum", "NamedPoint")
"""What the route tells: all, the best of a query, one point."""


class ModelsApi:
    """The handlers. `infos`: what is known of each model."""

    def __init__(self, wikis: Wikis, infos: ModelInfos, configured: ConfiguredPoints) -> None:
        self._wikis = wikis
        self._infos = infos
        self._configured = configured
        self._told: dict[tuple[str, str, str], list[dict[str, Any]]] = {}

    def router(self) -> APIRouter:
        router = APIRouter(tags=["native"])
        path = "/api/{wiki}/models/{model}"
        label = openapi.query_parameter(
            "label", "The label that is cut; the first by default.", openapi.STRING
        )
        query = openapi.query_parameter(
            "query", "Such as 'maximum recall @ precision >= 0.9'; the best cut only.", openapi.STRING
        )
        point = openapi.query_parameter("point", "An operating point's name; that one only.", openapi.STRING)
        add_route(router, "GET", path, self.model, document("ModelCard"), [WIKI, MODEL])
        thresholds = {"application/json": {"schema": {"anyOf": [openapi.ref(name) for name in _THRESHOLDS]}}}
        asked = [WIKI, MODEL, label, query, point]
        add_route(router, "GET", f"{path}/thresholds", self.thresholds, thresholds, asked)
        return router

    # -- handlers ------------------------------------------------------------------------------------

    async def model(self, request: Request) -> Response:
        """What a model is: labels, measured statistics, training, limits"""
        wiki, model = self._asked(request)
        tree = self._infos.tree(model)
        params = tree["params"]
        training = params.get("training", {})
        recipe = training.get("recipe", {})
        statistics = tree.get("statistics")
        return json_response(
            {
                **_names(wiki, model),
                "kind": tree["type"],
                "description": tree.get("description", ""),
                "labels": _labels(model),
                "statistics": _without_tables(statistics) if statistics else None,
                "training": {key: value for key, value in training.items() if key != "recipe"},
                "limits": recipe.get("limits", []),
                "operating_points": list(self._points(wiki, model)) if statistics else [],
            }
        )

    async def thresholds(self, request: Request) -> Response:
        """What a label's thresholds do, and where named operating points lie"""
        wiki, model = self._asked(request)
        fields = await read_fields(request)
        if "point" in fields:
            if not {"label", "query"}.isdisjoint(fields):
                raise BadParameter("Give point alone: it has a label and a query of its own.")
            return json_response(self.point(wiki, model, fields["point"]))
        if "query" not in fields:
            return json_response(self.table(wiki, model, fields.get("label")))
        label, measured = self.measured(model, fields.get("label"))
        query = fields["query"].strip()
        found = answer(Query.parse(query), measured)
        return json_response(
            {**_names(wiki, model), "label": label, "query": query, **_answer_document(found)}
        )

    # -- documents, for pages, too -------------------------------------------------------------------

    def table(self, wiki: Wiki, model: Model, label: str | None) -> dict[str, Any]:
        """All thresholds of a label (None: the first), and all operating points. Raises as `measured`."""
        label, measured = self.measured(model, label)
        return {
            **_names(wiki, model),
            "labels": _labels(model),
            "label": label,
            "sample": {"rows": measured.rows, "with_label": measured.trues},
            "population_rate": measured.population_rate,
            "table": [{**row, "counts": _counts(measured.counts(row))} for row in measured.table],
            "operating_points": self.points(wiki, model),
        }

    def is_measured(self, model: Model) -> bool:
        return bool((self._infos.tree(model).get("statistics") or {}).get("thresholds"))

    def measured(self, model: Model, label: str | None) -> tuple[str, Measured]:
        """The label (None: the first) and what its table rests on. Raises `HttpError` 404 when nothing was
        measured, `BadParameter` for a label that the model has not."""
        statistics = self._statistics(model)
        name = _label(model, label)
        return name, Measured.of(statistics, name)

    def points(self, wiki: Wiki, model: Model) -> list[dict[str, Any]]:
        """``POINT``s; made once: intervals take a few milliseconds each. Raises as `measured`."""
        key = wiki.name, model.name, model.digest
        if key not in self._told:
            statistics = self._statistics(model)
            self._told[key] = [
                _point_document(name, point, Measured.of(statistics, point.label))
                for name, point in self._points(wiki, model).items()
            ]
        return self._told[key]

    def point(self, wiki: Wiki, model: Model, name: str) -> dict[str, Any]:
        """The one of that name. Raises as `measured`, and `BadParameter` when there is none."""
        points = {point["name"]: point for point in self.points(wiki, model)}
        if name not in points:
            raise BadParameter(
                f"{model.name} has no operating point {name[:100]!r}; it has: {', '.join(points)}."
            )
        return {**_names(wiki, model), **points[name]}

    # -- parts ---------------------------------------------------------------------------------------

    def _asked(self, request: Request) -> tuple[Wiki, Model]:
        wiki = self._wikis.named(request.path_params["wiki"])
        (model,) = wiki.select_called((request.path_params["model"],)).values()
        return wiki, model

    def _statistics(self, model: Model) -> Mapping[str, Any]:
        statistics: Mapping[str, Any] = self._infos.tree(model).get("statistics") or {}
        if not statistics.get("thresholds"):
            raise HttpError(
                404, f"Nothing was measured of {model.name}, so it has no thresholds.", code="no_statistics"
            )
        return statistics

    def _points(self, wiki: Wiki, model: Model) -> Points:
        configured = self._configured.get(wiki.name, {}).get(model.name, {})
        return points_of(model.name, _labels(model), configured)


def _names(wiki: Wiki, model: Model) -> dict[str, str]:
    return {"wiki": wiki.name, "model": model.name, "version": model.version, "digest": model.digest}


def _labels(model: Model) -> list[str]:
    return [label_name(label) for label in model.labels]


def _label(model: Model, asked: str | None) -> str:
    labels = _labels(model)
    if asked is None:
        return labels[0]
    if asked not in labels:
        raise BadParameter(f"{model.name} has no label {asked[:100]!r}; it has: {', '.join(labels)}.")
    return asked


def _without_tables(statistics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statistics.items() if name != "thresholds"}


def _point_document(name: str, point: OperatingPoint, measured: Measured) -> dict[str, Any]:
    found = answer(Query.parse(point.query), measured)
    return {
        "name": name,
        "title": point.title or name,
        "label": point.label,
        "query": point.query,
        **_answer_document(found),
        "range": _range(point.label, found.cut),
    }


def _answer_document(found: Answer) -> dict[str, Any]:
    return {
        "satisfiable": found.cut is not None,
        "cut": _cut_document(found.cut),
        "nearest": _cut_document(found.nearest),
    }


def _cut_document(cut: Cut | None) -> dict[str, Any] | None:
    if cut is None:
        return None
    return {
        "threshold": cut.threshold,
        "statistics": cut.statistics,
        "intervals_95": rounded(cut.intervals_95),
        "counts": _counts(cut.counts),
    }


def _counts(counts: Confusion) -> dict[str, float]:
    return {"tp": counts.tp, "fp": counts.fp, "tn": counts.tn, "fn": counts.fn}


def _range(label: str, cut: Cut | None) -> list[float] | None:
    """As the least and greatest probability of true: of every score that the cut's statistics count. Told to
    six digits, the threshold may be above the score that it was, which many edits may share."""
    if cut is None or label not in ("true", "false"):
        return None
    least = max(0.0, round(cut.threshold - HALF_UNIT, DIGITS + 1))
    return [least, 1.0] if label == "true" else [0.0, round(1 - least, DIGITS + 1)]
