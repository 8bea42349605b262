"""Thresholds in few digits that part the values which trees learned from as before.

LightGBM writes the middle between two neighbouring values with 17 digits (3.5000000000000004). What a model
has learned says nothing about where between the two a threshold belongs.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from assay.models.dataset import Floats

_ALL_DIGITS: Final = 17
"""As many as tell every double from the next."""


class Separators:
    """For the columns of one table of values."""

    def __init__(self, x: Floats) -> None:
        """`x`: [n, columns], with NaN where a value is missing."""
        self._x = x
        self._values = cache(self._sorted)

    def short(self, column: int, threshold: str) -> str:
        """`threshold` rounded to the fewest digits with which each value of the column stays on its side.

        A value is on the left side when it is at most the threshold. One beyond all values stays as written.
        """
        values, exact = self._values(column), float(threshold)
        place = int(np.searchsorted(values, exact, side="right"))
        if not 0 < place < len(values):
            return threshold
        low, high = values[place - 1], values[place]
        rounded = (float(f"{exact:.{digits}g}") for digits in range(1, _ALL_DIGITS + 1))
        return plain(next(value for value in rounded if low <= value < high))

    def _sorted(self, column: int) -> Floats:
        values = self._x[:, column]
        return np.unique(values[~np.isnan(values)])


def plain(value: float) -> str:
    """The fewest digits that give the same double again, without a point behind which nothing stands."""
    return repr(value + 0.0).removesuffix(".0")
