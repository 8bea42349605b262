"""The article features of ORES's ``enwiki wp10`` list, by its names and with its values.

They look at the text as it is, class-telling templates included, because ORES did; Assay's own models use
`assay.features.article.any_wiki` instead. Patterns match at the very beginning of a name, as there: ``{{ cite
web}}`` with a blank is no citation. Source: wikimedia/articlequality, ``feature_lists/enwiki.py``, 0.4.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, Literal

from assay.features.article.paragraphs import uncited_chars
from assay.features.graph.injection import strings
from assay.features.graph.node import Datasource, Feature, Node
from assay.features.lexicon import Lexicon, Lexicons
from assay.features.roots import TEXT
from assay.features.text.matching import matcher
from assay.features.text.word_changes import Matches
from assay.features.wikitext.constructs import WIKICODE
from assay.features.wikitext.wikicode import Wikicode

_TEMPLATES: Final = {
    "feature.enwiki.revision.infobox_templates": ("Infoboxes.", r"infobox"),
    "feature.enwiki.revision.cn_templates": ("Requests for a citation.", r"citation[_ ]needed|cn|fact"),
    "feature.enwiki.revision.who_templates": ("Requests to say who.", r"who"),
    "feature.enwiki.main_article_templates": ("Links to a section's main article.", r"main"),
    "feature.enwiki.revision.cite_templates": (
        "Citations by template.",
        r"cite|harv(?:nb|txt|s|p|col(?:nb|txt)?|ard[_ ]citation(?:[_ ]no[_ ]brackets| text|s)?)?",
    ),
    "feature.enwiki.revision.shortened_footnote_templates": (
        "Short footnotes.",
        r"sfnm?p?|shortened footnote template",
    ),
    "feature.enwiki.revision.image_template": (
        "Templates for one large picture.",
        r"(?:wide|tall|scalable) image|panorama",
    ),
}
_LINKS: Final = {
    "feature.enwiki.revision.category_links": ("Links to categories.", r"category:"),
    "feature.enwiki.revision.image_links": ("Links to files.", r"file|image:"),
}
_FILE: Final = re.compile(r"\.(?:jpg|jpeg|png|gif|svg|tiff|pdf|ogg|djvu)", re.IGNORECASE)
_IMAGE: Final = re.compile(r"image[1-9]{1,2}|File:|Image:|photo[1-9][a-z]", re.IGNORECASE)
_GALLERIES: Final = ("multiple image", "image array", "gallery", "photomontage")


def _count_names(of: Callable[[Wikicode], Mapping[str, int]], pattern: str) -> Callable[[Wikicode], float]:
    begins = re.compile(pattern, re.IGNORECASE).match

    def count(wikicode: Wikicode) -> float:
        return float(sum([number for name, number in of(wikicode).items() if begins(name)]))

    return count


def _count_within(
    of: Literal["template", "tag"], prefixes: tuple[str, ...], what: re.Pattern[str]
) -> Callable[[Wikicode], int]:
    """How often `what` stands in templates or tags whose names begin so; one inside another counts again."""
    names, spans = attrgetter(f"{of}_names"), attrgetter(f"{of}_spans")

    def count(wikicode: Wikicode) -> int:
        places = [i for i, name in enumerate(names(wikicode)) if name[:20].lower().startswith(prefixes)]
        if not places:
            return 0
        found = spans(wikicode)
        return len(what.findall("".join(wikicode.text[slice(*found[i])] for i in places)))

    return count


_TEMPLATE_COUNTS: Final[Callable[[Wikicode], Mapping[str, int]]] = attrgetter("template_counts")
_LINK_COUNTS: Final[Callable[[Wikicode], Mapping[str, int]]] = attrgetter("wikilink_counts")


def _of_wikicode(name: str, doc: str, compute: Callable[[Wikicode], Any], kind: Any = "float") -> Feature:
    return Feature(name, doc, (WIKICODE,), compute, type=kind)


_FIXED: Final[tuple[Feature, ...]] = (
    *(_of_wikicode(name, doc, _count_names(_TEMPLATE_COUNTS, rx)) for name, (doc, rx) in _TEMPLATES.items()),
    *(_of_wikicode(name, doc, _count_names(_LINK_COUNTS, rx)) for name, (doc, rx) in _LINKS.items()),
    _of_wikicode(
        "feature.enwiki.infobox_images",
        "File names in infoboxes.",
        _count_within("template", ("infobox",), _FILE),
        "int",
    ),
    _of_wikicode(
        "feature.enwiki.revision.images_in_templates",
        "Pictures in gallery templates.",
        _count_within("template", _GALLERIES, _IMAGE),
        "int",
    ),
    _of_wikicode(
        "feature.enwiki.revision.images_in_tags",
        "Pictures in galleries.",
        _count_within("tag", ("gallery", "imagemap"), _IMAGE),
        "int",
    ),
    Feature(
        "feature.enwiki.revision.paragraphs_without_refs_total_length",
        "Characters of the paragraphs without a plain <ref>.",
        (TEXT,),
        lambda text: float(uncited_chars(text)),
    ),
)


@lru_cache(maxsize=32)
def _matches(name: str, doc: str, lexicon: Lexicon) -> tuple[Node, ...]:
    """The matches in the whole wikitext, and how many."""
    words = matcher(lexicon)
    found = Datasource(
        f"datasource.{name}.revision.matches",
        doc,
        (TEXT,),
        lambda text: Matches(words, text),
        from_json=strings,
    )
    count = Feature(
        f"feature.len(<datasource.{name}.revision.matches>)", doc, (found,), lambda them: float(len(them))
    )
    return found, count


def family(lexicons: Lexicons) -> Iterable[Node]:
    """The nodes that need no lexicon, and those whose lexicon is there."""
    yield from _FIXED
    for name, doc in (
        ("english.words_to_watch", "Words that an encyclopaedia uses with care."),
        ("english.idioms", "Idioms and set phrases."),
    ):
        if name in lexicons:
            yield from _matches(name, doc, lexicons[name])
