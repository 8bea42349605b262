"""What is derived from the changed lines alone equals what each text gives by itself."""

from __future__ import annotations

import pytest
from hypothesis import example, given

from assay.features.edit.longest import longest_run, new_longest_run, new_longest_token
from assay.features.text import alignment
from assay.features.text.alignment import align
from assay.features.text.completeness import is_complete
from assay.features.text.lexer import KINDS
from assay.features.text.tokens import ParentTokens, Tokens, parent_tokens, tokenize
from assay.features.wikitext.constructs import parent_structure
from assay.features.wikitext.wikicode import read
from features.line_edits import edits
from features.oracle import cases


def derived(parent: str, text: str) -> tuple[Tokens, Tokens]:
    found = align(parent, text)
    revision = tokenize(text)
    return ParentTokens(revision, tokenize(found.added), tokenize(found.removed), found), revision


def test_what_stays_open_over_many_changed_lines_is_not_judged_again_at_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An edit of two megabytes so took 40 s."""
    judged: list[int] = []

    def judge(piece: str) -> bool:
        judged.append(len(piece))
        return is_complete(piece)

    monkeypatch.setattr(alignment, "is_complete", judge)
    shared = "</b>" * 500 + "\n"
    parent, text = ("".join(f"{it}{line}\n{shared}" for line in range(30)) for it in ("{{a", "b"))
    assert align(parent, text).isolated is None
    assert len(judged) > 2
    assert sum(judged) < 4 * (len(parent) + len(text))


def totals(tokens: Tokens) -> list[int]:
    return [*map(tokens.total, KINDS)]


@given(edits())
@example(("a b\n", "c  d \n\nf "))
def test_a_text_that_is_cut_in_parts_has_the_tokens_of_the_whole(edit: tuple[str, str]) -> None:
    found, whole, in_parts = align(*edit), tokenize(edit[1]), tokenize(edit[1])
    parent = parent_tokens(edit[0], found, in_parts)
    assert isinstance(parent, ParentTokens)
    assert list(parent.added) == list(tokenize(found.added))
    assert list(in_parts.counts.items()) == list(whole.counts.items())
    assert (in_parts.totals, list(in_parts)) == (whole.totals, list(whole))
    assert dict(parent.counts) == dict(tokenize(edit[0]).counts)


@given(edits())
def test_parents_tokens_add_up(edit: tuple[str, str]) -> None:
    parent, _ = derived(*edit)
    alone = tokenize(edit[0])
    assert dict(parent.counts) == dict(alone.counts)
    assert totals(parent) == totals(alone)
    assert len(parent) == len(alone)
    assert list(parent) == list(alone)
    assert parent.longest == alone.longest


@given(edits())
def test_new_longest_are_those_of_both_whole_texts(edit: tuple[str, str]) -> None:
    old, new = edit
    run = len(longest_run(new))
    expected = run if run > max(1, len(longest_run(old))) else 1
    assert new_longest_run(align(old, new)) == expected
    longest = tokenize(new).longest
    assert new_longest_token(*derived(old, new)) == (longest if longest > tokenize(old).longest else 1)


def test_parents_of_real_edits_are_counted_exactly() -> None:
    differing = []
    for case in cases():
        parent = case.revision.parent
        old = "" if parent is None else getattr(parent, "text", "")
        new = str(case.revision.text)
        structure = parent_structure(old, align(old, new), read(new))
        tokens, _ = derived(old, new)
        if structure != read(old).structure or totals(tokens) != totals(tokenize(old)):
            differing.append((case.wiki, case.revision.id))
    assert differing == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", "new page"),
        ("gone", ""),
        ("same\n", "same\n"),
        ("a\nb\nc", "a\nX\nc"),
        ("a\n\nb", "a\nb"),
        ("{{T|\na\n}}\nb", "{{T|\na2\n}}\nb"),
    ],
)
def test_alignment_accounts_for_every_character(old: str, new: str) -> None:
    alignment = align(old, new)
    assert len(new) - len(alignment.added) == len(old) - len(alignment.removed)


def test_lines_that_stand_between_two_changed_ones_are_shared() -> None:
    lines = [f"line {number} of a longer text\n" for number in range(60)]
    edited = [*lines]
    edited[10], edited[50] = "first\n", "second\n"
    alignment = align("".join(lines), "".join(edited))
    assert alignment[2:4] == (lines[10] + lines[50], "first\nsecond\n")
    assert alignment.isolated == alignment[2:4]


def test_a_page_creation_shares_nothing() -> None:
    assert align(None, "all new\n").added == "all new\n"
