"""Makes probabilities mean what they say: one scale and one bias per class, in log-odds.

Platt's method (1999), and for several classes temperature scaling with a bias per class (Guo et al.
2017). Being affine in log-odds it keeps every ranking of a binary model, and SHAP contributions, once
scaled alike, still sum exactly to the score. Limit: it cannot mend a curve that is bent both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assay.models.dataset import Array, Floats

_SCALE_RANGE: Final = (0.02, 20.0)
_DIGITS: Final = 9
"""Significant digits kept: the last ones depend on the order in which a processor adds."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """`logits = scale * raw + bias`. `scale` > 0; `bias`: one per raw output (one for binary)."""

    scale: float
    bias: tuple[float, ...]

    @classmethod
    def identity(cls, classes: int) -> Calibration:
        return cls(1.0, (0.0,) * classes)

    def logits(self, raw: Floats) -> Floats:
        """[n, classes] from raw outputs [n, classes]."""
        logits: Floats = self.scale * raw + np.array(self.bias)
        return logits


def probabilities(logits: Floats) -> Floats:
    """[n, labels] from logits [n, classes]: sigmoid for one class (True, False), softmax for several."""
    if logits.shape[1] == 1:
        logits = np.hstack([logits, np.zeros_like(logits)])
    return np.exp(_log_softmax(logits))


def fit_calibration(raw: Floats, label: Array, weight: Floats) -> Calibration:
    """The scale and biases with the least log loss on held-out rows.

    `raw`: [n, classes]. `label`: probabilities of True when there is one class, else indices. With one
    label only among the rows nothing can be learned: gives the identity.
    """
    from scipy.optimize import minimize  # 0.3 s to import, and only training needs it

    classes = raw.shape[1]
    target = _targets(label, classes)
    if (target.sum(axis=0) == 0).any():
        return Calibration.identity(classes)
    start = np.zeros(classes + 1)
    bounds = [(float(np.log(_SCALE_RANGE[0])), float(np.log(_SCALE_RANGE[1]))), *[(-50.0, 50.0)] * classes]
    found = minimize(
        _loss, start, args=(raw, target, weight / weight.sum()), jac=True, method="L-BFGS-B", bounds=bounds
    )
    bias = found.x[1:] - (found.x[1:].mean() if classes > 1 else 0.0)
    return Calibration(_rounded(np.exp(found.x[0])), tuple(_rounded(value) for value in bias))


def _loss(parameters: Floats, raw: Floats, target: Floats, weight: Floats) -> tuple[float, Floats]:
    """Mean log loss and its gradient by (log scale, biases)."""
    scale = np.exp(parameters[0])
    logits = scale * raw + parameters[1:]
    if raw.shape[1] == 1:
        logits = np.hstack([logits, np.zeros_like(logits)])
    log_p = _log_softmax(logits)
    loss = -(weight * (target * log_p).sum(axis=1)).sum()
    slope = ((np.exp(log_p) - target) * weight[:, None])[:, : raw.shape[1]]
    return float(loss), np.concatenate([[(slope * raw).sum() * scale], slope.sum(axis=0)])


def _targets(label: Array, classes: int) -> Floats:
    if classes == 1:
        return np.stack([label, 1 - label], axis=1).astype(np.float64)
    return np.eye(classes)[label.astype(np.int64)]


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _rounded(value: Any) -> float:
    return float(f"{float(value):.{_DIGITS}g}")
