"""How an article is built: sections, references, templates, pictures, links; for any wiki.

Everything here is blind to templates that tell the article's class (kind ``class`` in the lexicon
``any.article_names``): with and without ``{{featured article}}`` or a stub template the values are the
same, whitespace around them included. Lengths count characters without runs of blanks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from assay.features import ref_tags
from assay.features.article_names import ArticleNames, normalised, normalised_template
from assay.features.wikicode import Wikicode

_CITED: Final = re.compile(r"<ref\b|\{\{\s*(?:sfn|harv|#tag:ref|efn|r\||rp\||refn)", re.IGNORECASE)
_BLOCKS: Final = re.compile(r"\n\s*\n")
_DOMAIN: Final = re.compile(r"//(?:www\.)?([^/\s?#\]|]+)", re.IGNORECASE)
_PICTURE: Final = re.compile(r"\.(?:jpe?g|png|gif|svg|tiff?|webp|djvu|pdf)\b", re.IGNORECASE)
_ALT: Final = re.compile(r"\|\s*alt\s*=", re.IGNORECASE)
_CLASS_TEMPLATE: Final = re.compile(r"\{\{([^{}|]{1,200})(?:\|[^{}]*)?\}\}")
_MARKUP_START: Final = frozenset("{|=*#:;<!}[_-")
_BLOCK_CHARS: Final = 200
_FIELDS_OF_BOX: Final = re.compile(r"\n\s*\|[^=|\n]{1,60}=[ \t]*(\S?)")


class ArticleStructure(NamedTuple):
    """Counts, ≥ 0; shares, 0 to 1 or None when there is nothing to share."""

    chars: int
    content_chars: int
    lead_chars: int
    sections: int
    subsections: int
    deep_sections: int
    longest_section_chars: int
    median_section_chars: float | None
    short_sections: int
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
    domains: int
    external_links: int
    links: int
    distinct_links: int
    links_per_kchar: float
    categories: int
    files: int
    pictures: int
    picture_templates: int
    alt_texts: int
    pictures_per_kchar: float
    infoboxes: int
    infobox_fields: int
    infobox_filled: int
    templates: int
    distinct_templates: int
    tables: int
    table_rows: int
    list_items: int
    list_share: float
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
    see_also: int
    notes_section: int
    bibliography_section: int
    external_section: int
    history_section: int
    bold: int
    italics: int
    comments: int
    hard_spaces: int
    dashes: int
    line_breaks: int
    galleries: int
    small_tags: int


def analyse(wikicode: Wikicode, text: str, names: ArticleNames) -> ArticleStructure:
    """The structure of one text. `text`: as `neutral` gives it, of the same text as `wikicode`."""
    content = _squeezed(wikicode.content)
    kinds = _Kinds(wikicode, names)
    tags = Counter(name.lower() for name in wikicode.tag_names)
    lead, sections = _section_chars(wikicode)
    blocks = [block for block in _BLOCKS.split(text) if _is_prose(block)]
    uncited = [len(block) for block in blocks if not _CITED.search(block)]
    refs = tags["ref"] + kinds.templates["short_note"]
    kchars = max(len(content), 500) / 1000
    files = kinds.links["ns_file"]
    pictures = len(_PICTURE.findall(text))
    levels = wikicode.structure
    boxes = _infobox_fields(wikicode, kinds)
    links = [title for title, some in kinds.link_titles if not some]
    return ArticleStructure(
        chars=len(_squeezed(text)),
        content_chars=len(content),
        lead_chars=lead,
        sections=levels.level_2,
        subsections=levels.level_3,
        deep_sections=levels.level_4 + levels.level_5 + levels.level_6,
        longest_section_chars=max(sections, default=0),
        median_section_chars=_median(sections),
        short_sections=sum(chars < 300 for chars in sections),
        blocks=len(blocks),
        uncited_blocks=len(uncited),
        uncited_share=sum(uncited) / sum(map(len, blocks)) if blocks else None,
        longest_uncited_chars=max(uncited, default=0),
        refs=refs,
        reused_refs=ref_tags.reused(text),
        ref_names=len(ref_tags.names(text)),
        cites=kinds.templates["cite"],
        web_cites=kinds.templates["cite_web"],
        book_cites=kinds.templates["cite_book"],
        journal_cites=kinds.templates["cite_journal"],
        news_cites=kinds.templates["cite_news"],
        short_notes=kinds.templates["short_note"],
        notes=kinds.templates["note"],
        cites_per_ref=kinds.templates["cite"] / refs if refs else None,
        refs_per_kchar=refs / kchars,
        domains=len(_domains(wikicode.external_link_urls)),
        external_links=levels.external_links,
        links=len(links),
        distinct_links=len(set(links)),
        links_per_kchar=len(links) / kchars,
        categories=kinds.links["ns_category"],
        files=files,
        pictures=pictures,
        picture_templates=kinds.templates["images"],
        alt_texts=len(_ALT.findall(text)),
        pictures_per_kchar=pictures / kchars,
        infoboxes=kinds.templates["infobox"],
        infobox_fields=len(boxes),
        infobox_filled=sum(map(bool, boxes)),
        templates=len(kinds.template_names),
        distinct_templates=len(set(kinds.template_names)),
        tables=tags["table"],
        table_rows=tags["tr"],
        list_items=levels.list_items,
        list_share=levels.list_items * 100 / max(len(content), 500),
        problems=kinds.templates["problem"],
        inline_problems=kinds.templates["problem_inline"],
        main_links=kinds.templates["main"],
        hatnotes=kinds.templates["hatnote"],
        quotes=kinds.templates["quote"] + tags["blockquote"],
        conversions=kinds.templates["convert"],
        date_formats=kinds.templates["date_format"],
        languages=kinds.templates["language"],
        portals=kinds.templates["portal"],
        sisters=kinds.templates["sister"],
        coordinates=kinds.templates["coordinates"],
        authorities=kinds.templates["authority"],
        reflists=kinds.templates["reflist"],
        reflist_arguments=_reflist_arguments(text),
        navigations=kinds.templates["navigation"],
        see_also=kinds.headings["h_see_also"],
        notes_section=kinds.headings["h_notes"],
        bibliography_section=kinds.headings["h_bibliography"],
        external_section=kinds.headings["h_external"],
        history_section=kinds.headings["h_history"],
        bold=tags["b"],
        italics=tags["i"],
        comments=text.count("<!--"),
        hard_spaces=text.count("&nbsp;") + text.count("\u00a0"),
        dashes=text.count("–") + text.count("&ndash;") + text.count("—") + text.count("&mdash;"),
        line_breaks=tags["br"],
        galleries=tags["gallery"] + tags["imagemap"],
        small_tags=tags["small"] + tags["sup"] + tags["sub"],
    )


class _Kinds:
    """The text's templates, links and headings by kind; those of kind ``class`` are not there."""

    def __init__(self, wikicode: Wikicode, names: ArticleNames) -> None:
        named = [normalised_template(name) for name in wikicode.template_names]
        self.is_class = [("class" in names.of(name)) for name in named]
        self.template_names = [name for name, hidden in zip(named, self.is_class, strict=True) if not hidden]
        self.box_places = [place for place, name in enumerate(named) if "infobox" in names.of(name)]
        self.templates = _tally(names, self.template_names)
        self.link_titles = [(title, _namespace_kinds(title, names)) for title in wikicode.wikilink_titles]
        self.links = Counter(kind for _, kinds in self.link_titles for kind in kinds)
        titles = [normalised(title) for _, title in wikicode.heading_titles]
        self.headings = _tally(names, titles)


