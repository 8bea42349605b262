"""The stages that a release goes through, data centre after data centre, as values.

A plan is made from the settings once, when a rollout starts, and stands in the journal: a controller that
resumes, perhaps with other settings, goes on with the plan that was begun.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from assay.errors import ConfigurationError
from assay.rollout.options import RolloutOptions, StageOptions

Kind = Literal["preflight", "synthetic", "shadow", "weight", "watch"]

FULL_SAMPLE_WEIGHT = 10
FEWEST_OBSERVED = 5
PREFLIGHT = ("preflight",)
ANSWERS = ("shape", "statuses", "lost_scores", "scores", "values")
"""Checks of what is the same whenever it is asked: any fault acts at once."""
MEASURED = ("passing_errors", "computing_time", "processor_time", "memory")
SYNTHETIC = "synthetic"
"""The check that all of a suite's answers are alike, where it is judged beside requests that users ask."""
USERS = ("release_names", "user_errors", "user_latency")


@dataclass(frozen=True, slots=True)
class Stage:
    """One step. `weight`: per cent of the data centre's users whom the candidate answers during it.
    `required`: checks that must be good before the next. `alpha`: the share of false alarms that all its
    statistical checks may spend together; 0: none is made. `least_texts`: different ones that must have been
    scored. `next_weight`: per cent of the users who are to meet the candidate in the next stage; 0: there is
    none."""

    number: int
    data_centre: str
    kind: Kind
    weight: int
    least_s: float
    limit_s: float
    least_pairs: int
    least_observed: int
    required: tuple[str, ...]
    alpha: float
    least_texts: int = 0
    next_weight: int = 0

    @property
    def meets_users(self) -> bool:
        return self.weight > 0

    @property
    def name(self) -> str:
        """For people: ``eqiad 5 %``, ``eqiad shadow``."""
        what = f"{self.weight} %" if self.kind == "weight" else self.kind
        return f"{self.data_centre} {what}"


_BLANK = Stage(
    number=0,
    data_centre="",
    kind="preflight",
    weight=0,
    least_s=0.0,
    limit_s=0.0,
    least_pairs=0,
    least_observed=0,
    required=(),
    alpha=0.0,
)
"""To be filled in. `Stage` itself has no such defaults, so that a journal that lacks a field is refused."""


@dataclass(frozen=True, slots=True)
class Plan:
    """All stages, in order. At the end of the last, the rollout is done."""

    stages: tuple[Stage, ...]

    def is_last(self, number: int) -> bool:
        return number == len(self.stages) - 1

    def as_data(self) -> list[dict[str, Any]]:
        """As JSON values, for the journal."""
        return [asdict(stage) | {"required": list(stage.required)} for stage in self.stages]

    @classmethod
    def from_data(cls, data: list[Mapping[str, Any]]) -> Plan:
        """What `as_data` wrote. Raises `TypeError` when it is of another version."""
        return cls(tuple(Stage(**{**item, "required": tuple(item["required"])}) for item in data))


def make_plan(options: RolloutOptions, *, now: bool = False) -> Plan:
    """The plan of a rollout to all data centres, the inactive ones first, otherwise by name.

    `now`: an emergency. No shadow, no small weights, no waiting: after preflight and synthetic requests all
    users at once. Raises `ConfigurationError` when there is no data centre or the weights do not rise to 100.
    """
    if not options.data_centres:
        raise ConfigurationError("rollout.data_centres is empty: name the data centres and their slots")
    _check_weights(options.stages.weights)
    centres = options.data_centres
    order = sorted(centres, key=lambda name: (centres[name].is_active, name))
    steps = _emergency_stages if now else _stages
    stages = [stage for name in order for stage in steps(name, options.stages)]
    judged = sum(stage.kind in ("shadow", "weight") for stage in stages)
    alpha = options.guards.false_alarm_share / judged
    return Plan(tuple(_numbered(stage, number, alpha) for number, stage in enumerate(stages)))


def make_watch_plan(options: RolloutOptions, data_centres: Sequence[str]) -> Plan:
    """One stage for each data centre, all judged side by side for as long as the candidate stands there.

    No weight: others set them. What needs users' own requests is not required, since nobody logs them to us.
    """
    stages = options.stages
    stage = replace(
        _BLANK,
        kind="watch",
        least_s=stages.least_s,
        limit_s=stages.limit_s,
        least_pairs=stages.shadow_pairs,
        required=(SYNTHETIC, *_of_pairs(stages)),
        alpha=options.guards.false_alarm_share / len(data_centres),
    )
    return Plan(
        tuple(replace(stage, number=number, data_centre=name) for number, name in enumerate(data_centres))
    )


def _numbered(stage: Stage, number: int, alpha: float) -> Stage:
    return replace(stage, number=number, alpha=alpha if stage.kind in ("shadow", "weight") else 0.0)


def _check_weights(weights: tuple[int, ...]) -> None:
    rises = all(low < high for low, high in itertools.pairwise(weights))
    if not (weights and rises and weights[0] > 0 and weights[-1] == 100):
        raise ConfigurationError(f"rollout.stages.weights must rise from above 0 to 100, not be {weights}")


def _stages(name: str, options: StageOptions) -> Iterator[Stage]:
    yield from _first_stages(name, options)
    pairs = _of_pairs(options)
    timed = replace(_BLANK, data_centre=name, least_s=options.least_s, limit_s=options.limit_s)
    yield replace(
        timed,
        kind="shadow",
        least_pairs=options.shadow_pairs,
        least_texts=options.shadow_texts,
        required=pairs,
    )
    for weight, following in itertools.pairwise((*options.weights, 0)):
        # Few users' times cannot be told from chance, and with all users at the candidate there is nobody
        # left to compare them with; pairs are timed in every stage.
        is_comparable = FULL_SAMPLE_WEIGHT <= weight < 100
        users = USERS if is_comparable else ("release_names", "user_errors")
        yield replace(
            timed,
            kind="weight",
            weight=weight,
            least_pairs=options.weight_pairs,
            least_observed=_least_observed(options, weight),
            required=pairs + users,
            next_weight=following,
        )


def _of_pairs(options: StageOptions) -> tuple[str, ...]:
    """Checks of compared requests that a stage needs."""
    left_out = () if options.needs_processor_time else ("processor_time",)
    return tuple(name for name in ANSWERS + MEASURED if name not in left_out)


def _least_observed(options: StageOptions, weight: int) -> int:
    """All that is asked for from `FULL_SAMPLE_WEIGHT` per cent on; below it fewer, in proportion: a hundredth
    of a small wiki's users would else be waited for through hours, and what equal arms never do shows in
    the compared requests anyway."""
    share = min(1.0, weight / FULL_SAMPLE_WEIGHT)
    return min(options.weight_observed, max(FEWEST_OBSERVED, math.ceil(options.weight_observed * share)))


def _emergency_stages(name: str, options: StageOptions) -> Iterator[Stage]:
    yield from _first_stages(name, options)
    # Nothing is required, but for a while what users meet is watched: anything bad takes them back.
    yield replace(
        _BLANK,
        data_centre=name,
        kind="weight",
        weight=100,
        least_s=options.least_s,
        limit_s=options.limit_s,
    )


def _first_stages(name: str, options: StageOptions) -> Iterator[Stage]:
    blank = replace(_BLANK, data_centre=name)
    yield replace(blank, kind="preflight", limit_s=options.deploy_limit_s, required=PREFLIGHT)
    yield replace(blank, kind="synthetic", limit_s=options.limit_s, least_pairs=1, required=ANSWERS)
