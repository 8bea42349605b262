"""How an article is built: sections, references, templates, pictures, links; for any wiki.

Everything here is blind to templates that tell the article's class (`assay.features.article.kinds`): with and
without ``{{featured article}}`` or a stub template the values are the same, whitespace around them included.
Lengths count characters without runs of blanks; where a count is told per thousand readable characters, short
texts count as 500, so that a stub's single link is no flood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from statistics import median
from typing import Final, NamedTuple, get_type_hints

from assay.features.article.kinds import Kinds
from assay.features.article.names import ArticleNames, without_comments
from assay.features.wikitext import ref_tags
from assay.features.wikitext.wikicode import Wikicode

LEAST_CHARS: Final = 500
"""Readable characters that a shorter text counts as having."""

_CITED: Final = re.compile(r"<ref\b|\{\{\s*(?:sfn|harv|#tag:ref|efn|r\||rp\||refn)", re.IGNORECASE)
_BLOCKS: Final = re.compile(r"\n\s*\n")
_BEFORE_PROSE: Final = re.compile(
    r"\s*(?:(?:=[^\n]*=|\{\{[^\n]*\}\}|\[\[[^\n]*\]\])[ \t]*\n\s*)*"  # headings, templates, files
)
_DOMAIN: Final = re.compile(r"//(?:www\.)?([^/\s?#\]|]+)", re.IGNORECASE)
_PICTURE: Final = re.compile(r"\.(?:jpe?g|png|gif|svg|tiff?|webp|djvu|pdf)\b", re.IGNORECASE)
_ALT: Final = re.compile(r"\|\s*alt\s*=", re.IGNORECASE)
_REFLIST_ARGUMENT: Final = re.compile(r"\{\{\s*(?:reflist|références|примечания)\s*\|", re.IGNORECASE)
_MARKUP_START: Final = frozenset("{|=*#:;<!}[_-")
_BLOCK_CHARS: Final = 200
_SHORT_SECTION_CHARS: Final = 300


class Layout(NamedTuple):
    """How long the text is, and how it is divided. A section is one of level 2 with its subsections."""

    chars: int
    content_chars: int
    lead_chars: int
    sections: int
    subsections: int
    deep_sections: int
    longest_section_chars: int
    median_section_chars: float | None
    short_sections: int


class Sourcing(NamedTuple):
    """What the text rests on. Blocks are paragraphs of prose, without the headings, templates and files on
    lines of their own before them; references are tags and short notes, cites the templates that describe a
    source."""

    blocks: int
    uncited_blocks: int
    uncited_share: float | None
    longest_uncited_chars: int
    refs: int
    reused_refs: int
    ref_names: int
    cites: int
    web_cites: int
    book_cites: int
    journal_cites: int
    news_cites: int
    short_notes: int
    notes: int
    cites_per_ref: float | None
    refs_per_kchar: float


class Linking(NamedTuple):
    """Where the text leads to: other sites, other articles, categories. Not to the article's own versions in
    other languages: `assay.features.article.era` counts those."""

    domains: int
    external_links: int
    links: int
    distinct_links: int
    links_per_kchar: float
    categories: int


class Pictures(NamedTuple):
    """Files that are shown. `pictures` counts names of picture files wherever they stand."""

    files: int
    pictures: int
    picture_templates: int
    alt_texts: int
    pictures_per_kchar: float


class Templates(NamedTuple):
    """How many there are, and how many fields infoboxes have and fill."""

    infoboxes: int
    infobox_fields: int
    infobox_filled: int
    templates: int
    distinct_templates: int


class Tabulation(NamedTuple):
    """What is no running text. `list_share`: items per hundred readable characters."""

    tables: int
    table_rows: int
    list_items: int
    list_share: float


class Apparatus(NamedTuple):
    """Templates by what they are for: complaints about the text, and what editors put around it."""

    problems: int
    inline_problems: int
    main_links: int
    hatnotes: int
    quotes: int
    conversions: int
    date_formats: int
    languages: int
    portals: int
    sisters: int
    coordinates: int
    authorities: int
    reflists: int
    reflist_arguments: int
    navigations: int


class Appendices(NamedTuple):
    """Sections that articles are expected to have, by their headings."""

    see_also: int
    notes_section: int
    bibliography_section: int
    external_section: int
    history_section: int


class Typography(NamedTuple):
    """Signs of a text that somebody polished."""

    bold: int
    italics: int
    comments: int
    hard_spaces: int
    dashes: int
    line_breaks: int
    galleries: int
    small_tags: int


class ArticleStructure(NamedTuple):
    """Counts, ≥ 0; shares, 0 to 1 or None when there is nothing to share."""

    layout: Layout
    sourcing: Sourcing
    linking: Linking
    pictures: Pictures
    templates: Templates
    tabulation: Tabulation
    apparatus: Apparatus
    appendices: Appendices
    typography: Typography


FIELDS: Final = tuple(
    f"{name}.{field}" for name, group in get_type_hints(ArticleStructure).items() for field in group._fields
)
"""The path of every value in an `ArticleStructure`. Models learn from columns in this order."""


def analyse(wikicode: Wikicode, text: str, names: ArticleNames) -> ArticleStructure:
    """The structure of one text. `text`: as `neutral` gives it, of the same text as `wikicode`."""
    kinds = Kinds(wikicode, names)
    tags = Counter(name.lower() for name in wikicode.tag_names)
    content_chars = len(_squeezed(wikicode.content))
    chars = max(content_chars, LEAST_CHARS)
    return ArticleStructure(
        _layout(wikicode, text, content_chars),
        _sourcing(text, kinds, tags, chars),
        _linking(wikicode, kinds, chars),
        _pictures(text, kinds, chars),
        _templates(wikicode, kinds),
        _tabulation(wikicode, tags, chars),
        _apparatus(text, kinds, tags),
        _appendices(kinds),
        _typography(text, tags),
    )


def _layout(wikicode: Wikicode, text: str, content_chars: int) -> Layout:
    lead, sections = _section_chars(wikicode)
    levels = wikicode.structure
    return Layout(
        chars=len(_squeezed(text)),
        content_chars=content_chars,
        lead_chars=lead,
        sections=levels.level_2,
        subsections=levels.level_3,
        deep_sections=levels.level_4 + levels.level_5 + levels.level_6,
        longest_section_chars=max(sections, default=0),
        median_section_chars=float(median(sections)) if sections else None,
        short_sections=sum(chars < _SHORT_SECTION_CHARS for chars in sections),
    )


def _sourcing(text: str, kinds: Kinds, tags: Counter[str], chars: int) -> Sourcing:
    blocks = [block for block in map(_from_prose, _BLOCKS.split(text)) if _is_prose(block)]
    uncited = [len(block) for block in blocks if not _CITED.search(block)]
    templates = kinds.templates
    refs = tags["ref"] + templates["short_note"]
    return Sourcing(
        blocks=len(blocks),
        uncited_blocks=len(uncited),
        uncited_share=sum(uncited) / sum(map(len, blocks)) if blocks else None,
        longest_uncited_chars=max(uncited, default=0),
        refs=refs,
        reused_refs=ref_tags.reused(text),
        ref_names=len(ref_tags.names(text)),
        cites=templates["cite"],
        web_cites=templates["cite_web"],
        book_cites=templates["cite_book"],
        journal_cites=templates["cite_journal"],
        news_cites=templates["cite_news"],
        short_notes=templates["short_note"],
        notes=templates["note"],
        cites_per_ref=templates["cite"] / refs if refs else None,
        refs_per_kchar=_per_kchar(refs, chars),
    )


def _linking(wikicode: Wikicode, kinds: Kinds, chars: int) -> Linking:
    links = kinds.plain_links
    return Linking(
        domains=len(_domains(wikicode.external_link_urls)),
        external_links=wikicode.structure.external_links,
        links=len(links),
        distinct_links=len(set(links)),
        links_per_kchar=_per_kchar(len(links), chars),
        categories=kinds.links["ns_category"],
    )


def _pictures(text: str, kinds: Kinds, chars: int) -> Pictures:
    pictures = len(_PICTURE.findall(text))
    return Pictures(
        files=kinds.links["ns_file"],
        pictures=pictures,
        picture_templates=kinds.templates["images"],
        alt_texts=len(_ALT.findall(text)),
        pictures_per_kchar=_per_kchar(pictures, chars),
    )


def _templates(wikicode: Wikicode, kinds: Kinds) -> Templates:
    fields = _infobox_fields(wikicode, kinds)
    return Templates(
        infoboxes=kinds.templates["infobox"],
        infobox_fields=len(fields),
        infobox_filled=sum(fields),
        templates=len(kinds.template_names),
        distinct_templates=len(set(kinds.template_names)),
    )


def _tabulation(wikicode: Wikicode, tags: Counter[str], chars: int) -> Tabulation:
    items = wikicode.structure.list_items
    return Tabulation(
        tables=tags["table"], table_rows=tags["tr"], list_items=items, list_share=items * 100 / chars
    )


def _apparatus(text: str, kinds: Kinds, tags: Counter[str]) -> Apparatus:
    templates = kinds.templates
    return Apparatus(
        problems=templates["problem"],
        inline_problems=templates["problem_inline"],
        main_links=templates["main"],
        hatnotes=templates["hatnote"],
        quotes=templates["quote"] + tags["blockquote"],
        conversions=templates["convert"],
        date_formats=templates["date_format"],
        languages=templates["language"],
        portals=templates["portal"],
        sisters=templates["sister"],
        coordinates=templates["coordinates"],
        authorities=templates["authority"],
        reflists=templates["reflist"],
        reflist_arguments=len(_REFLIST_ARGUMENT.findall(text)),
        navigations=templates["navigation"],
    )


def _appendices(kinds: Kinds) -> Appendices:
    headings = kinds.headings
    return Appendices(
        see_also=headings["h_see_also"],
        notes_section=headings["h_notes"],
        bibliography_section=headings["h_bibliography"],
        external_section=headings["h_external"],
        history_section=headings["h_history"],
    )


def _typography(text: str, tags: Counter[str]) -> Typography:
    return Typography(
        bold=tags["b"],
        italics=tags["i"],
        comments=text.count("<!--"),
        hard_spaces=text.count("&nbsp;") + text.count("\u00a0"),
        dashes=text.count("–") + text.count("&ndash;") + text.count("—") + text.count("&mdash;"),
        line_breaks=tags["br"],
        galleries=tags["gallery"] + tags["imagemap"],
        small_tags=tags["small"] + tags["sup"] + tags["sub"],
    )


def _per_kchar(count: int, chars: int) -> float:
    return count / (chars / 1000)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _from_prose(block: str) -> str:
    """The block without headings, templates and files on lines before its prose.

    A line of prose that begins with ``[[`` and ends with ``]]``, or with ``{{`` and ``}}``, and has a line
    behind it is taken for a file or a template, too. Models learned from such values, so it stays so.
    """
    before = _BEFORE_PROSE.match(block)
    return block[before.end() :] if before else block


def _is_prose(block: str) -> bool:
    return len(block) >= _BLOCK_CHARS and block[:1] not in _MARKUP_START


def _section_chars(wikicode: Wikicode) -> tuple[int, list[int]]:
    """Readable characters before the first heading, and of each section of level 2 with its subsections."""
    divided: list[list[str]] = [[]]
    for level, text in wikicode.sections:
        if 0 < level <= 2:
            divided.append([])
        divided[-1].append(text)
    lead, *sections = (len(_squeezed("".join(texts))) for texts in divided)
    return lead, sections


def _infobox_fields(wikicode: Wikicode, kinds: Kinds) -> list[bool]:
    """For each named field of the infoboxes, whether it has a value."""
    return [
        bool(without_comments(value).strip())
        for place in kinds.infoboxes
        for value in wikicode.template_values(place)
    ]


def _domains(urls: Iterable[str]) -> set[str]:
    return {match[1].lower() for url in urls if (match := _DOMAIN.search(url))}
