"""The short memory of revisions that a page asked for."""

from __future__ import annotations

from dataclasses import replace

from assay.clock import FakeClock
from assay.scoring.synthetic import synthetic_revision
from assay.serving.native.fetched import KEPT_S, MAX_CHARS, MAX_REVISIONS, FetchedRevisions


def test_a_revision_is_kept_for_its_wiki_and_its_time() -> None:
    clock = FakeClock()
    fetched = FetchedRevisions(clock)
    fetched.put("a", synthetic_revision(1))
    assert fetched.get("a", 1) == synthetic_revision(1)
    assert fetched.get("b", 1) is None
    clock.advance(KEPT_S)
    assert fetched.get("a", 1) is None
    assert len(fetched) == 0


def test_the_oldest_goes_first() -> None:
    fetched = FetchedRevisions(FakeClock())
    for rev_id in range(1, MAX_REVISIONS + 2):
        fetched.put("a", synthetic_revision(rev_id))
    assert fetched.get("a", 1) is None
    assert fetched.get("a", 2) is not None
    assert len(fetched) == MAX_REVISIONS


def test_size_is_bounded_and_a_giant_is_not_kept() -> None:
    fetched = FetchedRevisions(FakeClock())
    large = replace(synthetic_revision(1), text="x" * (MAX_CHARS // 2))
    fetched.put("a", large)
    fetched.put("a", replace(large, id=2))
    assert (fetched.get("a", 1), fetched.get("a", 2) is not None) == (None, True)
    fetched.put("a", replace(large, id=3, text="x" * (MAX_CHARS + 1)))
    assert len(fetched) == 0


def test_what_is_put_again_counts_once() -> None:
    fetched = FetchedRevisions(FakeClock())
    large = replace(synthetic_revision(1), text="x" * (MAX_CHARS // 4))
    fetched.put("a", synthetic_revision(2))
    for _ in range(9):
        fetched.put("a", large)
    assert len(fetched) == 2
