"""Features that are told with a model, although it does not read them.

Clients of ORES read more than scores: WikiEduDashboard takes the number of references from
``feature.wikitext.revision.ref_tags`` of ``articlequality``. ORES told the base features of its model; ours
reads other columns. So ORES's are told beside them, by its names and with its number types, where features
are asked for. No model reads them from here, so they are no part of a bundle and of its digest.

Names: from recorded answers (enwiki), and from articlequality's and editquality's feature lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from assay.features.catalogue import catalogue
from assay.features.graph.node import Feature
from assay.features.lexicon import Lexicons

_WORDS: Final = "feature.len(<datasource.wikitext.revision.words>)"
_WIKITEXT: Final = "feature.wikitext.revision."

_ARTICLE: Final = (
    _WORDS,
    *(
        f"{_WIKITEXT}{name}"
        for name in (
            "chars",
            "content_chars",
            "external_links",
            "headings_by_level(2)",
            "headings_by_level(3)",
            "list_items",
            "ref_tags",
            "wikilinks",
        )
    ),
)
"""What ORES's article models of all Wikipedias had in common."""

_TEMPLATES: Final = f"{_WIKITEXT}templates"

_ENGLISH_ARTICLE: Final = (
    *_ARTICLE,
    _TEMPLATES,
    "feature.english.stemmed.revision.stems_length",
    "feature.len(<datasource.english.idioms.revision.matches>)",
    "feature.len(<datasource.english.words_to_watch.revision.matches>)",
    "feature.enwiki.infobox_images",
    "feature.enwiki.main_article_templates",
    *(
        f"feature.enwiki.revision.{name}"
        for name in (
            "category_links",
            "cite_templates",
            "cn_templates",
            "image_links",
            "image_template",
            "images_in_tags",
            "images_in_templates",
            "infobox_templates",
            "paragraphs_without_refs_total_length",
            "shortened_footnote_templates",
            "who_templates",
        )
    ),
)

_EDIT: Final = (
    _WORDS,
    "feature.len(<datasource.tokenized(datasource.revision.text)>)",
    "feature.len(<datasource.wikitext.revision.markups>)",
    *(
        f"{_WIKITEXT}{name}"
        for name in (
            "chars",
            "external_links",
            "headings",
            "ref_tags",
            "tags",
            "templates",
            "wikilinks",
        )
    ),
    "feature.revision.page.is_articleish",
    "feature.revision.page.is_draftspace",
    "feature.revision.page.is_mainspace",
    "feature.temporal.revision.user.seconds_since_registration",
)
"""Of ORES's 78 those that Assay's models of edits do not read as they are."""

LEGACY: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("enwiki", "articlequality"): _ENGLISH_ARTICLE,
    ("enwiki", "damaging"): _EDIT,
    ("enwiki", "goodfaith"): _EDIT,
    ("frwiki", "articlequality"): (*_ARTICLE, _TEMPLATES),
    ("ruwiki", "articlequality"): _ARTICLE,
}
"""Names by wiki and model. Of the French and Russian lists only what all wikis share: the rest counts
templates by these wikis' own names, which the catalogue has no feature for."""


def told_with(wiki: str, model: str, columns: Iterable[Feature], lexicons: Lexicons) -> tuple[Feature, ...]:
    """What is told with a model beside its own `columns`, none of which is among them.

    `lexicons`: the bundle's. A feature whose word list it lacks is not told.
    """
    own = {feature.name for feature in columns}
    nodes = catalogue(lexicons)
    found = (nodes.get(name) for name in LEGACY.get((wiki, model), ()) if name not in own)
    return tuple(node for node in found if isinstance(node, Feature))
