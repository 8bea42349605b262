"""ORES's score routes, of all versions: one reading of parameters, one way to the scores, one set of limits.

What ORES's clients compare is kept (paths with and without a final slash, parameters, documents, codes,
messages); what was a defect is not: one model's failure leaves the other models' scores, more than fifty
revisions and clients over their quota are refused in every version, a message never holds a traceback, and
how one request wants its JSON is nobody else's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from assay.models.model import Model
from assay.revisions.problem import revision_not_found
from assay.scoring.request import ScoreRequest
from assay.scoring.service import Table
from assay.scoring.wikis import Wiki
from assay.serving import openapi
from assay.serving.backend import Backend
from assay.serving.ores.model_info import ModelInfos
from assay.serving.ores.schemas import PATH_PARAMETERS, form_body, query_parameters
from assay.serving.ores.v1 import V1
from assay.serving.ores.v2 import V2
from assay.serving.ores.v3 import V3
from assay.serving.ores.version import Answer, Version
from assay.serving.parameters import NO_REVISION, ScoreParameters, known, parse, read_fields
from assay.serving.respond import ores_response

VERSIONS: Final = (V1, V2, V3)

_SUMMARIES: Final[dict[tuple[str, ...], str]] = {
    (): "All wikis and their models",
    ("wiki",): "Scores of up to 50 revisions; without revids, the wiki's models",
    ("wiki", "model"): "One model's scores of up to 50 revisions; without revids, the model",
    ("wiki", "rev_id"): "Scores of one revision",
    ("wiki", "model", "rev_id"): "One model's score of one revision",
    ("wiki", "rev_id", "model"): "One model's score of one revision",
}
"""By the parameters of the path."""


class ScoreRoutes:
    """The handlers."""

    def __init__(self, backend: Backend, infos: ModelInfos) -> None:
        self._backend = backend
        self._infos = infos

    def router(self) -> APIRouter:
        router = APIRouter()
        for version in VERSIONS:
            for root in version.roots:
                for path in version.paths:
                    self._add(router, version, root, path)
        return router

    def _add(self, router: APIRouter, version: Version, root: str, path: str) -> None:
        names = version.parameters_of(path)
        parts = tuple(re.findall(r"{(\w+)}", path))
        described = [PATH_PARAMETERS[part] for part in parts]
        bodies: Mapping[str, Any] = {
            "GET": {"parameters": [*described, *query_parameters(*names)]},
            "POST": {"parameters": described, "requestBody": form_body(*names)},
        }

        async def handler(request: Request) -> Response:
            fields = known(await read_fields(request), names)
            if not path:
                return self._wikis(version, parse(fields))
            return await self._scores(version, request, fields)

        for method, extra in bodies.items():
            router.add_api_route(
                root + path,
                handler,
                methods=[method],
                tags=[f"ORES {version.name}"],
                summary=_SUMMARIES[parts],
                operation_id="_".join([*root.strip("/").split("/"), *parts, method.lower()]),
                responses=openapi.responses(
                    version.paths[path],
                    *((404, 415, 429, 503, 504) if path else (415,)),
                    script=method == "GET",
                ),
                openapi_extra=extra,
            )

    # -- answers -------------------------------------------------------------------------------------

    def _wikis(self, version: Version, asked: ScoreParameters) -> Response:
        answers = [
            Answer(wiki.name, wiki.called, self._told(version, wiki.called, asked))
            for wiki in self._backend.wikis.values()
        ]
        return ores_response(version.wikis(answers), compact=asked.compact)

    async def _scores(self, version: Version, request: Request, fields: Mapping[str, str]) -> Response:
        path = request.path_params
        asked = parse(fields, path.get("rev_id"), path.get("model"))
        wiki = self._backend.wiki(request)
        models = _asked_models(wiki, asked)
        infos = self._told(version, models, asked)
        table: Table | None = None
        headers: dict[str, str] = {}
        if asked.rev_ids:
            async with self._backend.gate.hold(request, len(asked.rev_ids), bulk=asked.bulk):
                table = await self._table(wiki, models, asked)
            headers = self._backend.headers(request, [row.values() for row in table.values()])
        document = version.scores(
            Answer(wiki.name, models, infos, table, path.get("model"), asked.error_codes)
        )
        return ores_response(document, compact=asked.compact, headers=headers)

    def _told(
        self, version: Version, models: Mapping[str, Model], asked: ScoreParameters
    ) -> dict[str, Mapping[str, Any]]:
        paths = asked.model_info or version.default_info
        return {name: self._infos.select(model, paths) for name, model in models.items()}

    async def _table(self, wiki: Wiki, models: Mapping[str, Model], asked: ScoreParameters) -> Table:
        names = tuple(dict.fromkeys(model.name for model in models.values()))
        rev_ids = tuple(rev_id for rev_id in asked.rev_ids if rev_id != NO_REVISION)
        nowhere = {rev_id: dict.fromkeys(names, revision_not_found(rev_id)) for rev_id in asked.rev_ids}
        if not rev_ids:
            return nowhere
        score_request = ScoreRequest(
            wiki=wiki.name,
            rev_ids=rev_ids,
            models=names,
            injection={rev_id: asked.injection[rev_id] for rev_id in rev_ids if rev_id in asked.injection},
            features=asked.features,
            explain=asked.explain,
            bulk=asked.bulk,
        )
        return {**nowhere, **await self._backend.service.score(score_request, self._backend.deadline())}


def _asked_models(wiki: Wiki, asked: ScoreParameters) -> Mapping[str, Model]:
    """By the names to answer with. Without names: each model once; a list of models tells aliases as well.

    Raises `UnknownModel`.
    """
    if asked.models is None:
        return wiki.models if asked.rev_ids else wiki.called
    return wiki.select_called(asked.models)
