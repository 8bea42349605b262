"""A cell without a score as the error that Lift Wing answers with: there a request is one cell.

Wikimedia's own clients look into the message. Extension:ORES takes a 400 that begins with `NOT_FOUND` for a
revision that is gone and asks again after a 504; WikiEduDashboard finds the names of exceptions in it.
"""

from __future__ import annotations

from typing import Final

from assay.errors import AssayError, DeadlineExceeded, EngineUnavailable, Overloaded, SourceUnavailable
from assay.revisions.problem import Problem
from assay.serving.refusals import HttpError

NOT_FOUND: Final = "The MW API does not have any info related to the rev-id"
MISSING: Final = "Missing resource for rev-id"
UNEXPECTED: Final = "Unexpected content type for rev-id"
"""How Lift Wing's messages begin; compared by clients."""

_BEGINNINGS: Final = {
    "revision_not_found": NOT_FOUND,
    "parent_not_found": MISSING,
    "page_creation": MISSING,
    "text_deleted": MISSING,
    "text_missing": MISSING,
    "user_deleted": MISSING,
    "comment_deleted": MISSING,
    "unexpected_content_model": UNEXPECTED,
}
_OURS: Final = frozenset({"engine_crashed", "model_failed"})
"""Nobody's fault but this server's."""

_LATER: Final[dict[str, type[AssayError]]] = {
    DeadlineExceeded.code: DeadlineExceeded,
    Overloaded.code: Overloaded,
    SourceUnavailable.code: SourceUnavailable,
}
_GENERIC: Final = "Features could not be computed for rev-id"


def refused(problem: Problem, rev_id: int) -> AssayError:
    """To be raised in the cell's place. `rev_id`: as the client gave it."""
    if problem.retryable:
        return _LATER.get(problem.code, EngineUnavailable)(problem.message)
    if problem.code in _OURS:
        return HttpError(500, problem.message)
    beginning = _BEGINNINGS.get(problem.code, _GENERIC)
    return HttpError(400, f"{beginning} {rev_id}: {problem.type}: {problem.message}")
