"""What a revision is called, within a sentence and at its start."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.called import UNSAVED, called
from assay.revisions.record import MAX_ID


@given(st.integers(1, MAX_ID))
def test_a_saved_one_is_called_by_its_number(rev_id: int) -> None:
    assert f"of {called(rev_id)}." == f"of revision {rev_id}."
    assert called(rev_id).capitalize() == f"Revision {rev_id}"


def test_a_text_that_is_not_saved_has_no_number_to_be_called_by() -> None:
    assert f"of {called(UNSAVED)}." == "of the unsaved text."
    assert called(UNSAVED).capitalize() == "The unsaved text"
