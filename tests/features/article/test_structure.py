"""How an article is built, one part of it at a time."""

from __future__ import annotations

import re
from functools import cache
from statistics import median

import mwparserfromhell
import pytest

from assay.features.article.any_wiki import NAMES_LEXICON
from assay.features.article.names import ArticleNames, article_names, normalised_template
from assay.features.article.structure import ArticleStructure, analyse
from assay.features.lexicon import shipped
from assay.features.wikitext.wikicode import read
from features.oracle import articles

PROSE = "A sentence of forty characters, or thereby. " * 5
"""220 characters: a block of prose has 200 at least."""


@cache
def names() -> ArticleNames:
    return article_names(shipped(NAMES_LEXICON)[NAMES_LEXICON])


def structure(text: str) -> ArticleStructure:
    return analyse(read(text), text, names())


def test_the_lead_and_the_sections_are_measured_in_readable_characters() -> None:
    text = (
        f"Lead   text.\n== '''One''' ==\n{'a' * 400}\n=== Sub ===\n{'b' * 50}\n"
        f"== Two ==\n{'c' * 100}\n== Three ==\n{'d' * 294}\n"
        "==== Deep ====\n===== Deeper =====\n====== Deepest ======\n"
    )
    found = structure(text).layout
    assert found.lead_chars == len("Lead text.")
    assert (found.sections, found.subsections, found.deep_sections) == (3, 1, 3)
    assert found.longest_section_chars == len("One ") + 400 + len(" Sub ") + 50
    assert found.median_section_chars == len("Three ") + 294 + len(" Deep Deeper Deepest")
    assert found.short_sections == 1
    assert found.content_chars < found.chars


def test_the_median_of_two_sections_lies_between_them_and_none_have_none() -> None:
    found = structure(f"== A ==\n{'a' * 98}\n== B ==\n{'b' * 198}\n").layout
    assert found.median_section_chars == 150
    four = "".join(
        f"== {name} ==\n{name * length}\n" for name, length in zip("ABCD", (8, 98, 198, 398), strict=True)
    )
    assert structure(four).layout.median_section_chars == 150
    assert structure("No section.").layout.median_section_chars is None
    assert structure("No section.").layout.longest_section_chars == 0


@pytest.mark.parametrize(("chars", "short"), [(297, 1), (298, 0)])
def test_a_short_section_has_fewer_than_300_characters(chars: int, short: int) -> None:
    assert structure(f"== A ==\n{'a' * chars}").layout.short_sections == short


def test_a_text_may_begin_with_a_section() -> None:
    found = structure(f"==A==\n{'a' * 400}").layout
    assert (found.lead_chars, found.longest_section_chars) == (0, len("A ") + 400)


@pytest.mark.parametrize("title", ["", "{{anchor|A}}", "<!-- A -->"])
def test_a_heading_without_a_word_begins_a_section(title: str) -> None:
    """It is counted as one, too."""
    found = structure(f"Lead.\n== {title} ==\nMore.").layout
    assert (found.lead_chars, found.longest_section_chars) == (len("Lead."), len("More."))
    assert (found.sections, found.short_sections) == (1, 1)


@pytest.mark.parametrize("title", ["Early life", "''Early'' life", "[[youth|Early life]]", "Early&#32;life"])
def test_a_heading_begins_a_section_where_it_stands(title: str) -> None:
    """Not where its words stand before; and links, italics and entities in it are read."""
    found = structure(f"Early life: lead.\n== {title} ==\n{'a' * 400}").layout
    assert (found.lead_chars, found.longest_section_chars) == (
        len("Early life: lead."),
        len("Early life ") + 400,
    )


def test_a_heading_inside_italics_that_nobody_closed_begins_a_section() -> None:
    found = structure(f"Lead ''of\n== A ==\n{'a' * 400}''\n== B ==\nb").layout
    assert (found.lead_chars, found.longest_section_chars) == (len("Lead of"), len("A ") + 400)
    assert found.short_sections == 1


def test_a_heading_of_level_1_ends_a_section_too() -> None:
    found = structure(f"=== Early ===\n== A ==\n{'a' * 40}\n= B =\n{'b' * 50}\n=== C ===\nc").layout
    assert (found.lead_chars, found.longest_section_chars) == (len("Early"), len("B ") + 50 + len(" C c"))