def _tally(names: ArticleNames, some: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name, number in Counter(some).items():
        for kind in names.of(name):
            counts[kind] += number
    return counts


def _namespace_kinds(title: str, names: ArticleNames) -> frozenset[str]:
    prefix, colon, _ = title.partition(":")
    return names.of(normalised(prefix)) if colon and prefix.strip() else frozenset()


def neutral(text: str, names: ArticleNames) -> str:
    """The text without class-telling templates and the blank lines they leave."""

    def without(match: re.Match[str]) -> str:
        hidden = "class" in names.of(normalised_template(match[1]))
        return "" if hidden else match[0]

    return _CLASS_TEMPLATE.sub(without, text).strip()


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _is_prose(block: str) -> bool:
    return len(block) >= _BLOCK_CHARS and block.lstrip()[:1] not in _MARKUP_START


def _section_chars(wikicode: Wikicode) -> tuple[int, list[int]]:
    """Readable characters before the first heading, and of each section of level 2 with its subsections."""
    content = wikicode.content
    starts = []
    position = 0
    for level, title in wikicode.heading_titles:
        plain = title.replace("'''", "").replace("''", "")
        found = content.find(plain, position) if plain and level <= 2 else -1
        if found >= 0:
            starts.append(found)
            position = found + len(plain)
    bounds = [*starts, len(content)]
    chars = [len(_squeezed(content[a:b])) for a, b in pairwise(bounds)]
    return len(_squeezed(content[: bounds[0]])), chars


def _median(values: Sequence[int]) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    return float(ordered[middle]) if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _infobox_fields(wikicode: Wikicode, kinds: _Kinds) -> list[str]:
    """For each field of the infoboxes, its value's first character; empty when it has none."""
    if not kinds.box_places:
        return []
    spans = wikicode.template_spans
    return [
        first
        for place in kinds.box_places
        for first in _FIELDS_OF_BOX.findall(wikicode.text[spans[place][0] : spans[place][1]])
    ]


def _domains(urls: Iterable[str]) -> set[str]:
    return {match[1].lower() for url in urls if (match := _DOMAIN.search(url))}


def _reflist_arguments(text: str) -> int:
    """Lists of references set in columns."""
    return len(re.findall(r"\{\{\s*(?:reflist|références|примечания)\s*\|", text, re.IGNORECASE))
