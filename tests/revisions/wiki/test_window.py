"""Pasts from a window: the very values of the whole history where it holds everything, and bounded beyond."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.labels import Edit
from assay.revisions.wiki import window
from assay.revisions.wiki.window import ACTOR_PAGES, PAGE_EDITS, Contribution
from revisions.test_past import ROWS, Row, actor_before, page_before

START_S = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())


def edit_of(row: Row) -> Edit:
    return Edit(row.rev_id, START_S + row.minute * 60, row.user, row.text)


def contribution_of(row: Row) -> Contribution:
    return Contribution(row.rev_id, START_S + row.minute * 60, ord(row.page))


def on_page(rows: Sequence[Row], page: str) -> list[Edit]:
    return [edit_of(row) for row in rows if row.page == page]


@given(ROWS)
def test_a_window_that_holds_everything_tells_the_whole_past(drawn: list[tuple[str, str, str, int]]) -> None:
    minute, rows = 0, []
    for rev_id, (page, user, text, gap) in enumerate(drawn, 1):
        minute += gap
        rows.append(Row(rev_id, page, user, text, minute))
    fates = {rev: fate for page in "PQ" for rev, fate in window.fates(on_page(rows, page)).items()}
    for position, row in enumerate(rows):
        before = rows[:position]
        assert window.page_history(on_page(before, row.page), edit_of(row)) == page_before(row, before)
        own = [contribution_of(it) for it in before if it.user == row.user]
        assert window.actor_history(own, contribution_of(row), fates) == actor_before(row, before)


def test_beyond_the_window_counts_stop_and_the_first_edit_is_still_known() -> None:
    rows = [Row(i, "P", f"user {i}", str(i), i) for i in range(1, PAGE_EDITS + 11)]
    last = Row(9999, "P", "other", "x", 9999)
    told = window.page_history(on_page(rows, "P"), edit_of(last), START_S + 60)
    assert (told.edits, told.actors) == (PAGE_EDITS, PAGE_EDITS)
    assert told.created_at == rows[0].moment
    own = [contribution_of(row) for row in rows]
    actor = window.actor_history(own, contribution_of(last), {}, START_S + 60)
    assert (actor.edits, actor.first_edit_at) == (window.ACTOR_EDITS, rows[0].moment)
    assert actor.last_edit_at == rows[-1].moment


def test_the_pages_that_were_edited_last_are_looked_at() -> None:
    edits = [Contribution(i, i, i % (ACTOR_PAGES + 2)) for i in range(50)]
    pages = window.latest_pages(edits)
    assert pages == [i % (ACTOR_PAGES + 2) for i in range(49, 49 - ACTOR_PAGES, -1)]


@given(st.integers(0, 3))
def test_an_actor_without_earlier_edits_has_no_times(page: int) -> None:
    told = window.actor_history([], Contribution(1, 1, page), {})
    assert (told.edits, told.first_edit_at, told.last_edit_at, told.last_reverted_at) == (0, None, None, None)