def by_get_sections(text: str) -> tuple[int, list[int]] | None:
    """Readable characters of lead and sections by mwparserfromhell's own division.

    None when a heading stands inside another construct, which it does not look into.
    """
    code = mwparserfromhell.parse(text)
    if len(code.filter_headings()) != len(code.filter_headings(recursive=False)):
        return None
    divided = [""]
    for section in code.get_sections(flat=True, include_lead=True):
        headings = section.filter_headings(recursive=False)
        if headings and headings[0].level <= 2:
            divided.append("")
        divided[-1] += "\n" + section.strip_code()
    lead, *sections = (len(" ".join(each.split())) for each in divided)
    return lead, sections


def test_real_sections_are_as_long_as_mwparserfromhell_finds_them() -> None:
    compared = 0
    for _, text in articles()[::2]:
        if (expected := by_get_sections(text)) is None:
            continue
        lead, sections = expected
        found = structure(text).layout
        compared += 1
        assert found.lead_chars == lead
        assert found.longest_section_chars == max(sections, default=0)
        assert found.median_section_chars == (median(sections) if sections else None)
        assert found.short_sections == sum(chars < 300 for chars in sections)
    assert compared > 50


def test_real_infoboxes_have_the_fields_that_mwparserfromhell_finds() -> None:
    some = 0
    for _, text in articles()[::2]:
        values = [
            str(parameter.value)
            for template in mwparserfromhell.parse(text).filter_templates()
            if "infobox" in names().of(normalised_template(str(template.name)))
            for parameter in template.params
            if parameter.showkey
        ]
        filled = sum(bool(re.sub("<!--.*?-->", "", value, flags=re.DOTALL).strip()) for value in values)
        found = structure(text).templates
        some += found.infobox_fields > 0
        assert (found.infobox_fields, found.infobox_filled) == (len(values), filled)
    assert some > 20


def test_sections_of_one_name_are_two() -> None:
    found = structure(f"Lead.\n== A ==\n{'x' * 400}\n== A ==\n{'x' * 50}").layout
    assert (found.lead_chars, found.short_sections) == (len("Lead."), 1)
    assert found.longest_section_chars == len("A ") + 400


@pytest.mark.parametrize(
    "cited",
    [
        "<ref>x</ref>",
        "<REF name=a />",
        "{{sfn|A|1}}",
        "{{ harvnb|A}}",
        "{{#tag:ref|x}}",
        "{{efn|x}}",
        "{{r|a}}",
    ],
)
def test_a_block_is_cited_by_any_kind_of_reference(cited: str) -> None:
    text = f"{PROSE}{cited}\n \n{PROSE}{PROSE}\n\nshort\n\n{PROSE}"
    found = structure(text).sourcing
    assert (found.blocks, found.uncited_blocks) == (3, 2)
    assert found.longest_uncited_chars == 2 * len(PROSE)
    assert found.uncited_share == pytest.approx(3 * len(PROSE) / (4 * len(PROSE) + len(cited)))


@pytest.mark.parametrize(
    "start", ["{|", "| a", "=", "* a", "# a", ": a", "; a", "<b>", "!", "[[a]]", "_", "-"]
)
def test_a_block_that_begins_with_markup_is_no_prose(start: str) -> None:
    assert structure(f"  {start}{PROSE}").sourcing.blocks == 0
    assert structure(f"  a{start}{PROSE}").sourcing.blocks == 1


@pytest.mark.parametrize(
    "before",
    [
        "== A ==\n",
        "\n == A == \n=== B ===\n",
        "{{main|A}}\n",
        "[[File:A.jpg|thumb|A [[b]]]]\n",
        "==A==\n{{main|A}}\n",
    ],
)
def test_prose_begins_below_headings_templates_and_files_on_lines_of_their_own(before: str) -> None:
    text = f"{before}{PROSE}<ref>x</ref>\n\n{before}{PROSE}"
    found = structure(text).sourcing
    assert (found.blocks, found.uncited_blocks, found.longest_uncited_chars) == (2, 1, len(PROSE))
    assert structure(f"{before}* {PROSE}").sourcing.blocks == 0


@pytest.mark.parametrize(("chars", "blocks"), [(199, 0), (200, 1)])
def test_a_block_of_prose_has_200_characters(chars: int, blocks: int) -> None:
    assert structure("x" * chars).sourcing.blocks == blocks


def test_references_are_tags_and_short_notes() -> None:
    text = (
        '<ref name="a">{{cite web|title=A}}</ref><ref name="a" /><ref>{{cite journal|title=B}}</ref>'
        "{{sfn|A|1}} {{cite news|title=N}} {{efn|note}}"
    )
    found = structure(text).sourcing
    assert (found.refs, found.reused_refs, found.ref_names, found.short_notes) == (4, 1, 1, 1)
    assert (found.cites, found.web_cites, found.journal_cites, found.news_cites, found.book_cites) == (
        3,
        1,
        1,
        1,
        0,
    )
    assert found.notes == 1
    assert found.cites_per_ref == 3 / 4
    assert found.refs_per_kchar == 8
    assert structure("{{cite web|title=A}}").sourcing.cites_per_ref is None


