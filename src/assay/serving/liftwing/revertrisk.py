"""Lift Wing's revert-risk models: their requests and answers, with Assay's own model behind them.

Both names are answered by the wiki's model `reverted`, or the one for any wiki: the chance that an edit is
reverted, which is what a client asks for. The numbers are not those of Wikimedia's models of these names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from assay.errors import BadParameter
from assay.models.model import Model
from assay.revisions.problem import Problem
from assay.scoring.options import MAX_REVISIONS
from assay.scoring.request import Scored
from assay.scoring.wikis import Wiki
from assay.serving.cells import keyed
from assay.serving.liftwing.asked import Asked, read_asked, read_rev_id
from assay.serving.liftwing.refusals import refused
from assay.serving.liftwing.scorer import Scorer
from assay.serving.refusals import HttpError
from assay.serving.respond import json_response

MODELS: Final = ("revertrisk-language-agnostic", "revertrisk-multilingual")
BEHIND: Final = "reverted"
"""The model that answers."""
MAX_LANG_CHARS: Final = 100

_REASONS: Final = {
    "revision_not_found": "revision_missing",
    "parent_not_found": "parent_revision_missing",
    "page_creation": "parent_revision_missing",
    "text_deleted": "revision_info_deleted",
    "user_deleted": "revision_info_deleted",
    "comment_deleted": "revision_info_deleted",
}
"""Lift Wing's word for a problem, by our code; a code without one stands for itself."""


class RevertRisk:
    """Answers the body of a request to one of `MODELS`."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    async def predict(self, request: Request, body: dict[str, Any]) -> Response:
        if body.get("instances") is not None:
            return await self._batch(request, body["instances"])
        asked = read_asked(body)
        wiki, lang = self._wiki(body, asked)
        model = _model(wiki)
        rev_id, cell = await self._scorer.one(request, wiki, model, asked.subject)
        if isinstance(cell, Problem):
            raise _refused(cell, rev_id, lang)
        return json_response(
            _answer(request, wiki, model, rev_id, cell), headers=self._scorer.headers(request, [cell])
        )

    async def _batch(self, request: Request, instances: Any) -> Response:
        lang, rev_ids = read_instances(instances)
        wiki = self._of_language(lang)
        model = _model(wiki)
        cells = await self._scorer.many(request, wiki, model, rev_ids)
        answers = [
            _answer(request, wiki, model, rev_id, cell)
            for rev_id in rev_ids
            if isinstance(cell := cells[rev_id], Scored)
        ]
        problems = {rev_id: cell for rev_id, cell in cells.items() if isinstance(cell, Problem)}
        if not answers:
            raise _all_refused(problems, lang)
        errors = [_told(problem, rev_id, lang) for rev_id, problem in problems.items()]
        document = {"predictions": answers} | ({"errors": errors} if errors else {})
        return json_response(document, headers=self._scorer.headers(request, cells.values()))

    def _wiki(self, body: Mapping[str, Any], asked: Asked) -> tuple[Wiki, str]:
        """Of the event, else of the language that stands in the body or in its revision_data."""
        if asked.wiki is not None:
            name = self._scorer.called(asked.wiki)
            if name not in self._scorer.wikis:
                raise BadParameter(f"The event is of {asked.wiki}, which this server does not score.")
            return self._scorer.wikis[name], asked.wiki.removesuffix("wiki")
        data = body.get("revision_data")
        lang = _language(body if body.get("lang") is not None or data is None else data)
        return self._of_language(lang), lang

    def _of_language(self, lang: str) -> Wiki:
        """`lang`: as in Wikipedia's address, ``en`` for enwiki; the whole name of a wiki not called so."""
        wikis = self._scorer.wikis
        database = f"{lang.replace('-', '_')}wiki"
        if database in wikis:
            return wikis[database]
        if lang.endswith("wiki"):
            raise BadParameter(
                f"Could not interpret lang. Give the language, {lang.removesuffix('wiki')!r}, without 'wiki'."
            )
        if lang in wikis:
            return wikis[lang]
        raise BadParameter(f"Could not use lang. This server does not score {database}.")


def read_instances(instances: Any) -> tuple[str, Sequence[int]]:
    """The one language of a batch, and its revisions. Raises `BadParameter`."""
    if not isinstance(instances, list) or not all(isinstance(item, dict) for item in instances):
        raise BadParameter("Could not interpret instances. Give a list of objects with rev_id and lang.")
    if not 1 <= len(instances) <= MAX_REVISIONS:
        raise BadParameter(f"Could not interpret instances. Give 1 to {MAX_REVISIONS} revisions.")
    languages = {_language(item) for item in instances}
    if len(languages) > 1:
        raise BadParameter("Could not use instances. All must have one lang; send a request for each.")
    return languages.pop(), [read_rev_id(item) for item in instances]


def _language(body: Mapping[str, Any]) -> str:
    lang = body.get("lang") if isinstance(body, dict) else None
    if lang is None:
        raise BadParameter("Say of which language the revision is: give lang, such as 'en'.")
    if not isinstance(lang, str) or not 0 < len(lang) <= MAX_LANG_CHARS:
        raise BadParameter("Could not interpret lang. Give a string, such as 'en'.")
    return lang


def _model(wiki: Wiki) -> Model:
    if BEHIND not in wiki.models:
        raise BadParameter(f"Could not use lang. {wiki.name} has no model {BEHIND!r}.")
    return wiki.models[BEHIND]


def _answer(request: Request, wiki: Wiki, model: Model, rev_id: int, cell: Scored) -> dict[str, Any]:
    return {
        "model_name": request.path_params["name"],
        "model_version": model.version,
        "wiki_db": wiki.name,
        "revision_id": rev_id,
        "output": {
            "prediction": cell.score.prediction,
            "probabilities": keyed(cell.score.probability),
        },
    }


def _told(problem: Problem, rev_id: int, lang: str) -> str:
    reason = _REASONS.get(problem.code, problem.code)
    return f"Revision {rev_id} ({lang}) cannot be scored. Reason: {reason}"


def _refused(problem: Problem, rev_id: int, lang: str) -> Exception:
    if problem.code in _REASONS:
        return HttpError(422, _told(problem, rev_id, lang))
    return refused(problem, rev_id)


def _all_refused(problems: Mapping[int, Problem], lang: str) -> Exception:
    """Try again later if that may help any of them."""
    for rev_id, problem in problems.items():
        if problem.retryable:
            return refused(problem, rev_id)
    return HttpError(422, " ".join(_told(problem, rev_id, lang) for rev_id, problem in problems.items()))
