"""What an article's counts mean for its length: trees find it hard to divide.

Per thousand readable characters, or as a share of a related count; short texts count as `LEAST_CHARS` there.
"""

from __future__ import annotations

from typing import NamedTuple

from assay.features.article.prose import Prose
from assay.features.article.structure import LEAST_CHARS, ArticleStructure


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
    layout, sourcing, linking = structure.layout, structure.sourcing, structure.linking
    templates, typography = structure.templates, structure.typography
    kchars = max(layout.content_chars, LEAST_CHARS) / 1000
    cites, refs = max(sourcing.cites, 1), max(sourcing.refs, 1)
    return ArticleRatios(
        lead_chars=layout.lead_chars / kchars,
        cites=sourcing.cites / kchars,
        templates=templates.templates / kchars,
        categories=linking.categories / kchars,
        italics=typography.italics / kchars,
        hard_spaces=typography.hard_spaces / kchars,
        dashes=typography.dashes / kchars,
        sections=layout.sections / kchars,
        subsections=layout.subsections / kchars,
        external_links=linking.external_links / kchars,
        inline_problems=structure.apparatus.inline_problems / kchars,
        longest_section_chars=layout.longest_section_chars / kchars,
        source_chars=layout.chars / kchars,
        cited_blocks=sourcing.blocks - sourcing.uncited_blocks,
        distinct_link_share=linking.distinct_links / max(linking.links, 1),
        filled_field_share=templates.infobox_filled / max(templates.infobox_fields, 1),
        names_per_ref=sourcing.ref_names / refs,
        reused_ref_share=sourcing.reused_refs / refs,
        domains_per_external_link=linking.domains / max(linking.external_links, 1),
        web_cite_share=sourcing.web_cites / cites,
        book_cite_share=sourcing.book_cites / cites,
        journal_cite_share=sourcing.journal_cites / cites,
        sentences_per_ref=prose.sentences / refs,
    )
