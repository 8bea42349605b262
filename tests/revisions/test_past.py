"""Pasts: equal to looking at everything that had happened before, and nothing that had not."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from assay.revisions.index.source import IndexedSource
from assay.revisions.labels import Edit, Label, identity_reverts
from assay.revisions.open import open_indexed
from assay.revisions.past import NOBODY, RECENT
from assay.revisions.types import UNKNOWN, ActorHistory, PageHistory
from shared_data import shared


@dataclass(frozen=True)
class Row:
    rev_id: int
    page: str
    user: str
    text: str
    minute: int

    @property
    def moment(self) -> datetime:
        return datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minute)


ROWS = st.lists(
    st.tuples(st.sampled_from("PQ"), st.sampled_from("abc"), st.sampled_from("123"), st.integers(0, 2)),
    min_size=1,
    max_size=25,
)


def write(rows: list[Row], folder: Path) -> IndexedSource:
    path = folder / "h.jsonl"
    path.write_text(
        "\n".join(
            json.dumps(
                {
                    "rev_id": row.rev_id,
                    "page_title": row.page,
                    "user": row.user,
                    "text": row.text,
                    "comment": "",
                    "timestamp": row.moment.isoformat(),
                }
            )
            for row in rows
        ),
        encoding="utf-8",
    )
    return open_indexed(path)


def page_before(row: Row, before: list[Row]) -> PageHistory:
    """Labels of the page's past alone: what has not happened yet cannot have left a trace."""
    page = [it for it in before if it.page == row.page]
    labels = labels_of(page)
    reverting = [it for it in page if labels[it.rev_id].is_reverting]
    return PageHistory(
        edits=len(page),
        reverts=len(reverting),
        reverted=sum(labels[it.rev_id].reverted for it in page),
        actors=len({it.user for it in page}),
        created_at=(page or [row])[0].moment,
        last_revert_at=reverting[-1].moment if reverting else None,
        recent_reverts=sum(labels[it.rev_id].is_reverting for it in page[-RECENT:]),
        recent_reverted=sum(labels[it.rev_id].reverted for it in page[-RECENT:]),
    )


def labels_of(page: list[Row]) -> dict[int, Label]:
    labels = identity_reverts([Edit(it.rev_id, it.minute * 60, it.user, it.text) for it in page])
    return {label.rev_id: label for label in labels}


def actor_before(row: Row, before: list[Row]) -> ActorHistory:
    labels: dict[int, Label] = {}
    moments = {it.rev_id: it.moment for it in before}
    for page in {it.page for it in before}:
        labels |= labels_of([it for it in before if it.page == page])
    own = [it for it in before if it.user == row.user]
    return ActorHistory(
        edits=len(own),
        reverted=sum(labels[it.rev_id].reverted for it in own),
        reverts=sum(labels[it.rev_id].reverts_other for it in own),
        pages=len({it.page for it in own}),
        edits_to_page=sum(it.page == row.page for it in own),
        first_edit_at=own[0].moment if own else None,
        last_edit_at=own[-1].moment if own else None,
        last_reverted_at=max(
            (moments[by] for it in own if (by := labels[it.rev_id].reverted_by) is not None), default=None
        ),
    )


@settings(max_examples=40)
@given(ROWS)
def test_pasts_are_what_had_happened_before(drawn: list[tuple[str, str, str, int]]) -> None:
    minute, rows = 0, []
    for rev_id, (page, user, text, gap) in enumerate(drawn, 1):
        minute += gap
        rows.append(Row(rev_id, page, user, text, minute))
    with tempfile.TemporaryDirectory() as folder:
        source = write(rows, Path(folder))
        found = {revision.id: revision for revision in source.revisions("time")}
        source.close()
    assert list(found) == [row.rev_id for row in rows]
    for position, row in enumerate(rows):
        before = rows[:position]
        assert found[row.rev_id].page_history == page_before(row, before)
        assert found[row.rev_id].actor_history == actor_before(row, before)


@settings(max_examples=20)
@given(ROWS, st.integers(1, 24))
def test_what_comes_later_changes_no_past(drawn: list[tuple[str, str, str, int]], cut: int) -> None:
    rows = [Row(i, page, user, text, i) for i, (page, user, text, _) in enumerate(drawn, 1)]
    pasts = []
    for some in (rows, rows[:cut]):
        with tempfile.TemporaryDirectory() as folder:
            source = write(some, Path(folder))
            pasts.append([(it.id, it.page_history, it.actor_history) for it in source.revisions("time")])
            source.close()
    assert pasts[0][:cut] == pasts[1]


def test_authors_that_a_mirror_did_not_know_have_no_common_past(tmp_path: Path) -> None:
    rows = [Row(1, "P", NOBODY, "1", 1), Row(2, "P", NOBODY, "2", 2), Row(3, "P", "a", "3", 3)]
    source = write(rows, tmp_path)
    assert [it.actor_history is UNKNOWN for it in source.revisions()] == [True, True, False]
    source.close()


def test_real_pasts_never_shrink(tmp_path: Path) -> None:
    source = open_indexed(shared("data/histories/lmmswiki/revisions.jsonl.xz"), cache_dir=tmp_path)
    last: dict[str, PageHistory] = {}
    for revision in source.revisions("page"):
        past = revision.page_history
        assert isinstance(past, PageHistory)
        assert isinstance(revision.timestamp, datetime)
        before = last.get(revision.page.title)
        if before is None:
            assert past == PageHistory(0, 0, 0, 0, revision.timestamp, None, 0, 0)
        else:
            assert past.edits == before.edits + 1
            assert past.reverts - before.reverts in (0, 1)
            assert past.reverted >= before.reverted
            assert replace(past, edits=0).created_at == before.created_at
        last[revision.page.title] = past
    source.close()
    assert sum(past.reverts for past in last.values()) > 20
