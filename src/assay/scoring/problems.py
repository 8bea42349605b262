"""Why a cell has no score although its revision is sound: reasons that lie with us, as values."""

from __future__ import annotations

from assay.errors import ENGINE_STOPPED, DeadlineExceeded, EngineUnavailable, Overloaded
from assay.revisions.called import called
from assay.revisions.problem import Problem


def deadline_passed(rev_id: int) -> Problem:
    """The request's time was over before the revision's turn came."""
    return Problem(
        DeadlineExceeded.code,
        "TimeoutError",
        f"{called(rev_id).capitalize()} was not scored before the request's deadline; ask again.",
        retryable=True,
    )


def ran_too_long(limit_s: float) -> Problem:
    """The revision's own computation was stopped; ORES's words, which clients match."""
    return Problem("time_limit_exceeded", "TimeoutError", f"Timed out after {limit_s:g} seconds.")


def engine_crashed(rev_id: int) -> Problem:
    """The scoring process died while it worked on this revision, twice."""
    return Problem(
        "engine_crashed",
        "RuntimeError",
        f"The scoring process died twice on {called(rev_id)}; please report the revision.",
    )


def overloaded(rev_id: int) -> Problem:
    """The queue was full when this revision's turn came, while others of the request were accepted."""
    return Problem(
        Overloaded.code,
        "ScoreProcessorOverloaded",
        f"The server is overloaded and did not score {called(rev_id)}; ask again shortly.",
        retryable=True,
    )


def engine_away(rev_id: int) -> Problem:
    """The queue of jobs was away when this revision's turn came."""
    return Problem(
        EngineUnavailable.code,
        "ScoreProcessorOverloaded",
        f"{called(rev_id).capitalize()} could not be scored just now; ask again shortly.",
        retryable=True,
    )


def computation_abandoned(rev_id: int) -> Problem:
    """The server stopped, or its engine failed, before the revision was scored. The type tells it from a
    revision that kills its process, to whoever sees types only."""
    return Problem(
        ENGINE_STOPPED,
        "ScoreProcessorOverloaded",
        f"{called(rev_id).capitalize()} was not scored because the scoring engine stopped; ask again.",
        retryable=True,
    )


def unencodable(rev_id: int, reason: str) -> Problem:
    """A value of the revision or of its scores cannot be sent between processes."""
    return Problem(
        "unencodable",
        "ValueError",
        f"{called(rev_id).capitalize()} holds a value that cannot be scored: {reason}",
    )
