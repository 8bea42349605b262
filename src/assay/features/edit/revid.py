"""The two features of the deterministic test model (see `assay.models.revid`), under ORES's names."""

from __future__ import annotations

from collections.abc import Iterable

from assay.features.graph.node import Feature, Node
from assay.features.lexicon import Lexicons
from assay.features.roots import REVISION_ID


def _reversed_digits(rev_id: int) -> int:
    """Of 974623 it is 32; of a lone digit 5, ORES made 50."""
    return int(str(abs(rev_id))[-2:].rjust(2, "0")[::-1])


REVERSED_DIGITS = Feature(
    "feature.revision.reversed_last_two_in_rev_id",
    "The revision id's last two digits in reverse order, 0 to 99.",
    depends_on=(REVISION_ID,),
    compute=_reversed_digits,
    type="int",
)
DELAY = Feature(
    "feature.delay",
    "Seconds that the test model waits before it answers; 0 unless injected.",
    depends_on=(),
    compute=lambda: 0.0,
)


def family(_: Lexicons) -> Iterable[Node]:
    return (REVERSED_DIGITS, DELAY)
