from __future__ import annotations

from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.files.lost_texts import LostTexts
from assay.revisions.record import Record, TextState


def record(rev_id: int, is_doubtful: bool) -> Record:
    text = b"" if is_doubtful else b"text"
    return Record(rev_id, "Page", rev_id, "A", False, "", text, TextState.PRESENT, size_bytes=len(text))


@given(st.lists(st.lists(st.booleans(), max_size=8), max_size=4))
def test_empty_texts_in_a_row_are_lost_and_a_single_one_is_a_blanking(pages: list[list[bool]]) -> None:
    texts = LostTexts()
    passed: list[Record] = []
    expected: list[bool] = []
    for page in pages:
        for is_doubtful in page:
            passed += texts.pass_on(record(len(expected) + 1, is_doubtful), is_doubtful=is_doubtful)
            expected.append(False)
        passed += texts.end_page()
        expected[len(expected) - len(page) :] = [
            is_doubtful and len(row) > 1
            for is_doubtful, row in ((key, list(rows)) for key, rows in groupby(page))
            for _ in row
        ]
    assert [it.rev_id for it in passed] == list(range(1, len(expected) + 1))
    assert [it.text_state is TextState.MISSING for it in passed] == expected
    assert all((it.text is None) == lost for it, lost in zip(passed, expected, strict=True))
