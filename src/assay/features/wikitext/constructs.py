"""The constructs of a revision's wikitext and of its parent's: headings, links, templates, tags.

For other families, the two datasources to build on are

* `STRUCTURE` (``datasource.wikitext.revision.structure``): a `Structure`, counts only; and
  `PARENT_STRUCTURE`.
* `WIKICODE` (``datasource.wikitext.revision.wikicode``): a `Wikicode` of the revision's text, which gives on
  demand ``template_names``, ``wikilink_titles``, ``external_link_urls``, ``heading_titles`` (level, title),
  ``tag_names``, ``template_spans`` and ``tag_spans`` (places in ``.text``, in step with the names) and
  ``content``, the readable text. All that is found is kept with the value, so two features never look twice.

All counts equal those of mwparserfromhell's tree, nested constructs included.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from assay.features.graph.injection import string
from assay.features.graph.node import Datasource, Feature, Field, Node
from assay.features.graph.record import record
from assay.features.lexicon import Lexicons
from assay.features.roots import PARENT_TEXT, TEXT
from assay.features.text.alignment import ALIGNMENT, Alignment
from assay.features.wikitext.wikicode import Structure, Wikicode, read

WIKICODE: Final = Datasource(
    "datasource.wikitext.revision.wikicode",
    "The constructs of the text (`Wikicode`).",
    (TEXT,),
    read,
    from_json=lambda value: read(string(value)),
)
STRUCTURE: Final = Datasource(
    "datasource.wikitext.revision.structure",
    "How many of each construct the text has (`Structure`).",
    (WIKICODE,),
    attrgetter("structure"),
    from_json=record(Structure),
)


def parent_structure(parent_text: str | None, alignment: Alignment, wikicode: Wikicode) -> Structure:
    """By adding and subtracting the changed lines, where their constructs stand alone."""
    if alignment.isolated is None or wikicode.text is not alignment.text:
        return read(parent_text or "").structure
    removed, added = alignment.isolated
    return wikicode.structure.with_instead(read(removed).structure, of=read(added).structure)


PARENT_STRUCTURE: Final = Datasource(
    "datasource.wikitext.revision.parent.structure",
    "How many of each construct the parent's text has (`Structure`); none for a page creation.",
    (PARENT_TEXT, ALIGNMENT, WIKICODE),
    parent_structure,
    version=2,
    from_json=record(Structure),
)

_COUNTS: Final = {
    "headings": "Headings of all levels.",
    "wikilinks": "Links to other pages, files and categories.",
    "external_links": "Links to other sites, bracketed or bare.",
    "templates": "Templates, nested ones included.",
    "tags": "HTML tags and the wikitext that stands for some (bold, italics, list items, tables).",
    "ref_tags": "Tags whose name begins with 'ref'.",
    "list_items": "Tags whose name begins with 'li': list items.",
}


def _count(of: str, structure: Datasource, field: str, doc: str, name: str = "") -> Feature:
    name = f"feature.wikitext.revision{of}.{name or field}"
    return Field(name, doc, (structure,), version=structure.version, field=field, as_float=True)


CHARS: Final = Feature(
    "feature.wikitext.revision.chars", "Characters of the text.", (TEXT,), lambda text: float(len(text))
)
PARENT_CHARS: Final = Feature(
    "feature.wikitext.revision.parent.chars",
    "Characters of the parent's text; 0 for a page creation.",
    (PARENT_TEXT,),
    lambda text: float(len(text or "")),
)
CONTENT_CHARS: Final = Feature(
    "feature.wikitext.revision.content_chars",
    "Characters of the readable text.",
    (WIKICODE,),
    lambda wikicode: float(len(wikicode.content)),
)

_NODES: Final[tuple[Node, ...]] = (
    WIKICODE,
    STRUCTURE,
    PARENT_STRUCTURE,
    CHARS,
    PARENT_CHARS,
    CONTENT_CHARS,
    *(_count("", STRUCTURE, name, doc) for name, doc in _COUNTS.items()),
    *(_count(".parent", PARENT_STRUCTURE, name, f"In the parent: {doc}") for name, doc in _COUNTS.items()),
    *(
        _count("", STRUCTURE, f"level_{level}", f"Headings of level {level}.", f"headings_by_level({level})")
        for level in range(1, 7)
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return _NODES
