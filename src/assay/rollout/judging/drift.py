"""Scores of the very same revisions: which changed, by how much, and for whom that makes a difference.

Nobody else compares at this level: a traffic mirror sees statuses, not that vandalism is no longer found.
Where the release declares no drift, any change is a fault. Where it does, the candidate may change as much as
was declared, and no more than chance explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check, percent
from assay.rollout.judging.looks import Look, first_alarm, first_excess, look_sizes, spent
from assay.rollout.judging.statistics import Flags, clopper_pearson, excess_p, quantiles
from assay.rollout.samples import CellPair, Pair, SeenCell

ANY: Final = "*"
FIRST_LOOK: Final = 10
"""Scores of a model before what was declared is tested: with fewer, only the wildest claim could be
refuted."""
_QUANTILES: Final = (0.5, 0.9, 0.99, 1.0)

OperatingPoints = Mapping[tuple[str, str], Mapping[str, Sequence[float]]]
"""(wiki, model) to label to the probabilities at which users act: filters and bots flip there."""


class DeclaredDrift(Protocol):
    """A release's own word on what it changes; `wiki` and `model` may be ``*``. Shares are 0 to 1.

    `changed_share`: of scores. `abs_delta_p99`: 99 of 100 scores change by no more. `flip_share`: of scores
    whose prediction, or side of an operating point, changes. A measure that is None is left open."""

    @property
    def wiki(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def changed_share(self) -> float | None: ...
    @property
    def abs_delta_p99(self) -> float | None: ...
    @property
    def flip_share(self) -> float | None: ...


def declaration(declared: Sequence[DeclaredDrift], wiki: str, model: str) -> DeclaredDrift | None:
    """The one that fits best: by name before by ``*``, the wiki's before the model's. None: nothing is to
    change."""
    fitting = [item for item in declared if item.wiki in (wiki, ANY) and item.model in (model, ANY)]
    return min(fitting, key=lambda item: (item.wiki == ANY, item.model == ANY), default=None)


def is_declared(declared: Sequence[DeclaredDrift], pair: Pair) -> bool:
    """Whether a request asked for something that may change: a score of it, or its wiki in the path (of
    ``model_info``, which has no scores)."""
    if pair.cells:
        return any(declaration(declared, cell.wiki, cell.model) for cell in pair.cells)
    path = re.split("[/:-]", pair.target.partition("?")[0])
    return any(item.wiki == ANY or item.wiki in path for item in declared)


@dataclass(slots=True)
class _Seen:
    """Scores that both arms gave for one model of one wiki, in time order. A popular revision that is asked
    for again and changes the same way is one finding, not many: else it would look like many revisions."""

    known: set[tuple[int, float, bool]] = field(default_factory=set)
    at_s: list[float] = field(default_factory=list)
    deltas: list[float] = field(default_factory=list)
    prediction_flips: list[bool] = field(default_factory=list)
    point_flips: list[bool] = field(default_factory=list)


def scores_check(
    pairs: Sequence[Pair],
    guards: GuardOptions,
    declared: Sequence[DeclaredDrift],
    operating_points: OperatingPoints,
    least: int,
    alpha: float,
) -> Check:
    """All models together, told apart in `figures`. Good needs `least` compared scores in all; bad needs one
    model that changed undeclared, or more than declared."""
    seen = _collected(pairs, operating_points)
    groups, faults, since_s = {}, [], []
    for number, ((wiki, model), scores) in enumerate(seen.items()):
        drift = declaration(declared, wiki, model)
        found = list(_faults(scores, guards, drift, spent(alpha, number)))
        groups[f"{wiki}/{model}"] = _figures(scores, guards, drift is not None)
        faults += [f"{wiki} {model}: {sentence}" for sentence, _ in found]
        since_s += [at_s for _, at_s in found]
    total = sum(len(scores.deltas) for scores in seen.values())
    changed = sum(group["changed"] for group in groups.values())
    figures = {"scores": total, "changed": changed, "models": groups}
    if faults:
        return Check("scores", "bad", "; ".join(faults[:5]), figures, min(since_s))
    if not total:
        return Check("scores", "no_data", "no score was given by both arms", figures)
    sentence = f"{changed} of {total} scores changed" + (", as was declared" if changed else "")
    return Check("scores", "good" if total >= least else "no_data", sentence, figures)


def _collected(pairs: Sequence[Pair], operating_points: OperatingPoints) -> dict[tuple[str, str], _Seen]:
    seen: dict[tuple[str, str], _Seen] = {}
    for pair in pairs:
        for cell in pair.cells:
            if cell.stable is None or cell.candidate is None or cell.stable.error or cell.candidate.error:
                continue
            key = cell.wiki, cell.model
            scores = seen.get(key) or seen.setdefault(key, _Seen())
            delta = _delta(cell.stable, cell.candidate)
            flip = cell.stable.prediction != cell.candidate.prediction
            if (finding := (cell.rev_id, delta, flip)) in scores.known:
                continue
            scores.known.add(finding)
            scores.at_s.append(pair.at_s)
            scores.deltas.append(delta)
            scores.prediction_flips.append(flip)
            scores.point_flips.append(key in operating_points and _crosses(cell, operating_points[key]))
    return seen


def _delta(stable: SeenCell, candidate: SeenCell) -> float:
    """The largest change of a label's probability; 1 when the labels are others, or it is no probability."""
    if stable.probability == candidate.probability:
        return 0.0
    if stable.probability.keys() != candidate.probability.keys():
        return 1.0
    changes = [abs(value - candidate.probability[label]) for label, value in stable.probability.items()]
    return max(changes) if all(change <= 1.0 for change in changes) else 1.0


