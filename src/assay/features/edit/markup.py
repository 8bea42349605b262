"""What the edit did to links and markup: counted in the changed lines only, child minus parent.

Spam adds links to sites that the page never cited; blanking removes categories, templates and language
links; a newcomer's test leaves the toolbar's sample text behind. Counts are of marks, not of parsed
nodes: cheap, the same in every language, and fooled by ``<nowiki>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from assay.features.edit.region import REGION, Region
from assay.features.graph.node import Datasource, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicons
from assay.features.roots import PARENT_TEXT

_SITE = re.compile(r"//([\w-]+(?:\.[\w-]+)+)")
_NAMESPACED = re.compile(r"\[\[[^\[\]|:\n]{1,60}:")
_LANGUAGE = re.compile(r"\[\[[a-z]{2,3}(?:-[a-z]{2,8}){0,2}:[^\[\]|\n]+\]\]")
_TAG = re.compile(r"</?[a-zA-Z]")
_FOREIGN = re.compile(
    r"<a\s+href|\[/?(?:url|link|img|b)\b|</?(?:script|iframe|font|div|h[1-6])\b", re.IGNORECASE
)
_SAMPLE = re.compile(
    r"Example\.(?:jpg|ogg|png)|'''Bold text'''|''Italic text''|\[\[Link title\]\]|Headline text|"
    r"Insert (?:formula|non-formatted text|text)|link title\]|(?<!')''''''(?!')",
    re.IGNORECASE,
)
_URL_CHARS = 30


class Markup(NamedTuple):
    """Differences child minus parent of how often each mark stands in the changed lines."""

    urls: int
    new_sites: int
    url_share: float | None
    links: int
    namespaced_links: int
    language_links: int
    templates: int
    tags: int
    headings: int
    tables: int
    list_items: int
    lines: int
    foreign_markup: int
    sample_text: int
    imbalance: int
    signatures: int
    redirects: int
    marks_removed: int


def compare(region: Region, parent_text: str | None) -> Markup:
    """Count every mark in the changed lines of both; the whole parent is searched for new sites only."""
    old, new = region.old, region.new
    old_sites, new_sites = _SITE.findall(old), _SITE.findall(new)
    added = sum(map(len, region.added))
    urls = len(new_sites) - len(old_sites)
    return Markup(
        urls=urls,
        new_sites=_unseen(set(new_sites) - set(old_sites), parent_text or ""),
        url_share=min(1.0, max(0, urls) * _URL_CHARS / added) if added else None,
        links=new.count("[[") - old.count("[["),
        namespaced_links=len(_NAMESPACED.findall(new)) - len(_NAMESPACED.findall(old)),
        language_links=len(_LANGUAGE.findall(new)) - len(_LANGUAGE.findall(old)),
        templates=new.count("{{") - old.count("{{"),
        tags=len(_TAG.findall(new)) - len(_TAG.findall(old)),
        headings=_line_starts(new, "=") - _line_starts(old, "="),
        tables=new.count("{|") + new.count("|-") - old.count("{|") - old.count("|-"),
        list_items=sum(_line_starts(new, mark) - _line_starts(old, mark) for mark in "*#:"),
        lines=_lines(new) - _lines(old),
        foreign_markup=len(_FOREIGN.findall(new)) - len(_FOREIGN.findall(old)),
        sample_text=len(_SAMPLE.findall(new)) - len(_SAMPLE.findall(old)),
        imbalance=_imbalance(new) - _imbalance(old),
        signatures=new.count("~~~") + new.count("(UTC)") - old.count("~~~") - old.count("(UTC)"),
        redirects=new[:200].upper().count("#REDIRECT") - old[:200].upper().count("#REDIRECT"),
        marks_removed=sum(s.count("[[") + s.count("{{") + s.count("<") for s in region.removed),
    )


def _unseen(sites: set[str], parent_text: str) -> int:
    """How many of `sites` occur nowhere in the parent."""
    if not sites:
        return 0
    page = parent_text.lower()
    return sum(site.lower() not in page for site in sites)


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def _line_starts(text: str, mark: str) -> int:
    return text.count("\n" + mark) + text.startswith(mark)


def _imbalance(text: str) -> int:
    return abs(text.count("[[") - text.count("]]")) + abs(text.count("{{") - text.count("}}"))


MARKUP = Datasource(
    "datasource.assay.markup",
    "Changes of links and markup (`Markup`).",
    (REGION, PARENT_TEXT),
    compare,
    from_json=record(Markup),
)
_DOCS = {
    "urls": "External links, child minus parent.",
    "new_sites": "Sites linked to that occur nowhere in the parent.",
    "url_share": "Share of the added text that is external links (at 30 characters each), 0 to 1.",
    "links": "Wikilinks, child minus parent.",
    "namespaced_links": "Links with a prefix (categories, files, other wikis), child minus parent.",
    "language_links": "Links to the page in other languages, child minus parent.",
    "templates": "Template calls, child minus parent.",
    "tags": "HTML and extension tags, child minus parent.",
    "headings": "Lines that begin with an equals sign, child minus parent.",
    "tables": "Starts of tables and rows, child minus parent.",
    "list_items": "Lines of lists and indents, child minus parent.",
    "lines": "Lines, child minus parent.",
    "foreign_markup": "HTML links, forum codes and layout tags, child minus parent.",
    "sample_text": "Sample texts of the edit toolbar, child minus parent.",
    "imbalance": "Unpaired double brackets and braces, child minus parent.",
    "signatures": "Signatures, child minus parent.",
    "redirects": "Whether the page became (1) or ceased to be (-1) a redirect.",
    "marks_removed": "Openings of links, templates and tags in the removed text.",
}
FEATURES = tuple(
    Field(f"feature.assay.markup.{name}", doc, (MARKUP,), field=name) for name, doc in _DOCS.items()
)


def family(_: Lexicons) -> Iterable[Node]:
    return (MARKUP, *FEATURES)
