"""Named operating points of a model: where its users cut, said as a condition instead of a number.

Names and conditions for damaging and goodfaith are those of MediaWiki's Extension:ORES
(``OresFiltersThresholds``), whose filters patrollers know. A point is a threshold query, so it moves with the
model when that is trained again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assay.errors import BadParameter
from assay.models.statistics.query import Query


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A point of one label."""

    query: str
    """Such as ``maximum recall @ precision >= 0.6``; the statistics are those of threshold queries."""

    label: str = "true"
    """The label whose probability is cut: ``true`` or ``false`` for models of yes and no, else a class."""

    title: str = ""
    """For people; empty: the point's name."""

    def __post_init__(self) -> None:
        try:
            Query.parse(self.query)
        except BadParameter as error:
            raise ValueError(f"query: {error}") from error


Points = Mapping[str, OperatingPoint]
"""By name."""

_SURE: Final = "maximum recall @ precision >= 0.995"
_BROAD: Final = "maximum filter_rate @ recall >= 0.9"
_LIKELY: Final = "maximum recall @ precision >= 0.6"
_VERY_LIKELY: Final = "maximum recall @ precision >= 0.9"

_DAMAGE: Final[Points] = {
    "likelygood": OperatingPoint(_SURE, "false", "Very likely good"),
    "maybebad": OperatingPoint(_BROAD, "true", "May have problems"),
    "likelybad": OperatingPoint(_LIKELY, "true", "Likely have problems"),
    "verylikelybad": OperatingPoint(_VERY_LIKELY, "true", "Very likely have problems"),
}
_GOOD_FAITH: Final[Points] = {
    "likelygood": OperatingPoint(_SURE, "true", "Very likely good faith"),
    "maybebad": OperatingPoint(_BROAD, "false", "May be bad faith"),
    "likelybad": OperatingPoint(_LIKELY, "false", "Likely bad faith"),
    "verylikelybad": OperatingPoint(_VERY_LIKELY, "false", "Very likely bad faith"),
}
_BY_MODEL: Final = {"damaging": _DAMAGE, "reverted": _DAMAGE, "goodfaith": _GOOD_FAITH}


def points_of(model: str, labels: Sequence[str], configured: Points) -> Points:
    """Those of the model's kind, then the operator's, which replace equal names. A kind without points of its
    own has ``likely_<label>`` and ``verylikely_<label>``."""
    general = {
        name: point
        for label in labels
        for name, point in (
            (f"likely_{label}", OperatingPoint(_LIKELY, label, f"Likely {label}")),
            (f"verylikely_{label}", OperatingPoint(_VERY_LIKELY, label, f"Very likely {label}")),
        )
    }
    return {**_BY_MODEL.get(model, general), **configured}
