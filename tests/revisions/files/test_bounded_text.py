from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.revisions.digest import sha1_base36
from assay.revisions.files.bounded_text import BoundedText

PIECES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=8)


@given(PIECES, st.integers(0, 40))
def test_a_text_is_kept_up_to_the_limit_and_digested_beyond(pieces: list[str], limit: int) -> None:
    bounded = BoundedText(limit)
    for piece in pieces:
        bounded.add(piece)
    whole = "".join(pieces)
    measured = bounded.measured()
    assert bounded.overflowed == (len(whole) > limit)
    assert bounded.string() == ("" if bounded.overflowed else whole)
    assert measured.size_bytes == len(whole.encode())
    if measured.size_bytes <= limit:
        assert (measured.text, measured.sha1) == (whole.encode(), None)
    else:
        assert (measured.text, measured.sha1) == (None, sha1_base36(whole.encode()))
