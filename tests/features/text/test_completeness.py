"""What is judged complete may be cut out: the constructs of what remains are counted as before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.features.text.alignment import align
from assay.features.text.completeness import ends_before, is_complete
from assay.features.wikitext.constructs import parent_structure
from assay.features.wikitext.wikicode import read

REF = "A fact.<ref>[http://example.org ''Society] p. 91</ref> More."
"""Italics that are never ended: so it stands in a revision of the English Wikipedia's "Anarchism"."""
BOOKS = ["* [[B]], ''[[Machinery]]'' 1973", "* [[C]], ''[http://example.org/c Right]''", "* [[D]]"]
CELL = "| ''Love Marriage'' || 2008 || [[KBS2]]"
TABLE = ["{| class=wikitable", "|-", "| a", "|}"]
MARKS = st.lists(
    st.sampled_from(
        [
            "{{", "}}", "{{{", "}}}", "[[", "]]", "[http://a.b c", "]", "''", "'''", "'''''", "<b>", "</b>",
            "<ref>", "</ref>", "<ref name=a/>", "<li>", "</li>", "<td>", "<p>", "<br>", "<a''>",
            "<!--", "-->", "<nowiki>''</nowiki>", "<pre>{{</pre>", "|", "||", "=", "a", " a", "http://a.b",
            "\n", "\n\n", "\n==", "\n== a ==\n", "\n* ", "\n; ", ":", "\n{|\n", "\n|}", "\n|-\n", "\n| ",
            "\n {|",
        ]
    ),
    max_size=8,
).map("".join)  # fmt: skip


def assert_counted_as_parsed(parent: str, text: str) -> None:
    assert parent_structure(parent, align(parent, text), read(text)) == read(parent).structure


@given(MARKS, MARKS, MARKS, MARKS)
def test_marks_in_any_order_are_counted_as_a_parse_counts_them(
    before: str, old: str, new: str, behind: str
) -> None:
    assert_counted_as_parsed(f"{before}\n{old}\n{behind}", f"{before}\n{new}\n{behind}")


@pytest.mark.parametrize(
    ("before", "changed", "behind"),
    [
        pytest.param([REF, "==Books=="], BOOKS, ["''End''."], id="italics left open before"),
        pytest.param(["'''Old'' and '''New'', a place"], ["''It''"], ["''is''."], id="bold ended by italics"),
        pytest.param(["''a"], ["'''''b''"], ["c'''"], id="both, one of them twice"),
        pytest.param(["a"], ["'''''b'' c'''"], ["''d'' e '''"], id="both, the bold last"),
        pytest.param(["=", ""], ["'''a", "=='''"], ["'''='''"], id="bold over a heading's begin"),
        pytest.param([""], ["<ref>a", "|"], ["''", "''''"], id="a tag that is tried over italics behind"),
        pytest.param(["a"], ["<div>", "== b </div> =="], ["</div>"], id="a tag that ends in a heading"),
        pytest.param(["a"], ["''b [http://a.b c'' d]"], ["e ''"], id="italics that end in a link"),
        pytest.param(["a"], ["{{b|<i>c}} d</i>"], ["}}"], id="a template that ends in a tag"),
        pytest.param(["<b ''>", "<u"], ["''a''", "d"], ["''", "</b>"], id="italics in a tag"),
        pytest.param(["a"], ["<li>b"], ["</b>"], id="an item spoiled behind"),
        pytest.param(["</b>", "<LI>a"], ["b </i>"], ["c"], id="an item spoiled before"),
        pytest.param(["{|", "|-"], [CELL], ["|}", "{|", "| b"], id="a table, and one that never ends"),
        pytest.param(["|}", "{|", "|-"], [CELL], ["|}"], id="the end of no table, and one"),
        pytest.param(["{|", "|-"], [CELL], ["|}", *TABLE], id="two tables"),
        pytest.param(["{{Infobox", "|a=1"], ["|b={{c}}", "== H =="], ["}}", "{{d"], id="a template"),
        pytest.param(["}} {{Infobox", "|a=1"], ["== H ==", "|b=2"], ["}}"], id="the end of no template"),
        pytest.param(["{{a <!-- }} -->", "|b"], ["|c={{d}}", "== H =="], ["}}"], id="an end in a comment"),
        pytest.param(["{{a|<pre>}}</pre>"], ["|c={{d}}", "== H =="], ["}}"], id="an end that is shown"),
        pytest.param(["{{{a}} b"], ["{{c}}"], ["}}}"], id="an argument"),
        pytest.param(["<div>", "''a''"], ["</div>", "<b>", "<div>"], ["</div>"], id="ends before it begins"),
        pytest.param(["{{a|", "b"], ["}} c {{", "d"], ["}}"], id="templates swapped"),
        pytest.param(["<!-- a"], ["{{b}}"], ["-->"], id="a comment"),
        pytest.param(["<!-- a"], ["{{b}}"], ["<!-- c -->"], id="a comment that begins twice"),
        pytest.param(["[[File:A.jpg|thumb|"], ["{{b}} [[c]]"], ["]]"], id="a picture"),
        pytest.param(["<small>"], ["{{b}}"], ["</SMALL>"], id="a tag"),
        pytest.param(["<ref name=a/>"], ["{{b}}"], ["</ref>"], id="a tag that ended itself"),
        pytest.param(["a"], ["''b", "c''"], ["d"], id="italics over lines"),
        pytest.param(["[[File:a.jpg|''A]] The ''book''"], ["sold.]]"], ["a"], id="a link and italics"),
        pytest.param(["{{Infobox|a=''A}} The ''book''"], ["sold.}}"], ["a"], id="a template and italics"),
        pytest.param(["[[|'']]''"], ["]]"], [""], id="the least of a link"),
        pytest.param(["a"], ["'''''b''' c''"], ["''d''"], id="both, the bold first"),
    ],
)  # fmt: skip
def test_the_parent_is_counted_as_a_parse_of_all_of_it_counts(
    before: list[str], changed: list[str], behind: list[str]
) -> None:
    with_, without = "\n".join([*before, *changed, *behind]), "\n".join([*before, "x", *behind])
    assert_counted_as_parsed(with_, without)
    assert_counted_as_parsed(without, with_)


