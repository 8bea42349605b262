"""What an article's counts mean for its length, from structures made by hand."""

from __future__ import annotations

from itertools import count
from typing import Any, get_type_hints

from assay.features.article.prose import Prose
from assay.features.article.ratios import ArticleRatios, analyse
from assay.features.article.structure import ArticleStructure, Layout, Linking, Sourcing, Templates

PROSE = Prose(*range(100, 100 + len(Prose._fields)))


def filled(kind: Any, numbers: count[int]) -> Any:
    return kind(*(next(numbers) for _ in kind._fields))


def structure() -> ArticleStructure:
    """Every count is another number, so that no two can be taken for each other."""
    numbers = count(1)
    groups = get_type_hints(ArticleStructure).values()
    return ArticleStructure(*(filled(group, numbers) for group in groups))


def with_length(content_chars: int) -> ArticleStructure:
    found = structure()
    return found._replace(layout=found.layout._replace(content_chars=content_chars))


PER_KCHAR = {
    "lead_chars": "layout.lead_chars",
    "cites": "sourcing.cites",
    "templates": "templates.templates",
    "categories": "linking.categories",
    "italics": "typography.italics",
    "hard_spaces": "typography.hard_spaces",
    "dashes": "typography.dashes",
    "sections": "layout.sections",
    "subsections": "layout.subsections",
    "external_links": "linking.external_links",
    "inline_problems": "apparatus.inline_problems",
    "longest_section_chars": "layout.longest_section_chars",
    "source_chars": "layout.chars",
}


def test_counts_are_told_per_thousand_readable_characters() -> None:
    for content_chars, kchars in ((4000, 4), (500, 0.5), (499, 0.5), (0, 0.5)):
        given = with_length(content_chars)
        found = analyse(given, PROSE)
        for name, path in PER_KCHAR.items():
            group, field = path.split(".")
            assert getattr(found, name) == getattr(getattr(given, group), field) / kchars, name


def test_shares_of_a_related_count() -> None:
    given = structure()
    found, sourcing, linking = analyse(given, PROSE), given.sourcing, given.linking
    assert found._asdict() == {
        **{name: getattr(found, name) for name in PER_KCHAR},
        "cited_blocks": sourcing.blocks - sourcing.uncited_blocks,
        "distinct_link_share": linking.distinct_links / linking.links,
        "filled_field_share": given.templates.infobox_filled / given.templates.infobox_fields,
        "names_per_ref": sourcing.ref_names / sourcing.refs,
        "reused_ref_share": sourcing.reused_refs / sourcing.refs,
        "domains_per_external_link": linking.domains / linking.external_links,
        "web_cite_share": sourcing.web_cites / sourcing.cites,
        "book_cite_share": sourcing.book_cites / sourcing.cites,
        "journal_cite_share": sourcing.journal_cites / sourcing.cites,
        "sentences_per_ref": PROSE.sentences / sourcing.refs,
    }


def test_a_share_of_nothing_is_of_one() -> None:
    given = structure()
    empty = given._replace(
        layout=Layout(*[0] * len(Layout._fields)),
        sourcing=Sourcing(*[0] * len(Sourcing._fields)),
        linking=Linking(*[0] * len(Linking._fields)),
        templates=Templates(*[0] * len(Templates._fields)),
    )
    shares = {field for field in ArticleRatios._fields if "share" in field}
    found = analyse(empty, PROSE)
    assert {getattr(found, field) for field in (*shares, "names_per_ref", "domains_per_external_link")} == {0}
    assert found.sentences_per_ref == PROSE.sentences


def test_a_single_one_is_a_whole() -> None:
    ones = ArticleStructure(
        *(kind(*[1] * len(kind._fields)) for kind in get_type_hints(ArticleStructure).values())
    )
    found = analyse(ones, PROSE)
    shares = {field for field in ArticleRatios._fields if "share" in field}
    assert {getattr(found, field) for field in (*shares, "names_per_ref", "domains_per_external_link")} == {1}
