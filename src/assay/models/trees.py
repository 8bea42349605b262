"""Models of boosted trees: LightGBM's sums, calibrated, as scores and as exact explanations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from assay.errors import BundleError
from assay.features.graph.node import Feature, FeatureValue
from assay.models.calibrate import Calibration
from assay.models.forest import Forest
from assay.models.model import Explanation, Label, Score


@dataclass(frozen=True, eq=False)
class TreeModel:
    """A `assay.models.model.Model` of boosted trees. Binary models predict True from 0.5 on.

    `forest`: None in a process that only describes the model; there, scoring raises `BundleError`.
    """

    wiki: str
    name: str
    version: str
    digest: str
    labels: tuple[Label, ...]
    features: tuple[Feature, ...]
    needs_parent: bool
    forest: Forest | None = field(repr=False)
    calibration: Calibration
    told: tuple[Feature, ...] = ()

    def score(self, row: Sequence[FeatureValue]) -> Score:
        logits = self._logits(self.trees.raw(row))
        if len(logits) == 1:
            positive = sigmoid(logits[0])
            return Score(positive >= 0.5, {True: positive, False: 1.0 - positive})
        chances = softmax(logits)
        best = max(range(len(chances)), key=chances.__getitem__)
        return Score(self.labels[best], dict(zip(self.labels, chances, strict=True)))

    def explain(self, row: Sequence[FeatureValue]) -> Explanation:
        shares = self.trees.contributions(row) * self.calibration.scale
        told = self.labels[: len(shares)]
        return Explanation(
            base={
                label: float(values[-1]) + bias
                for label, values, bias in zip(told, shares, self.calibration.bias, strict=True)
            },
            contributions={label: values[:-1].tolist() for label, values in zip(told, shares, strict=True)},
        )

    @property
    def trees(self) -> Forest:
        """Raises `BundleError` where they were not loaded."""
        if self.forest is None:
            raise BundleError(f"{self.wiki}/{self.name} was loaded without its trees: load it whole to score")
        return self.forest

    def _logits(self, raw: Sequence[float]) -> list[float]:
        scale = self.calibration.scale
        return [scale * value + bias for value, bias in zip(raw, self.calibration.bias, strict=True)]


def sigmoid(logit: float) -> float:
    """1 / (1 + e^-logit) without overflow."""
    if logit >= 0:
        return 1.0 / (1.0 + math.exp(-logit))
    power = math.exp(logit)
    return power / (1.0 + power)


def softmax(logits: Sequence[float]) -> list[float]:
    """Probabilities that sum to 1, without overflow."""
    highest = max(logits)
    powers = [math.exp(logit - highest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]
