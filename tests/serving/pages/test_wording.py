"""Words for people. That the browser has the same is tested there (`tests/e2e/test_pages.py`)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.serving.pages.wording import in_reading_order, moment, percent, size_change, summary, tone


@given(st.floats(0, 1))
def test_a_percentage_never_hides_a_rest(chance: float) -> None:
    text = percent(chance)
    assert (text == "0%") == (chance == 0)
    assert text != "100%" or chance == 1


@given(st.integers(-(10**9), 10**9))
def test_a_size_change_shows_its_sign(size: int) -> None:
    assert size_change(size)[0] == ("+" if size > 0 else "−" if size < 0 else "±")
    assert int(size_change(size)[1:].replace(",", "")) == abs(size)


@given(st.text())
def test_any_comment_has_a_summary(comment: str) -> None:
    assert len(summary(comment)) <= len(comment) + comment.count("/*") * 3


def test_a_summary_reads_mediawikis_marks() -> None:
    assert summary("/* Early life */ fixed [[User:Ann|Ann]]'s [[typo]]") == "→ Early life: fixed Ann's typo"


@pytest.mark.parametrize(
    ("section", "arrow"), [("היסטוריה", "←"), ("1. تاريخ", "←"), ("Ilm علم", "→"), ("12", "→")]
)
def test_the_arrow_points_to_where_the_section_is_read(section: str, arrow: str) -> None:
    assert summary(f"/* {section} */ 2024") == f"{arrow} {section}: 2024"


def test_models_of_the_edit_come_first() -> None:
    assert in_reading_order(["zeta", "articlequality", "reverted", "alpha", "damaging"]) == [
        *("damaging", "reverted", "articlequality", "alpha", "zeta")
    ]


@pytest.mark.parametrize(
    ("model", "true", "expected"),
    [
        ("damaging", 0.9, "alarm"),
        ("damaging", 0.5, "caution"),
        ("damaging", 0.1, "calm"),
        ("goodfaith", 0.1, "alarm"),
        ("goodfaith", 0.9, "calm"),
        ("revid", 0.9, "none"),
    ],
)
def test_what_is_bad_is_alarming(model: str, true: float, expected: str) -> None:
    assert tone(model, {"true": true, "false": 1 - true}) == expected


def test_times_are_utc() -> None:
    assert moment("2025-11-03T02:05:38Z") == "3 Nov 2025, 02:05"