def _crosses(cell: CellPair, points: Mapping[str, Sequence[float]]) -> bool:
    assert cell.stable is not None
    assert cell.candidate is not None
    for label, thresholds in points.items():
        one, other = cell.stable.probability.get(label), cell.candidate.probability.get(label)
        if one is None or other is None or one == other:
            continue
        if any((one >= point) != (other >= point) for point in thresholds):
            return True
    return False


def _changes(scores: _Seen, guards: GuardOptions) -> Flags:
    changes: Flags = np.array(scores.deltas) > guards.score_tolerance
    return changes | np.array(scores.prediction_flips, dtype=np.bool_)


def _flips(scores: _Seen) -> Flags:
    flips: Flags = np.array(scores.prediction_flips, dtype=np.bool_)
    return flips | np.array(scores.point_flips, dtype=np.bool_)


def _figures(scores: _Seen, guards: GuardOptions, is_declared: bool) -> dict[str, Any]:
    changes = _changes(scores, guards)
    return {
        "scores": len(changes),
        "changed": int(changes.sum()),
        "changed_interval": clopper_pearson(int(changes.sum()), len(changes)),
        "prediction_flips": sum(scores.prediction_flips),
        "operating_point_flips": sum(scores.point_flips),
        "abs_delta_p50_p90_p99_max": quantiles(scores.deltas, _QUANTILES),
        "is_declared": is_declared,
    }


def _faults(
    scores: _Seen, guards: GuardOptions, drift: DeclaredDrift | None, alpha: float
) -> Iterator[tuple[str, float]]:
    """Sentences, each with the time of the sample that settled it."""
    changes = _changes(scores, guards)
    if drift is None:
        if (first := first_excess(changes, guards.changed_share)) is not None:
            count, most = int(changes.sum()), max(scores.deltas)
            yield (
                f"{count} of {len(changes)} scores changed, by up to {most:.3g}, and no drift is declared",
                scores.at_s[first],
            )
        return
    beyond = np.array(scores.deltas) > (1.0 if drift.abs_delta_p99 is None else drift.abs_delta_p99)
    for happened, share, what in (
        (changes, drift.changed_share, "changed"),
        (
            beyond,
            None if drift.abs_delta_p99 is None else 0.01,
            f"changed by more than {drift.abs_delta_p99}",
        ),
        (_flips(scores), drift.flip_share, "flipped"),
    ):
        if share is not None and (alarm := _more_than(happened, share, alpha / 3)):
            count = int(happened[: alarm.size].sum())
            yield (
                f"{count} of {alarm.size} scores {what}; declared are {percent(share)}",
                scores.at_s[alarm.size - 1],
            )


def _more_than(happened: Flags, share: float, alpha: float) -> Look | None:
    """Whether it happened more often than was declared, by the exact binomial test at each look."""
    counts = np.cumsum(happened)
    sizes = look_sizes(FIRST_LOOK, len(happened))
    return first_alarm(alpha, sizes, lambda size: excess_p(int(counts[size - 1]), size, share))
