"""ORES's third API, shape for shape: ``/v3/scores/…``.

What ORES's clients compare is kept (paths with and without a final slash, parameters, documents, codes,
messages); what was a defect is not: one model's failure leaves the other models' scores, more
than fifty revisions are refused on every path, a message never holds a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.clock import Clock, Deadline
from assay.models.model import Model
from assay.scoring.request import ScoreRequest
from assay.scoring.service import ScoringService, Table
from assay.scoring.wikis import Wiki
from assay.serving import openapi
from assay.serving.cells import cache_headers, cell_document
from assay.serving.ores.model_info import ModelInfos
from assay.serving.ores.schemas import form_body, query_parameters
from assay.serving.parameters import ScoreParameters, parse, read_fields
from assay.serving.quota import Gate
from assay.serving.respond import json_response

_MANY: Final = ("models", "revids", "features", "explain", "model_info", "inject", "format", "precache")
_ONE: Final = tuple(name for name in _MANY if name != "revids")
_WIKI: Final = openapi.name_path("wiki", "Database name of the wiki, such as enwiki.")
_MODEL: Final = openapi.name_path("model", "Name of the model, such as damaging.")


class ScoresV3:
    """The handlers. `request_timeout_s`: seconds for one whole request."""

    def __init__(
        self, service: ScoringService, infos: ModelInfos, gate: Gate, clock: Clock, request_timeout_s: float
    ) -> None:
        self._service = service
        self._infos = infos
        self._gate = gate
        self._clock = clock
        self._timeout_s = request_timeout_s

    def router(self) -> APIRouter:
        router = APIRouter(tags=["ORES v3"])
        self._add(router, "/v3/scores/", self.wikis, (), ("model_info", "format"))
        self._add(router, "/v3/scores/{wiki}/", self.wiki, (_WIKI,), _MANY)
        self._add(router, "/v3/scores/{wiki}/{rev_id}/", self.revision, (_WIKI, openapi.rev_id_path()), _ONE)
        self._add(
            router,
            "/v3/scores/{wiki}/{rev_id}/{model}/",
            self.cell,
            (_WIKI, openapi.rev_id_path(), _MODEL),
            tuple(name for name in _ONE if name != "models"),
        )
        return router

    def _add(
        self,
        router: APIRouter,
        path: str,
        handler: Any,
        path_parameters: Sequence[dict[str, Any]],
        names: Sequence[str],
    ) -> None:
        described = [*path_parameters, *query_parameters(*names)]
        statuses = (404, 415, 429, 503, 504) if path_parameters else (415,)
        for method in ("GET", "POST"):
            extra: dict[str, Any] = {"parameters": described}
            if method == "POST":
                extra = {"parameters": list(path_parameters), "requestBody": form_body(*names)}
            router.add_api_route(
                path,
                handler,
                methods=[method],
                summary=handler.__doc__,
                operation_id=f"{handler.__name__}_{method.lower()}",
                responses=openapi.responses("Scores", *statuses),
                openapi_extra=extra,
            )
        router.add_api_route(
            path.removesuffix("/"), handler, methods=["GET", "POST"], include_in_schema=False
        )

    # -- handlers ------------------------------------------------------------------------------------

    async def wikis(self, request: Request) -> Response:
        """All wikis and their models"""
        asked = parse(await read_fields(request))
        document = {
            name: {"models": self._models(wiki.called, asked)} for name, wiki in self._service.wikis.items()
        }
        return json_response(document, compact=asked.compact)

    async def wiki(self, request: Request) -> Response:
        """Scores of up to 50 revisions; without revids, the wiki's models"""
        return await self._answer(request, parse(await read_fields(request)))

    async def revision(self, request: Request) -> Response:
        """Scores of one revision"""
        rev_id = request.path_params["rev_id"]
        return await self._answer(request, parse(await read_fields(request), rev_id))

    async def cell(self, request: Request) -> Response:
        """One model's score of one revision"""
        path = request.path_params
        return await self._answer(request, parse(await read_fields(request), path["rev_id"], path["model"]))

    async def _answer(self, request: Request, asked: ScoreParameters) -> Response:
        wiki = self._service.wikis.named(request.path_params["wiki"])
        models = _asked_models(wiki, asked)
        document: dict[str, Any] = {"models": self._models(models, asked)}
        headers: dict[str, str] = {}
        if asked.rev_ids:
            async with self._gate.hold(request, len(asked.rev_ids), bulk=asked.bulk):
                table = await self._scores(wiki, models, asked)
            document["scores"] = _scores_document(models, table)
            headers = cache_headers(cell for row in table.values() for cell in row.values())
        return json_response({wiki.name: document}, compact=asked.compact, headers=headers)

    def _models(self, models: Mapping[str, Model], asked: ScoreParameters) -> dict[str, Any]:
        return {name: self._infos.select(model, asked.model_info) for name, model in models.items()}

    async def _scores(self, wiki: Wiki, models: Mapping[str, Model], asked: ScoreParameters) -> Table:
        score_request = ScoreRequest(
            wiki=wiki.name,
            rev_ids=asked.rev_ids,
            models=tuple(dict.fromkeys(model.name for model in models.values())),
            injection=asked.injection,
            features=asked.features,
            explain=asked.explain,
            bulk=asked.bulk,
        )
        return await self._service.score(score_request, Deadline.after(self._timeout_s, self._clock))


def _scores_document(models: Mapping[str, Model], table: Table) -> dict[str, Any]:
    return {
        str(rev_id): {name: cell_document(cells[model.name], model) for name, model in models.items()}
        for rev_id, cells in table.items()
    }


def _asked_models(wiki: Wiki, asked: ScoreParameters) -> Mapping[str, Model]:
    """By the names to answer with. Without names: each model once; a list of models tells aliases as well.

    Raises `UnknownModel`.
    """
    if asked.models is None:
        return wiki.models if asked.rev_ids else wiki.called
    return wiki.select_called(asked.models)
