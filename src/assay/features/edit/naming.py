"""What names give away: the form of an actor's name and of a page's title.

Names are described, never learned: no feature here is an identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import PAGE_TITLE, USER_IS_ANONYMOUS, USER_NAME
from assay.revisions.types import NOBODY

_PREFIX = re.compile(r"[^\s:]{2,}(?: [^\s:]+)?:\S")


def _share_of_digits(text: str) -> float:
    return sum(map(str.isdigit, text)) / max(1, len(text))


def _name_digits(name: str, is_anonymous: bool) -> float | None:
    return None if is_anonymous or name == NOBODY else _share_of_digits(name)


def _name_length(name: str, is_anonymous: bool) -> int | None:
    return None if is_anonymous or name == NOBODY else len(name)


FEATURES = (
    Feature(
        "feature.assay.name.is_anon",
        "Whether the author was not logged in.",
        (USER_IS_ANONYMOUS,),
        lambda anonymous: anonymous,
        type="bool",
    ),
    Feature(
        "feature.assay.name.is_ipv6",
        "Whether the author is an IPv6 address.",
        (USER_NAME, USER_IS_ANONYMOUS),
        lambda name, anonymous: anonymous and ":" in name,
        type="bool",
    ),
    Feature(
        "feature.assay.name.digit_share",
        "Digits per character of an account's name, 0 to 1; missing for addresses.",
        (USER_NAME, USER_IS_ANONYMOUS),
        _name_digits,
    ),
    Feature(
        "feature.assay.name.length",
        "Characters of an account's name; missing for addresses.",
        (USER_NAME, USER_IS_ANONYMOUS),
        _name_length,
    ),
    Feature(
        "feature.assay.title.own_page",
        "Whether the title holds the author's name: a user's own page.",
        (PAGE_TITLE, USER_NAME),
        lambda title, name: name.lower() in title.lower(),
        type="bool",
    ),
    Feature(
        "feature.assay.title.has_prefix",
        "Whether the title has a namespace's prefix.",
        (PAGE_TITLE,),
        lambda title: _PREFIX.match(title) is not None,
        type="bool",
    ),
    Feature(
        "feature.assay.title.is_subpage",
        "Whether the title holds a slash.",
        (PAGE_TITLE,),
        lambda title: "/" in title,
        type="bool",
    ),
    Feature(
        "feature.assay.title.length",
        "Characters of the title.",
        (PAGE_TITLE,),
        len,
        type="int",
    ),
    Feature(
        "feature.assay.title.digit_share",
        "Digits per character of the title, 0 to 1.",
        (PAGE_TITLE,),
        _share_of_digits,
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    return FEATURES
