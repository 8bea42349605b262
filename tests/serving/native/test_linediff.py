"""Differences for people: right for any texts, bounded for hostile ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assay.serving.native.linediff import (
    CONTEXT_LINES,
    MAX_DIFFERENT_LINES,
    MAX_LINE_CHARS,
    MAX_SHOWN_LINES,
    MAX_WORD_PAIRS,
    Diff,
    Line,
    diff,
)

words = st.sampled_from(["der", "die", "das", "[[Link]]", "{{x}}", "é", " ", "  ", "\u202e", "\r"])
lines = st.lists(words, max_size=6).map("".join)
texts = st.lists(lines, max_size=12).map("\n".join)


def side(line: Line, kinds: tuple[str, ...]) -> str:
    return "".join(text for kind, text in line.parts if kind in kinds)


def applied(difference: Diff, old: str, which: str) -> list[str]:
    """A text rebuilt from the old one and the hunks (`which`: new), or from the hunks' old side."""
    before = old.split("\n") if old else []
    rebuilt: list[str] = []
    position = 0
    for old_start, _, hunk in difference.hunks:
        rebuilt += before[position : old_start - 1]
        position = old_start - 1
        for line in hunk:
            if line.kind in ("equal", "removed", "changed"):
                assert side(line, ("equal", "removed")) == before[position]
                position += 1
            if line.kind in ("equal", "added", "changed"):
                rebuilt.append(side(line, ("equal", "added")))
    return rebuilt + before[position:]


@given(texts, texts)
def test_the_new_text_follows_from_the_old_one_and_the_difference(old: str, new: str) -> None:
    difference = diff(old, new)
    assert not difference.truncated
    assert applied(difference, old, "new") == (new.split("\n") if new else [])


@given(texts, texts)
def test_line_numbers_point_into_the_new_text(old: str, new: str) -> None:
    after = new.split("\n") if new else []
    for _, new_start, hunk in diff(old, new).hunks:
        shown = [side(line, ("equal", "added")) for line in hunk if line.kind != "removed"]
        assert after[new_start - 1 : new_start - 1 + len(shown)] == shown


@given(texts)
def test_equal_texts_have_no_difference(text: str) -> None:
    assert diff(text, text) == Diff((), False, 0, 0)


def test_changed_words_are_marked_within_their_line() -> None:
    ((_, _, (line,)),) = diff("The cat sat on the mat.", "The dog sat on the mat.").hunks
    assert line.kind == "changed"
    assert line.parts == (
        ("equal", "The "),
        ("removed", "cat"),
        ("added", "dog"),
        ("equal", " sat on the mat."),
    )


def test_lines_with_little_in_common_are_removed_and_added() -> None:
    ((_, _, hunk),) = diff("The cat sat on the mat.", "Völlig anderer Satz!").hunks
    assert [line.kind for line in hunk] == ["removed", "added"]


def test_far_changes_stand_in_hunks_of_their_own_with_their_surroundings() -> None:
    old = [f"line {n}" for n in range(40)]
    new = [*old[:10], "new", *old[10:30], *old[31:]]
    first, second = diff("\n".join(old), "\n".join(new)).hunks
    assert first[:2] == (11 - CONTEXT_LINES, 11 - CONTEXT_LINES)
    assert [line.kind for line in first[2]] == ["equal"] * 3 + ["added"] + ["equal"] * 3
    assert second[:2] == (31 - CONTEXT_LINES, 32 - CONTEXT_LINES)
    assert [line.kind for line in second[2]] == ["equal"] * 3 + ["removed"] + ["equal"] * 3


def test_a_blanking_and_a_creation_are_one_sided() -> None:
    assert diff("a\nb", "").removed_lines == 2
    assert diff("a\nb", "").added_lines == 0
    assert diff("", "a\nb").added_lines == 2


def test_huge_texts_are_cut_and_said_to_be() -> None:
    count = MAX_DIFFERENT_LINES + 1
    old = "\n".join(f"old {n}" for n in range(count))
    new = "\n".join(f"new {n}" for n in range(count))
    difference = diff(old, new)
    assert difference.truncated
    assert sum(len(hunk) for _, _, hunk in difference.hunks) == MAX_SHOWN_LINES
    assert (difference.added_lines, difference.removed_lines) == (count, count)


def test_work_on_words_is_bounded() -> None:
    old = "\n".join(f"{n} " + "a b " * 900 for n in range(100))
    new = "\n".join(f"{n}! " + "a b " * 900 for n in range(100))
    ((_, _, hunk),) = diff(old, new).hunks
    compared = [line for line in hunk if line.kind == "changed"]
    assert 1 <= len(compared) <= MAX_WORD_PAIRS // 3600**2 + 1
    assert applied(diff(old, new), old, "new") == new.split("\n")


def test_a_giant_line_is_cut() -> None:
    difference = diff("", "x" * 3_000_000)
    assert difference.truncated
    ((_, _, (line,)),) = difference.hunks
    assert len(line.parts[0][1]) == MAX_LINE_CHARS + 1
