"""Counts of a revision's and of its parent's constructs, as features."""

from __future__ import annotations

import mwparserfromhell
import pytest
from hypothesis import given

from assay.features.text.alignment import align
from assay.features.wikitext.constructs import parent_structure
from assay.features.wikitext.wikicode import read
from features.edits import edit, values_called
from features.line_edits import edits
from features.tree import TRICKY

COUNTS = ("headings", "wikilinks", "external_links", "templates", "tags", "ref_tags", "list_items")
RICH = """= A =
== B ==
== C ==
=== D ===
==== E ====
===== F =====
====== G ======
[[H]] [[H]] {{I|[[J]]}} [http://k.l M]
<ref>N</ref><ref name=O/> ''P''
* Q
<li>R"""
OF_RICH = [7.0, 3.0, 1.0, 1.0, 5.0, 2.0, 2.0]


def named(of: str, *names: str) -> list[str]:
    return [f"feature.wikitext.revision{of}.{name}" for name in names]


def test_constructs_are_counted_as_floats_in_the_revision_and_in_its_parent() -> None:
    for revision, of in ((edit("x", RICH), ""), (edit(RICH, "x"), ".parent")):
        found = values_called(named(of, *COUNTS), revision)
        assert found == OF_RICH
        assert {type(value) for value in found} == {float}
    assert values_called(named(".parent", *COUNTS), edit(None, RICH)) == [0.0] * 7


def test_headings_are_counted_by_level() -> None:
    names = named("", *(f"headings_by_level({level})" for level in range(1, 7)))
    assert values_called(names, edit("", RICH)) == [1.0, 2.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("text", TRICKY)
def test_characters_are_counted_whole_and_as_they_are_read(text: str) -> None:
    found = values_called(named("", "chars", "content_chars") + named(".parent", "chars"), edit(text, text))
    assert found == [len(text), len(mwparserfromhell.parse(text).strip_code()), len(text)]
    assert {type(value) for value in found} == {float}
    assert values_called(named(".parent", "chars"), edit(None, text)) == [0.0]


@given(edits())
def test_a_parent_s_constructs_are_counted_from_what_was_changed(edit: tuple[str, str]) -> None:
    old, new = edit
    assert parent_structure(old, align(old, new), read(new)) == read(old).structure


def test_the_counts_of_another_text_are_of_no_use() -> None:
    """A client may inject the one and not the other."""
    old, new = "[[a]]\nb\n", "[[a]]\nc\n"
    assert parent_structure(old, align(old, new), read("{{d}}")) == read(old).structure


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<b>bold\nstill</b>\nplain\n", "<b>bold\nstill\nplain\n"),
        ("<b>bold\nstill\nplain\n", "<b>bold\nstill</b>\nplain\n"),
        ("{{T|\na}}\nplain\n", "{{T|\na\nplain\n"),
    ],
)
def test_a_closing_mark_that_only_one_text_has_counts_in_that_text_only(old: str, new: str) -> None:
    assert parent_structure(old, align(old, new), read(new)) == read(old).structure
