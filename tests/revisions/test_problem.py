"""What cannot be had is told as documented: by code, by the type that clients of ORES know, in a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import documented_problems
from assay.revisions import problem
from assay.revisions.called import UNSAVED
from assay.revisions.problem import Problem

Make = Callable[[int], Problem]

OF_A_TEXT: list[Make] = [
    lambda rev_id: problem.parent_not_found(rev_id, 31),
    problem.text_deleted,
    problem.text_missing,
    problem.user_deleted,
    problem.comment_deleted,
    lambda rev_id: problem.unexpected_content_model(rev_id, "css"),
    problem.page_creation,
    lambda rev_id: problem.text_too_large(rev_id, 90, 80),
    problem.answer_too_large,
    lambda rev_id: problem.source_failed(rev_id, "HTTP 503"),
]
"""What can be said of any text, also of one that is not saved."""


def test_codes_types_and_what_asking_again_helps_are_as_documented() -> None:
    found = [make(7) for make in OF_A_TEXT] + [problem.revision_not_found(7)]
    types = documented_problems.types()
    assert {it.code for it in found} == set(types)
    assert all((it.type, it.retryable) == types[it.code] for it in found)
    in_cells = documented_problems.cells()
    assert {it.code: it.retryable for it in found} == {it.code: in_cells[it.code] for it in found}


@pytest.mark.parametrize(("rev_id", "name"), [(7, "revision 7"), (UNSAVED, "the unsaved text")])
def test_sentences_say_which_revision(rev_id: int, name: str) -> None:
    for make in OF_A_TEXT:
        assert documented_problems.speaks_of(make(rev_id), name), make(rev_id)


def test_a_revision_that_is_not_there_is_told_in_oress_words_whatever_its_id() -> None:
    """ORES's clients ask for the parent of a page's first revision, and that is 0."""
    for rev_id in (999999, UNSAVED):
        assert problem.revision_not_found(rev_id).message == f"Could not find revision {rev_id}."


def test_sentences_say_what_is_wrong_with_it() -> None:
    assert "revision 31, the parent of revision 7" in problem.parent_not_found(7, 31).message
    assert "'css'" in problem.unexpected_content_model(7, "css").message
    assert "has 90 bytes; the limit is 80" in problem.text_too_large(7, 90, 80).message
    assert "$wgAPIMaxResultSize" in problem.answer_too_large(7).message
    assert problem.source_failed(7, "HTTP 503").message.endswith(": HTTP 503")
