"""Edits of some lines of a text, for what is derived from the changed lines alone."""

from __future__ import annotations

from hypothesis import strategies as st

LINES = st.lists(
    st.sampled_from(
        [
            "", " ", "a word", "== H ==", "* item [[L]]", "{{T|x", "y}}", "{|", "|}", "|-", "| ''cell",
            "it''", "<ref>", "</ref>", "<ref name='a'", "/>", "[http://a b]", "AAAA bbbb", "<!--",
            "-->", "'''b'''",
            "\r", "x<",
        ]
    ),
    max_size=12,
)  # fmt: skip


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """A text of tricky lines, and the same with some lines replaced in one or two places."""
    lines = draw(LINES)
    edited = list(lines)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(edited)))
        edited[place : place + draw(st.integers(0, 3))] = draw(LINES)[:3]
    end = draw(st.sampled_from(["", "\n"]))
    return "\n".join(lines) + end, "\n".join(edited) + end
