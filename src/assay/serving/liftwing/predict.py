"""Lift Wing's routes, which are those of KServe's first protocol: ``/v1/models/…``.

Also under the prefix that Wikimedia's gateway has, so that a client changes nothing but the host's name.
What Lift Wing does and Assay does not: post the score on to an event stream (``assay precache`` does).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.errors import BadParameter
from assay.serving import openapi
from assay.serving.cells import cell_document
from assay.serving.health import Readiness
from assay.serving.json_body import read_object
from assay.serving.liftwing.asked import Asked, read_asked, read_extended
from assay.serving.liftwing.names import NamedModel, named_models, no_such_model
from assay.serving.liftwing.revertrisk import MODELS as REVERT_RISK
from assay.serving.liftwing.revertrisk import RevertRisk
from assay.serving.liftwing.scorer import Scorer, scored
from assay.serving.refusals import HttpError
from assay.serving.respond import json_response

GATEWAY: Final = "/service/lw/inference"
"""The path of Lift Wing at api.wikimedia.org."""

_NAME: Final = openapi.name_path("name", "Wiki and model, such as enwiki-damaging, or revertrisk-….")
_VERBS: Final = (":predict", ":explain")


class LiftWing:
    """The handlers. `readiness`: of the whole server."""

    def __init__(self, scorer: Scorer, readiness: Callable[[], Awaitable[Readiness]]) -> None:
        self._scorer = scorer
        self._readiness = readiness
        self._models = named_models(scorer.wikis)
        self._revert_risk = RevertRisk(scorer)

    def router(self) -> APIRouter:
        router = APIRouter(tags=["Lift Wing"])
        body = openapi.json_body("Prediction")
        self._add(router, "POST", "/v1/models/{name}:predict", self.predict, "PredictedScores", body)
        self._add(router, "POST", "/v1/models/{name}:explain", self.explain, "PredictedScores", body)
        self._add(router, "GET", "/v1/models/{name}", self.model, "KserveModel")
        self._add(router, "GET", "/v1/models", self.models, "KserveModels")
        return router

    def _add(
        self,
        router: APIRouter,
        method: str,
        path: str,
        handler: Any,
        schema: str,
        body: dict[str, Any] | None = None,
    ) -> None:
        statuses = (404, 422, 429, 503, 504) if body else (404, 503)
        described: dict[str, Any] = {"parameters": [_NAME] if "{name}" in path else []}
        router.add_api_route(
            path,
            handler,
            methods=[method],
            summary=handler.__doc__,
            operation_id=f"kserve_{handler.__name__}",
            responses=openapi.responses(schema, *statuses, error="KserveError"),
            openapi_extra=described | ({"requestBody": body} if body else {}),
        )
        router.add_api_route(GATEWAY + path, handler, methods=[method], include_in_schema=False)

    # -- handlers ------------------------------------------------------------------------------------

    async def models(self) -> Response:
        """Names of all models"""
        listed = {name for name, named in self._models.items() if named.is_listed}
        return json_response({"models": sorted({*listed, *REVERT_RISK})})

    async def model(self, request: Request) -> Response:
        """Whether a model is ready"""
        name = request.path_params["name"]
        if name.endswith(_VERBS):
            raise HttpError(405, "GET cannot be used here; use POST.", {"Allow": "POST"})
        if name not in REVERT_RISK:
            self._named(name)
        if (await self._readiness()).state != "ready":
            raise HttpError(503, f"Model with name {name} is not ready.", {"Retry-After": "2"})
        return json_response({"name": name, "ready": True})

    async def predict(self, request: Request) -> Response:
        """One model's score, as ORES told it; with extended_output also the features"""
        body = await read_object(request, any_type=True)
        if request.path_params["name"] in REVERT_RISK:
            return await self._revert_risk.predict(request, body)
        return await self._scores(request, body, features=read_extended(body), explain=False)

    async def explain(self, request: Request) -> Response:
        """One model's score with its features and each feature's contribution in log-odds"""
        body = await read_object(request, any_type=True)
        if request.path_params["name"] in REVERT_RISK:
            raise BadParameter("Ask the wiki's own model for the explanation: <wiki>-reverted:explain.")
        return await self._scores(request, body, features=True, explain=True)

    async def _scores(
        self, request: Request, body: dict[str, Any], *, features: bool, explain: bool
    ) -> Response:
        named = self._named(request.path_params["name"])
        asked = read_asked(body)
        self._check_wiki(asked, named)
        rev_id, cell = await self._scorer.one(
            request, named.wiki, named.model, asked.subject, features=features, explain=explain
        )
        row = {named.called: cell_document(scored(cell, rev_id), named.model)}
        models = {named.called: {"version": named.model.version}}
        document = {named.wiki.name: {"models": models, "scores": {str(rev_id): row}}}
        return json_response(document, headers=self._scorer.headers(request, [cell]))

    def _check_wiki(self, asked: Asked, named: NamedModel) -> None:
        """Another wiki's id would be scored as a revision of this one."""
        if asked.wiki is not None and self._scorer.called(asked.wiki) != named.wiki.name:
            raise BadParameter(
                f"The event is of {asked.wiki}; {named.name} scores revisions of {named.wiki.name}."
            )

    def _named(self, name: str) -> NamedModel:
        if name not in self._models:
            raise no_such_model(name)
        return self._models[name]
