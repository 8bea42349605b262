"""Which marks are masked when a parser would lose its time on them; its speed is told in `test_wikicode`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.wikitext import nesting
from assay.features.wikitext.nesting import MASK, tamed

PIECES = st.lists(
    st.sampled_from(
        ["{{", "}}", "[[", "]]", "[", "]", "{|", "|}", "<!--", "-->", "<b>", "</b>", "<br>", "<b", "a"]
    ),
    max_size=20,
).map(" ".join)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No character may be read in vain."""
    monkeypatch.setattr(nesting, "MAX_WASTED_STEPS", 0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{a}} {{b", "{{a}} ##b"),
        ("{{a {{b}}", "##a {{b}}"),
        ("{{a|[[b}}]]", "{{a|##b}}]]"),
        ("[[a]] [b] [[c", "[[a]] [b] ##c"),
        ("{| a\n|} {| b", "{| a\n|} ## b"),
        ("{{a|}}", "{{a|}}"),
        ("<!-- a --> <!-- b", "<!-- a --> #!-- b"),
        ("<b>a</b> <b>c", "<b>a</b> #b>c"),
        ("<B>a</b>", "<B>a</b>"),
        ("<i>a</b> </i>", "<i>a</b> </i>"),
        ("<b><i></b>", "<b>#i></b>"),
        ("<br> <li>a <b/> <hr>", "<br> <li>a <b/> <hr>"),
        ("<ref name", "#ref name"),
        ('<b a="x>y</b>', '#b a="x>y</b>'),
        ("<b a='x>y</b>", "#b a='x>y</b>"),
        ('<b a="x">y</b>', '<b a="x">y</b>'),
        ("}} ]] </b> -->", "}} ]] </b> -->"),
    ],
)
def test_marks_without_a_partner_are_masked(text: str, expected: str) -> None:
    assert tamed(text) == expected.replace("#", MASK)


@given(PIECES)
def test_taming_masks_only_marks_and_once(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "MAX_WASTED_STEPS", 0)
        found = tamed(text)
        assert tamed(found) == found
    assert len(found) == len(text)
    assert all(new == old or (new == MASK and old in "{[<|") for new, old in zip(found, text, strict=True))


@given(PIECES)
def test_below_the_threshold_the_parser_decides(text: str) -> None:
    assert tamed(text) == text


def test_the_threshold_is_what_the_open_marks_cost_to_the_text_s_end(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x" * 10 + "{{a {{b"  # open at 10 and 14 of 17: 7 + 3 characters are read in vain
    monkeypatch.setattr(nesting, "MAX_WASTED_STEPS", 10)
    assert tamed(text) == text
    monkeypatch.setattr(nesting, "MAX_WASTED_STEPS", 9)
    assert tamed(text) == "x" * 10 + MASK * 2 + "a " + MASK * 2 + "b"


def test_many_open_marks_in_a_short_text_cost_their_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "MAX_WASTED_STEPS", 100)
    assert tamed("{{" * 20) == MASK * 40
