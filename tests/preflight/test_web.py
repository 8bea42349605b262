"""Answers of a web process that must not pass: each is told, with what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from aiohttp import web as http

from assay.errors import ConfigurationError
from assay.models.recipe import label_name
from assay.preflight import web
from assay.preflight.check import Failed, Outcome, Passed, run
from assay.preflight.web import ADVICE, Web, check_url, nonce_id
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import TEST_WIKI, synthetic_revision
from assay.serving.guard import RELEASE_HEADER
from servers.aiohttp_site import site
from small_models import small_models

MODELS = small_models()
WIKI = "smallwiki"
OURS = {RELEASE_HEADER: "r1"}
SCORED = {"score": {"prediction": True, "probability": {"true": 0.7, "false": 0.3}}}
RECENT = f"/api/{WIKI}/recent"
MODELS_OF_ALL = {
    wiki: {"models": {name: {"version": model.version} for name, model in MODELS.of(wiki).items()}}
    for wiki in (WIKI, TEST_WIKI)
}


def of_revision(rev_id: int, **cells: Any) -> dict[str, Any]:
    """An answer of ``/v3/scores/`` for one revision, by all of the wiki's models."""
    return {WIKI: {"scores": {str(rev_id): dict.fromkeys(MODELS.of(WIKI), SCORED) | cells}}}


async def asked(
    name: str, answers: Mapping[str, Any], *, headers: Mapping[str, str] = OURS, status: int = 200
) -> Outcome:
    """What the check called `name` says of a web process with these answers, by path; bytes as they are."""

    async def answer(request: http.Request) -> http.Response:
        told = answers[request.path]
        body = told if isinstance(told, bytes) else orjson.dumps(told)
        return http.Response(body=body, status=status, headers=dict(headers))

    application = http.Application()
    application.router.add_get("/{path:.*}", answer)
    async with site(application) as port:
        url = f"http://127.0.0.1:{port}"
        group = Web(url, "r1", MODELS, (WIKI, TEST_WIKI), (WIKI,), 5.0).group()
        chosen = replace(group, checks=[check for check in group.checks if check.name == name])
        return (await run([chosen], "r1"))[f"web.{name}"].outcome


async def test_an_answer_that_names_no_release_is_no_assay() -> None:
    outcome = await asked("release", {"/livez": {}}, headers={})
    assert outcome == Failed(
        f"its answers name no release ({RELEASE_HEADER} is missing)",
        "see what listens there: it is no Assay, or one from before releases",
    )


async def test_another_release_is_told_with_what_to_do() -> None:
    outcome = await asked("release", {"/livez": {}}, headers={RELEASE_HEADER: "r2"})
    assert isinstance(outcome, Failed)
    assert outcome.said == "release r2 answers there, not r1"
    assert "address of a web process of r1" in outcome.todo


async def test_what_is_not_ready_names_its_bad_checks_only() -> None:
    bad = {"ready": False, "checks": {"redis": "no answer", "models": "ok"}}
    assert await asked("ready", {"/readyz": bad}, status=503) == Failed("redis: no answer", ADVICE)
    silent = await asked("ready", {"/readyz": {"ready": "yes"}})
    assert silent == Failed("it is not ready", ADVICE), "only true is ready"
    good = {"ready": True, "checks": {"redis": "ok", "models": "ok"}}
    assert await asked("ready", {"/readyz": good}) == Passed("ready by 2 checks of its own")


@pytest.mark.parametrize("body", [b"[]", b"<html>", b""])
async def test_what_is_no_object_is_told(body: bytes) -> None:
    assert await asked("release", {"/livez": body}) == Failed(
        "GET /livez: the answer is no JSON object", ADVICE
    )


async def test_another_status_is_told_with_the_answer() -> None:
    assert await asked("release", {"/livez": b"on fire"}, status=500) == Failed(
        "GET /livez: status 500: on fire", ADVICE
    )
    outcome = await asked("release", {"/livez": {}}, status=503)
    assert isinstance(outcome, Failed), "only /readyz may say 503"


