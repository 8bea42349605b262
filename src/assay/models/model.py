"""What every model promises, whatever it was learned with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from assay.features.graph.node import Feature, FeatureValue

ANY_WIKI: Final = "anywiki"
"""The wiki named by bundles that were learned to work on every wiki."""

Label = bool | str
"""A class: True/False for a binary model, a name such as "FA" for an ordinal one."""


@dataclass(frozen=True, slots=True)
class Score:
    """What a model says of one revision. `probability`: one per label, in [0, 1], summing to 1."""

    prediction: Label
    probability: Mapping[Label, float]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why: exact SHAP values (Lundberg et al. 2018, TreeSHAP) in log-odds.

    `base[label] + sum(contributions[label])` is the label's logit; the score's probabilities are its
    sigmoid (binary, where only the label True is told) or softmax (several classes).
    `contributions`: by label, one value per feature, in the model's order.
    """

    base: Mapping[Label, float]
    contributions: Mapping[Label, Sequence[float]]


class Model(Protocol):
    """A loaded model: a pure function of its features' values."""

    @property
    def wiki(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def labels(self) -> tuple[Label, ...]: ...

    @property
    def features(self) -> tuple[Feature, ...]: ...

    @property
    def told(self) -> tuple[Feature, ...]:
        """What is told beside `features` where they are asked for; `score` does not read it."""
        ...

    @property
    def needs_parent(self) -> bool: ...

    def score(self, row: Sequence[FeatureValue]) -> Score:
        """Score one row of values in the order of `features`; None is a missing value."""
        ...

    def explain(self, row: Sequence[FeatureValue]) -> Explanation:
        """Exact contribution of each feature to the score of `row`."""
        ...
