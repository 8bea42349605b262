"""Where the edited page lives. Unknown where the source does not tell the namespace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import PAGE_NAMESPACE

_MAIN: Final = 0
_DRAFT: Final = 118

_NODES: Final = (
    Feature(
        "feature.revision.page.is_articleish",
        "Whether the page is an article or the draft of one (namespaces 0 and 118).",
        (PAGE_NAMESPACE,),
        lambda namespace: namespace in (_MAIN, _DRAFT),
        type="bool",
    ),
    Feature(
        "feature.revision.page.is_mainspace",
        "Whether the page is an article (namespace 0).",
        (PAGE_NAMESPACE,),
        lambda namespace: namespace == _MAIN,
        type="bool",
    ),
    Feature(
        "feature.revision.page.is_draftspace",
        "Whether the page is a draft (namespace 118).",
        (PAGE_NAMESPACE,),
        lambda namespace: namespace == _DRAFT,
        type="bool",
    ),
)


def family(_: Lexicons) -> Iterable[Node]:
    """All nodes of this module; they need no lexicon."""
    return _NODES