async def test_a_long_answer_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a hundred wikis: more than comes in one piece."""
    long = {"/v3/scores/": b" " * 2_000_000 + orjson.dumps(MODELS_OF_ALL)}
    assert await asked("wikis", long) == Passed("2 wikis with the models of this configuration")
    monkeypatch.setattr(web, "_MAX_BYTES", 1000)
    assert await asked("wikis", long) == Failed(
        "GET /v3/scores/: the answer has more than 1000 bytes", ADVICE
    )


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({TEST_WIKI: {"models": {}}}, TEST_WIKI),
        ({"otherwiki": {"models": {"damaging": {"version": "1"}}}}, "otherwiki"),
        ({WIKI: {"models": {name: {"version": "0"} for name in MODELS.of(WIKI)}}}, WIKI),
    ],
)
async def test_other_wikis_models_or_versions_are_named(changed: dict[str, Any], wrong: str) -> None:
    outcome = await asked("wikis", {"/v3/scores/": MODELS_OF_ALL | changed})
    assert outcome == Failed(
        f"it serves other models than this configuration says, of: {wrong}",
        "restart it with this configuration and these bundles",
    )


async def scores(cells: Any) -> Outcome:
    return await asked("scores", {RECENT: {"revisions": [7]}, f"/v3/scores/{WIKI}/7/": cells})


async def test_every_model_must_score() -> None:
    count = len(MODELS.of(WIKI))
    assert await scores(of_revision(7)) == Passed(
        f"{count} models scored revision 7 with a text that no cache knows"
    )
    error = {"error": {"type": "RuntimeError", "message": "it died"}}
    assert await scores(of_revision(7, damaging=error)) == Failed("damaging: it died", ADVICE)
    outcome = await scores(of_revision(7, stranger=SCORED))
    assert isinstance(outcome, Failed)
    assert outcome.said.startswith("scores by ")
    outcome = await scores(of_revision(7, damaging={"score": {}}))
    assert isinstance(outcome, Failed)
    assert "damaging" not in outcome.said.partition(", asked for ")[0]


@pytest.mark.parametrize("cells", [{}, of_revision(8), {WIKI: []}, of_revision(7, damaging=None)])
async def test_another_shape_is_told(cells: Any) -> None:
    assert await scores(cells) == Failed("the answer has another shape than /v3/scores/ promises", ADVICE)


async def test_a_wiki_without_pages_cannot_be_proved() -> None:
    assert await asked("scores", {RECENT: {"revisions": []}}) == Failed(
        "the wiki names no recent revision to ask for", "let it hold one page at least"
    )


@pytest.mark.parametrize("off_by", [0.0, 0.001])
async def test_a_made_up_revision_must_have_its_score(monkeypatch: pytest.MonkeyPatch, off_by: float) -> None:
    rev_id, own = nonce_id(), MODELS.of(TEST_WIKI)
    monkeypatch.setattr(web, "nonce_id", lambda: rev_id)
    cells = {}
    for name, cell in compute(
        Job(TEST_WIKI, tuple(own), synthetic_revision(rev_id)), own, PlanCache()
    ).cells.items():
        assert isinstance(cell, Scored)
        probability = {label_name(label): p + off_by for label, p in cell.score.probability.items()}
        cells[name] = {"score": {"prediction": cell.score.prediction, "probability": probability}}
    answers = {f"/v3/scores/{TEST_WIKI}/{rev_id}/": {TEST_WIKI: {"scores": {str(rev_id): cells}}}}

    async def get(self: Web, path: str) -> Any:
        return answers[urlsplit(path).path]

    monkeypatch.setattr(Web, "_get", get)
    (check,) = (
        check
        for check in Web("http://x", "r1", MODELS, (), (TEST_WIKI,), 5.0).group().checks
        if check.name == "scores"
    )
    outcome = await check.run()
    if off_by:
        assert outcome == Failed(f"revid of revision {rev_id} has another score than it must have", ADVICE)
    else:
        assert outcome == Passed(f"revision {rev_id}, which no cache knows, was scored")


def test_no_id_of_a_wiki_is_made_up() -> None:
    assert all(2**41 <= nonce_id() < 2**42 for _ in range(100))
    assert len({nonce_id() for _ in range(100)}) == 100


def test_an_address_is_used_without_its_final_slash() -> None:
    assert check_url("http://127.0.0.1:8080/") == "http://127.0.0.1:8080"
    assert check_url("https://node.example/assay") == "https://node.example/assay"


@pytest.mark.parametrize(
    "url",
    [
        *("127.0.0.1:80", "ftp://x", "http://u:p@h/", "http://:p@h/", "http://h/?q", "http://h/#q"),
        *("http://", "http://[::1", "http://h:port"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape("http://HOST:PORT")):
        check_url(url)