@pytest.mark.parametrize(
    "piece",
    [
        "{{a|{{b}}|c=[[d|e]]}}", "{{{a|b}}}", "<!-- {{ -->'''b'''", "<ref>a</ref><br><ref name=b />",
        "<B>a</b>", "\n".join(TABLE), " {|\n|}", "''a'' '''b''' '''''c''''' ''f '''g'''''",
        "'''''a''' b''", "''a '''''b'''", "''''a''''", "[[a|''b'']]", "[http://a.b ''c'' {{d}}]",
        "== a {{b}} ==", "<div>\n== a ==\n</div>", "<nowiki>''</nowiki>", "<pre>{{</pre>", "a [[b]]]",
        "<div><p>a</div>", "<ref>a</i></ref>", "[a ''b] c''", "[a\n==[[b]]==",
        "}}a", "a]]", "a -->", "a</ref>", "| a\n|}", "no mark at all", "",
    ],
)  # fmt: skip
def test_whole_constructs_are_complete_and_so_are_ends_of_none(piece: str) -> None:
    """Else the whole parent would be parsed, which takes long."""
    assert is_complete(piece)


@pytest.mark.parametrize(
    "piece",
    [
        "{{a", "}}a{{", "}} {{a}} {{", "{{{a}}", "{{{{a}}}}", "[[a", "<!-- a", "<!-->", "<ref>a",
        "</ref>a<ref>", "<ref", "{|\n| a", "|}\n{|", "''a", "'''a", "'''''a", "'''''a''", "'''a''",
        "''a '''b'' c'''", "'''''a'' b'''", "''a [b'' c]", "''a\n== b'' ==", "<b>''a</b>''",
        "''<b><i>''a''</b>''", "<b>[a\n=={{b}}</b>==", "{{a [[b}}]]", "<li>a",
        "<ref ''>a</ref>", "<p>a", "<pre>a", "<PRE>{{</PRE>", "<i>" * 200 + "</i>" * 200,
    ],
)  # fmt: skip
def test_half_ones_are_not(piece: str) -> None:
    assert not is_complete(piece)


@pytest.mark.parametrize("changed", ["a [[b|c]] {{d}} [http://e.f g]", "a\n* b"])
def test_italics_left_open_before_alter_nothing_in_lines_without_any(changed: str) -> None:
    """They stand in articles for months."""
    assert ends_before("''a {{b}} c", changed)
    assert not ends_before("{{a ''b}} c {{", changed)


@pytest.mark.parametrize("changed", ["''a''", "<b>a</b>", "== a ==", "|}", "a]]", "[[a]]]", "{{a}}}}"])
def test_italics_left_open_before_may_alter_others(changed: str) -> None:
    assert not ends_before("''a", changed)
    assert ends_before("''a''", changed)
