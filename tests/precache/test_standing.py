"""Whether a failure is one edit's doing or Assay's own, and how long Assay is left in peace."""

from __future__ import annotations

import pytest

from assay.precache.patience import FIRST_S, MOST_S
from assay.precache.standing import Standing


def after(failures: int, batch: int = 50) -> Standing:
    standing = Standing(batch)
    for _ in range(failures):
        standing.failed()
    return standing


@pytest.mark.parametrize(("batch", "of_one_edit"), [(1, 2), (2, 3), (5, 4), (50, 7)])
def test_the_search_for_one_edit_needs_no_pause_and_what_fails_more_is_bad(
    batch: int, of_one_edit: int
) -> None:
    for failures in range(of_one_edit + 1):
        assert not after(failures, batch).is_bad
        assert after(failures, batch).pause_s() == 0.0
    assert after(of_one_edit + 1, batch).is_bad
    for more in range(1, 12):
        whole_s = min(MOST_S, FIRST_S * 2 ** (more - 1))
        assert whole_s / 2 <= after(of_one_edit + more, batch).pause_s() <= whole_s


def search(edits: int, bad: int, standing: Standing) -> None:
    """By halves, as the follower does it, one edit being bad."""
    if bad not in range(edits):
        standing.answered()
        return
    standing.failed()
    assert not standing.is_bad
    if edits > 1:
        middle = edits // 2
        search(middle, bad, standing)
        search(edits - middle, bad - middle, standing)


@pytest.mark.parametrize("edits", range(1, 51))
def test_whichever_edit_it_is_the_search_for_it_is_no_sign_of_more(edits: int) -> None:
    for bad in range(edits):
        search(edits, bad, Standing(edits))


def test_one_answer_is_enough_to_be_well_again() -> None:
    standing = after(20)
    assert standing.answers == 0
    standing.answered()
    assert standing.answers == 1
    for _ in range(8):
        assert not standing.is_bad
        assert standing.pause_s() == 0.0
        standing.failed()
    assert standing.is_bad


def test_an_answer_without_a_score_needs_no_pause_and_proves_nothing() -> None:
    standing = after(20)
    standing.heard()
    assert standing.pause_s() == 0.0
    assert standing.is_bad
    assert standing.answers == 0
    standing.failed()
    assert standing.pause_s() > 0.0
    standing.heard()
    standing.answered()
    for _ in range(9):
        standing.failed()
    assert standing.pause_s() > 0.0


def test_whoever_fails_on_everything_and_says_how_long_to_wait_is_obeyed() -> None:
    standing = Standing(50)
    standing.failed(9.0)
    assert standing.pause_s() == 0.0, "it may be one edit's doing, for which others do not wait"
    standing = after(30)
    standing.failed(5.0)
    assert standing.pause_s() >= MOST_S / 2, "the longer of both"
    standing.failed(99.0)
    assert standing.pause_s() == 99.0
    standing.failed()
    assert standing.pause_s() <= MOST_S, "it did not ask again"
    standing.failed(99.0)
    standing.answered()
    for _ in range(9):
        assert standing.pause_s() <= MOST_S
        standing.failed()
