"""What a cell without a score is to Lift Wing's clients: Wikimedia's compare status and beginning."""

from __future__ import annotations

import pytest

from assay.errors import DeadlineExceeded, EngineUnavailable, Overloaded, SourceUnavailable
from assay.revisions import problem as of_revision
from assay.revisions.problem import Problem
from assay.scoring import problems as of_scoring
from assay.serving.liftwing.refusals import refused
from assay.serving.refusals import refusal

UNKNOWN_REVISION = "The MW API does not have any info related to the rev-id 7: RevisionNotFound: "
MISSING = "Missing resource for rev-id 7: "
GENERIC = "Features could not be computed for rev-id 7: "


@pytest.mark.parametrize(
    ("problem", "beginning"),
    [
        (of_revision.revision_not_found(7), UNKNOWN_REVISION),
        (of_revision.parent_not_found(7, 6), f"{MISSING}RevisionNotFound: "),
        (of_revision.page_creation(7), f"{MISSING}RevisionNotFound: "),
        (of_revision.text_deleted(7), f"{MISSING}TextDeleted: "),
        (of_revision.text_missing(7), f"{MISSING}TextDeleted: "),
        (of_revision.user_deleted(7), f"{MISSING}UserDeleted: "),
        (of_revision.comment_deleted(7), f"{MISSING}CommentDeleted: "),
        (
            of_revision.unexpected_content_model(7, "css"),
            "Unexpected content type for rev-id 7: UnexpectedContentType: ",
        ),
        (of_scoring.ran_too_long(5), f"{GENERIC}TimeoutError: Timed out after 5 seconds."),
        (of_scoring.unencodable(7, "why"), f"{GENERIC}ValueError: "),
    ],
    ids=lambda value: value.code if isinstance(value, Problem) else None,
)
def test_what_will_not_pass_is_a_400_that_begins_as_lift_wings(problem: Problem, beginning: str) -> None:
    told = refusal(refused(problem, 7), "")
    assert told.status == 400
    assert told.message.startswith(beginning)
    assert told.message.endswith(problem.message)


@pytest.mark.parametrize("code", ["engine_crashed", "model_failed"])
def test_our_own_faults_are_a_500_that_says_what(code: str) -> None:
    told = refusal(refused(Problem(code, "RuntimeError", "It broke."), 7), "")
    assert (told.status, told.message) == (500, "It broke.")


@pytest.mark.parametrize(
    ("problem", "kind", "status"),
    [
        (of_scoring.deadline_passed(7), DeadlineExceeded, 504),
        (of_scoring.overloaded(7), Overloaded, 503),
        (of_revision.source_failed(7, "away"), SourceUnavailable, 503),
        (of_scoring.engine_away(7), EngineUnavailable, 503),
        (of_scoring.computation_abandoned(7), EngineUnavailable, 503),
    ],
    ids=lambda value: value.code if isinstance(value, Problem) else None,
)
def test_what_may_pass_is_to_be_asked_again(problem: Problem, kind: type[Exception], status: int) -> None:
    error = refused(problem, 7)
    assert type(error) is kind
    told = refusal(error, "")
    assert (told.status, told.message, told.retryable) == (status, problem.message, True)
    assert "Retry-After" in told.headers
