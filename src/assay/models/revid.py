"""The legacy's deterministic test model: a score that anybody can work out from the revision id.

``probability.true`` is the id's last two digits, reversed, over 100: 974623 gives 0.32, and a lone digit
5 gives 0.50. Two features: the reversed digits, and a delay that is really slept (ORES used it to test time
limits). It reads no text, so that it tells whether the service works when the wiki does not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from assay.features.edit.revid import DELAY, REVERSED_DIGITS
from assay.features.graph.node import Feature, FeatureValue
from assay.models.model import Explanation, Label, Score

MAX_DELAY_S: Final = 60.0
"""Longest delay that is slept; longer ones are cut, so that a client cannot hold a process for ever."""
_CERTAIN: Final = 800.0
"""Log-odds told for probability 0 or 1: the sigmoid of it is exactly 1 in floating point."""


@dataclass(frozen=True)
class RevIdModel:
    """A `assay.models.model.Model` without trees. `sleep`: seconds to wait, replaced in tests."""

    wiki: str
    name: str
    version: str
    digest: str
    labels: tuple[Label, ...] = (True, False)
    features: tuple[Feature, ...] = (REVERSED_DIGITS, DELAY)
    told: tuple[Feature, ...] = ()
    needs_parent: bool = False
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def score(self, row: Sequence[FeatureValue]) -> Score:
        digits, delay_s = (0.0 if value is None else float(value) for value in row)
        if delay_s > 0:
            self.sleep(min(delay_s, MAX_DELAY_S))
        positive = min(max(digits / 100, 0.0), 1.0)
        return Score(positive > 0.5, {True: positive, False: 1 - positive})

    def explain(self, row: Sequence[FeatureValue]) -> Explanation:
        """All of the score comes from the digits."""
        value = row[0]
        positive = min(max((0.0 if value is None else float(value)) / 100, 0.0), 1.0)
        return Explanation({True: 0.0}, {True: (_logit(positive), 0.0)})


def _logit(chance: float) -> float:
    if chance in (0.0, 1.0):
        return math.copysign(_CERTAIN, chance - 0.5)
    return math.log(chance / (1 - chance))
