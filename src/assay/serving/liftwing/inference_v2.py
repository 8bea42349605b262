"""The Open Inference Protocol, version 2, for the same models: ``/v2``, ``/v2/health/…``, ``/v2/models/…``.

ORES's second API lies under ``/v2/``, too. No path is in both but ``/v2`` itself, which tells a program what
the server is and sends a browser to ORES's page at ``/v2/``: docs/decisions/2026-11-26-lift-wing.md.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from assay import __version__
from assay.serving import openapi
from assay.serving.health import Readiness
from assay.serving.json_body import read_object
from assay.serving.liftwing.names import NamedModel, named_models, no_such_model
from assay.serving.liftwing.scorer import Scorer
from assay.serving.liftwing.tensors import metadata, outputs, read_inference
from assay.serving.media import prefers
from assay.serving.refusals import HttpError
from assay.serving.respond import json_response

_NAME: Final = openapi.name_path("name", "Wiki and model, such as enwiki-damaging.")
_VERSION: Final = openapi.name_path("version", "The model's version, the one that the server has.")

_NOT_READY: Final = {
    "description": "Something fails; see /readyz.",
    "content": {"application/json": {"schema": openapi.ref("InferenceReady")}},
}


class InferenceV2:
    """The handlers. `readiness`: of the whole server."""

    def __init__(self, scorer: Scorer, readiness: Callable[[], Awaitable[Readiness]]) -> None:
        self._scorer = scorer
        self._readiness = readiness
        self._models = named_models(scorer.wikis)

    def router(self) -> APIRouter:
        router = APIRouter(tags=["Open Inference Protocol"])
        self._get(router, "/v2", self.server, "InferenceServer", more={307: {"description": "To a browser."}})
        self._get(router, "/v2/health/live", self.live, "InferenceLive")
        self._get(router, "/v2/health/ready", self.ready, "InferenceReady", more={503: _NOT_READY})
        for name, model in (
            ("model", "/v2/models/{name}"),
            ("model_version", "/v2/models/{name}/versions/{version}"),
        ):
            self._get(router, model, self.model, "InferenceModel", name)
            self._get(router, f"{model}/ready", self.model_ready, "KserveModel", f"{name}_ready")
            self._infer(router, f"{model}/infer", f"{name}_infer")
        return router

    def _get(
        self,
        router: APIRouter,
        path: str,
        handler: Any,
        schema: str,
        name: str = "",
        more: dict[int | str, dict[str, Any]] | None = None,
    ) -> None:
        router.add_api_route(
            path,
            handler,
            methods=["GET"],
            summary=handler.__doc__,
            operation_id=f"inference_{name or handler.__name__}",
            responses={**openapi.responses(schema, 404, 503, error="KserveError"), **(more or {})},
            openapi_extra={"parameters": _parameters(path)},
        )

    def _infer(self, router: APIRouter, path: str, name: str) -> None:
        router.add_api_route(
            path,
            self.infer,
            methods=["POST"],
            summary=self.infer.__doc__,
            operation_id=f"inference_{name}",
            responses=openapi.responses("Inferred", 404, 429, 503, 504, error="KserveError"),
            openapi_extra={"parameters": _parameters(path), "requestBody": openapi.json_body("Inference")},
        )

    # -- handlers ------------------------------------------------------------------------------------

    async def server(self, request: Request) -> Response:
        """What this server is"""
        if "spec" in request.query_params or prefers(request, "text/html", "application/json"):
            return RedirectResponse(str(request.url.replace(scheme="", netloc="", path="/v2/")), 307)
        return json_response({"name": "assay", "version": __version__, "extensions": []})

    async def live(self) -> Response:
        """The process answers"""
        return json_response({"live": True})

    async def ready(self) -> Response:
        """Every set of models scores a made-up revision"""
        is_ready = await self._is_ready()
        return json_response({"live": True, "ready": is_ready}, status=200 if is_ready else 503)

    async def model(self, request: Request) -> Response:
        """A model's tensors"""
        named = self._named(request)
        return json_response(metadata(named.name, named.model))

    async def model_ready(self, request: Request) -> Response:
        """Whether a model is ready"""
        named = self._named(request)
        if not await self._is_ready():
            raise HttpError(503, f"Model with name {named.name} is not ready.", {"Retry-After": "2"})
        return json_response({"name": named.name, "ready": True})

    async def infer(self, request: Request) -> Response:
        """One model's scores of up to 50 revisions, as tensors"""
        named = self._named(request)
        asked = read_inference(await read_object(request, any_type=True))
        cells = await self._scorer.many(request, named.wiki, named.model, asked.rev_ids)
        rows = [cells[rev_id] for rev_id in asked.rev_ids]
        document = {
            "model_name": named.name,
            "model_version": named.model.version,
            "outputs": outputs(named.model, rows, asked.outputs),
        }
        named_request = {} if asked.id is None else {"id": asked.id}
        return json_response(document | named_request, headers=self._scorer.headers(request, rows))

    async def _is_ready(self) -> bool:
        return (await self._readiness()).state == "ready"

    def _named(self, request: Request) -> NamedModel:
        name, version = request.path_params["name"], request.path_params.get("version")
        if name not in self._models:
            raise no_such_model(name)
        named = self._models[name]
        if version not in (None, named.model.version):
            raise HttpError(404, f"{name} has version {named.model.version} here, not {version[:100]}.")
        return named


def _parameters(path: str) -> list[dict[str, Any]]:
    return [parameter for parameter in (_NAME, _VERSION) if f"{{{parameter['name']}}}" in path]
