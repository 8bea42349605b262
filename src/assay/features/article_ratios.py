"""What an article's counts mean for its length: trees find it hard to divide.

Per thousand readable characters, or as a share of a related count; short texts count as 500 characters,
so that a stub's single link is no flood.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from assay.features.article_structure import ArticleStructure
from assay.features.prose import Prose

_LEAST_CHARS: Final = 500


class ArticleRatios(NamedTuple):
    """Per thousand readable characters unless the name says otherwise; all ≥ 0."""

    lead_chars: float
    cites: float
    templates: float
    categories: float
    italics: float
    hard_spaces: float
    dashes: float
    sections: float
    subsections: float
    external_links: float
    inline_problems: float
    longest_section_chars: float
    source_chars: float
    cited_blocks: int
    distinct_link_share: float
    filled_field_share: float
    names_per_ref: float
    reused_ref_share: float
    domains_per_external_link: float
    web_cite_share: float
    book_cite_share: float
    journal_cite_share: float
    sentences_per_ref: float


def analyse(structure: ArticleStructure, prose: Prose) -> ArticleRatios:
    """The ratios of one article."""
    s = structure
    kchars = max(s.content_chars, _LEAST_CHARS) / 1000
    cites, refs = max(s.cites, 1), max(s.refs, 1)
    return ArticleRatios(
        lead_chars=s.lead_chars / kchars,
        cites=s.cites / kchars,
        templates=s.templates / kchars,
        categories=s.categories / kchars,
        italics=s.italics / kchars,
        hard_spaces=s.hard_spaces / kchars,
        dashes=s.dashes / kchars,
        sections=s.sections / kchars,
        subsections=s.subsections / kchars,
        external_links=s.external_links / kchars,
        inline_problems=s.inline_problems / kchars,
        longest_section_chars=s.longest_section_chars / kchars,
        source_chars=s.chars / kchars,
        cited_blocks=s.blocks - s.uncited_blocks,
        distinct_link_share=s.distinct_links / max(s.links, 1),
        filled_field_share=s.infobox_filled / max(s.infobox_fields, 1),
        names_per_ref=s.ref_names / refs,
        reused_ref_share=s.reused_refs / refs,
        domains_per_external_link=s.domains / max(s.external_links, 1),
        web_cite_share=s.web_cites / cites,
        book_cite_share=s.book_cites / cites,
        journal_cite_share=s.journal_cites / cites,
        sentences_per_ref=prose.sentences / refs,
    )
