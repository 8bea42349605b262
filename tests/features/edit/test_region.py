"""The changed region: complete, minimal, and the same whatever surrounds it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.edit.region import changed_region
from features.edits import edit, value, values

TEXTS = st.text("ab \n[", max_size=40)


def test_a_changed_word_is_one_segment_of_one_line() -> None:
    region = changed_region("top\nthe cat sat\nend", "top\nthe dog sat\nend")
    assert region.old == "the cat sat"
    assert region.new == "the dog sat"
    assert region.added == ("dog",)
    assert region.removed == ("cat",)


def test_a_moved_line_is_no_change() -> None:
    region = changed_region("a\nb\nc\nd", "a\nc\nb\nd")
    assert region.added == region.removed == ()
    assert value(edit("a\nb\nc\nd", "a\nc\nb\nd"), "change.is_null") is True


def test_two_far_changes_leave_the_lines_between_alone() -> None:
    middle = "\n".join(f"line {i}" for i in range(1000))
    region = changed_region(f"one\n{middle}\ntwo", f"ones\n{middle}\ntwos")
    assert region.new == "ones\ntwos"
    assert region.added == ("ones", "twos")


def test_huge_rewrites_fall_back_to_bags_of_tokens() -> None:
    old = " ".join(f"a{i}" for i in range(3000))
    new = " ".join(f"b{i}" for i in range(3000)) + " a7"
    region = changed_region(old, new)
    assert "b2999" in region.added[0]
    assert "a7" not in region.added[0].split()


@given(TEXTS, TEXTS)
def test_every_character_is_accounted_for(old: str, new: str) -> None:
    region = changed_region(old, new)
    growth = sum(map(len, region.new.split("\n"))) - sum(map(len, region.old.split("\n")))
    lines = new.count("\n") - old.count("\n")
    assert growth + lines == len(new) - len(old)
    if sorted(old.split("\n")) == sorted(new.split("\n")):
        assert region.added == region.removed == ()


@given(TEXTS)
def test_a_page_creation_adds_everything(text: str) -> None:
    region = changed_region(None, text)
    assert "".join(region.added) == text
    assert region.removed == ()


def test_figures_of_a_blanking() -> None:
    names = ["creates", "new_size", "growth", "removed_share", "balance", "overlap"]
    figures = values(edit("x" * 99, ""), [f"change.{name}" for name in names])
    assert figures == [False, 0, -99, 0.99, pytest.approx(-0.99), None]


def test_figures_of_a_creation() -> None:
    creation = edit(None, "hello")
    assert value(creation, "change.creates") is True
    assert value(creation, "change.removed_share") is None
    assert value(creation, "change.size_ratio") is None


def test_a_correction_overlaps_and_a_replacement_does_not() -> None:
    corrected = value(edit("the recieved view", "the received view"), "change.overlap")
    replaced = value(edit("the recieved view", "the hmmm view"), "change.overlap")
    assert isinstance(corrected, float)
    assert isinstance(replaced, float)
    assert corrected == 1.0
    assert replaced < 0.3
