"""Each error's status and its shape, for the clients of each API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import (
    AssayError,
    BadInjection,
    BundleError,
    DeadlineExceeded,
    EngineUnavailable,
    NoWorker,
    Overloaded,
    SourceUnavailable,
    TooManyRevisions,
    UnknownModel,
    UnknownWiki,
)
from assay.serving.refusals import CODES, ORES_CODES, RETRYABLE, STATUSES, HttpError, Refusal, refusal


@pytest.mark.parametrize(
    ("error", "status", "own_code"),
    [
        (UnknownWiki("x"), 404, "unknown_wiki"),
        (UnknownModel("x"), 404, "unknown_model"),
        (BadInjection("x"), 400, "bad_injection"),
        (TooManyRevisions(51, 50), 400, "too_many_revisions"),
        (Overloaded("x"), 503, "overloaded"),
        (SourceUnavailable("x"), 503, "source_unavailable"),
        (EngineUnavailable("x"), 503, "queue_unavailable"),
        (NoWorker("x"), 503, "queue_unavailable"),
        (DeadlineExceeded("x"), 504, "deadline_exceeded"),
        (HttpError(413, "x"), 413, "request_too_large"),
        (HttpError(404, "x", code="no_statistics"), 404, "no_statistics"),
        (BundleError("/secret/path"), 500, "internal_error"),
        (ValueError("secret"), 500, "internal_error"),
    ],
)
def test_each_error_has_one_status_and_internal_ones_tell_nothing(
    error: Exception, status: int, own_code: str
) -> None:
    refused = refusal(error, "abc123")
    assert (refused.status, refused.code, refused.own_code) == (status, ORES_CODES[status], own_code)
    assert "secret" not in refused.message
    assert ("abc123" in refused.message) == (status == 500)
    assert ("Retry-After" in refused.headers) == refused.retryable == (status in (503, 504))


def test_the_table_lists_special_cases_before_their_bases() -> None:
    kinds: list[type[AssayError]] = [kind for kind, _ in STATUSES]
    for index, kind in enumerate(kinds):
        assert not any(issubclass(later, kind) for later in kinds[index + 1 :])


def test_every_status_has_a_code_for_each_api() -> None:
    assert ORES_CODES.keys() == CODES.keys() >= {status for _, status in STATUSES} | RETRYABLE
    assert len({code.replace(" ", "_") for code in CODES.values()}) == len(set(CODES.values()))
    assert {status: ORES_CODES[status] for status in (400, 404, 429, 500, 503, 504)} == {
        400: "bad request",
        404: "not found",
        429: "too_many_requests",
        500: "internal server error",
        503: "server overloaded",
        504: "request_timeout",
    }, "ORES's own, which its clients compare"
    for status in CODES:
        refused = refusal(HttpError(status, "x", {"Allow": "GET"}), "")
        assert (refused.own_code, refused.headers) == (CODES[status], {"Allow": "GET"})
        assert refused.retryable is (status in (408, 429, 503, 504))


@given(st.floats(0, 1e6))
def test_nobody_is_told_to_come_back_too_early(delay_s: float) -> None:
    told_s = int(refusal(Overloaded("x", delay_s=delay_s), "").headers["Retry-After"])
    assert max(1, delay_s) <= told_s < delay_s + 1 or told_s == 1


def _shapes(refused: Refusal, *paths: str) -> Iterator[object]:
    return (refused.document(path) for path in paths)


def test_each_apis_clients_get_the_shape_that_they_know() -> None:
    refused = refusal(UnknownModel("No such model."), "")
    native, *kserve, ores = _shapes(
        refused,
        "/api/x",
        "/v1/models/a:predict",
        "/v2/models/a/infer",
        "/v2/health/ready",
        "/service/lw/x",
        "/v2/scores/x",
    )
    message = "No such model; GET /api/wikis lists all."
    assert native == {"error": {"code": "unknown_model", "message": message, "retryable": False}}
    assert kserve == [{"error": "No such model."}] * 4
    assert ores == {"error": {"code": "not found", "message": "No such model."}}


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (HttpError(404, "Nothing found."), "/openapi.json lists every route."),
        (UnknownWiki("Nothing found."), "GET /api/wikis lists all."),
        (UnknownModel("Nothing found."), "GET /api/wikis lists all."),
        (HttpError(405, "Nothing found."), None),
    ],
)
def test_the_native_api_says_where_to_look(error: Exception, hint: str | None) -> None:
    told = refusal(error, "").document("/api/x")["error"]["message"]
    assert told == ("Nothing found." if hint is None else f"Nothing found; {hint}")


def test_a_limit_that_was_passed_is_told_where_programs_look_for_it() -> None:
    refused = refusal(TooManyRevisions(51, 50), "")
    native, ores = _shapes(refused, "/api/x", "/v3/scores/x")
    error = {"message": "Too many revisions: 51; at most 50 in one request."}
    assert native == {"error": error | {"code": "too_many_revisions", "retryable": False, "limit": 50}}
    assert ores == {"error": error | {"code": "bad request"}}


def test_what_is_unprocessable_is_told_in_lift_wings_both_ways() -> None:
    (lift_wing,) = _shapes(refusal(HttpError(422, "x"), ""), "/v1/models/a:predict")
    assert lift_wing == {"error": "x", "detail": "x"}