def test_links_and_domains() -> None:
    text = (
        "[[Ada]] [[Ada]] [[Engine|engines]] [[Category:People]] [[File:A.jpg|thumb]]\n"
        "[http://www.Example.org/a A] [https://example.org/b B] http://other.example?x #"
    )
    found = structure(text).linking
    assert (found.links, found.distinct_links, found.categories) == (3, 2, 1)
    assert (found.external_links, found.domains) == (3, 2)
    assert found.links_per_kchar == 6


def test_above_the_least_length_counts_are_told_by_the_real_one() -> None:
    found = structure("[[Ada]] " + "x" * 996).linking
    assert found.links_per_kchar == 1


def test_pictures() -> None:
    text = "[[File:A.jpg|thumb|alt=An A]] [[File:B.OGG]] {{gallery|C.svg|D.jpeg}} .png5"
    found = structure(text).pictures
    assert (found.files, found.pictures, found.alt_texts) == (2, 3, 1)
    assert found.pictures_per_kchar == 6


def test_fields_of_infoboxes_only() -> None:
    text = (
        "{{Infobox person\n| name = Ada\n| born =\n|died=\t\n| a|b\n}}\n{{Other\n| x = y\n}}\n"
        "{{Infobox place\n| area = 5\n}}"
    )
    found = structure(text).templates
    assert (found.infoboxes, found.infobox_fields, found.infobox_filled) == (2, 4, 2)
    assert (found.templates, found.distinct_templates) == (3, 3)
    assert structure("{{a}} {{b}} {{a}}").templates.distinct_templates == 2


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ("|a=1|b=2|c=", (3, 2)),
        ("\n| a = <!-- how? -->\n| b = <!-- not closed", (2, 0)),
        ("\n| a =\n* one\n* two\n", (1, 1)),
        ("| a = {{list\n| b = 1\n| c = 2\n}}\n| d = {{{e|f=g}}}", (2, 2)),
        ("|{{a|b=c}}|[[d|e=f]]|g=h=i", (1, 1)),
        ("|{{Infobox b|a=1}}|b={{Infobox c|d=}}", (3, 2)),
        ("", (0, 0)),
    ],
)
def test_fields_of_an_infobox_have_names_and_what_they_are_set_to(
    fields: str, counts: tuple[int, int]
) -> None:
    found = structure(f"{{{{Infobox a{fields}}}}}").templates
    assert (found.infobox_fields, found.infobox_filled) == counts


def test_tables_and_lists() -> None:
    found = structure("* a\n* b\n{|\n|-\n| c\n|-\n| d\n|}\n").tabulation
    assert (found.tables, found.table_rows, found.list_items) == (1, 2, 2)
    assert found.list_share == 2 * 100 / 500


def test_templates_by_what_they_are_for() -> None:
    found = structure(
        "{{quote|x}}<blockquote>y</blockquote>{{convert|1|km}}{{main|A}}{{Reflist|30em}}{{reflist}}"
        "{{citation needed}}{{unreferenced}}{{coord|1|2}}{{Portal|A}}{{Commons category|A}}"
    ).apparatus
    assert (found.quotes, found.conversions, found.main_links, found.coordinates) == (2, 1, 1, 1)
    assert (found.reflists, found.reflist_arguments) == (2, 1)
    assert (found.problems, found.inline_problems, found.portals, found.sisters) == (1, 1, 1, 1)


def test_appendices() -> None:
    found = structure("== See also ==\n== References ==\n== External links ==\n== History ==\n").appendices
    assert (found.see_also, found.external_section, found.history_section) == (1, 1, 1)
    assert structure("== Life ==").appendices == (0, 0, 0, 0, 0)


def test_typography() -> None:
    found = structure(
        "'''b''' ''i'' ''j''<!-- c --> 5&nbsp;km 6\u00a0km a–b a—b a&ndash;b a&mdash;b<br /><br>"
        "<small>s</small><sup>2</sup><sub>2</sub><gallery>A.jpg</gallery><imagemap>B.jpg</imagemap>"
    ).typography
    assert (found.bold, found.italics, found.comments, found.hard_spaces, found.dashes) == (1, 2, 1, 2, 4)
    assert (found.line_breaks, found.galleries, found.small_tags) == (2, 2, 3)


def test_nothing_has_no_share_and_no_count() -> None:
    found = structure("")
    assert found.sourcing.uncited_share is None
    assert all(not value for group in found for value in group)
