"""The computation itself: a job and the wiki's models give cells. Pure but for a cache of compiled plans.

What several models share is computed once; one model's failure never spoils another's cell.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assay.errors import BadInjection
from assay.features.graph.injection import decode_injection
from assay.features.graph.node import Feature, FeatureValue, Node
from assay.features.graph.plan import Plan, Values
from assay.features.roots import PARENT_TEXT
from assay.models.model import Model
from assay.revisions.problem import Problem, page_creation
from assay.scoring.codec import Computed
from assay.scoring.request import Cell, Injection, Job, Scored
from assay.telemetry import span

DEFAULT_MAX_PLANS: Final = 256
"""Compiled plans kept; one costs about 50 kB and 1 ms for a hundred features."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan for some models and some injected names. `nodes`: what can be injected, by name."""

    plan: Plan
    nodes: Mapping[str, Node]


_PlanKey = tuple[tuple[str, ...], bool, frozenset[str]]
"""Models' digests, whether what is told with them is computed, injected names."""


class PlanCache:
    """Compiled plans by what they are for; bounded, least recently used out first."""

    def __init__(self, max_plans: int = DEFAULT_MAX_PLANS) -> None:
        self._max_plans = max_plans
        self._plans: OrderedDict[_PlanKey, Prepared] = OrderedDict()

    def __len__(self) -> int:
        return len(self._plans)

    def prepare(self, models: Sequence[Model], names: Iterable[str], *, told: bool = False) -> Prepared:
        """A plan for the union of the models' features, with `told` also for what is told with them; `names`
        that are in no way part of it change nothing."""
        whole = self._get(models, told, frozenset(), None)
        injected = frozenset(name for name in names if name in whole.nodes)
        return whole if not injected else self._get(models, told, injected, whole.nodes)

    def _get(
        self,
        models: Sequence[Model],
        told: bool,
        injected: frozenset[str],
        nodes: Mapping[str, Node] | None,
    ) -> Prepared:
        key = (tuple(model.digest for model in models), told, injected)
        prepared = self._plans.get(key)
        if prepared is None:
            plan = Plan(_targets(models, told=told), injected)
            prepared = Prepared(plan, {n.name: n for n in plan.nodes} if nodes is None else nodes)
            self._plans[key] = prepared
            if len(self._plans) > self._max_plans:
                self._plans.popitem(last=False)
        self._plans.move_to_end(key)
        return prepared


def _targets(models: Iterable[Model], *, told: bool) -> dict[Feature, None]:
    """What is to be computed for these models, each feature once."""
    return dict.fromkeys(f for model in models for f in (*model.features, *(model.told if told else ())))


def injectable(models: Iterable[Model]) -> dict[str, Node]:
    """Every node by name that any of `models` reads, or that is told with it: what a client of their wiki may
    inject."""
    return {node.name: node for node in Plan(_targets(models, told=True)).nodes}


def read_by(model: Model) -> frozenset[str]:
    """Names of all nodes that a score by this model depends on."""
    return frozenset(node.name for node in Plan(model.features).nodes)


def check_injection(nodes: Mapping[str, Node], injection: Injection) -> None:
    """Raises `BadInjection` naming every wrong name and value; `nodes` as from `injectable`."""
    decode_injection(nodes.values(), injection)


def compute(job: Job, models: Mapping[str, Model], plans: PlanCache) -> Computed:
    """One cell for each of the job's models. `models`: the wiki's, by name.

    Never raises for what stands in a job.
    """
    wanted = [models[name] for name in job.models]
    started_s, cpu_started_s = time.perf_counter(), time.thread_time()
    prepared = plans.prepare(wanted, job.injection, told=job.features and job.told)
    try:
        known = {name: value for name, value in job.injection.items() if name in prepared.nodes}
        injection = decode_injection(prepared.nodes.values(), known)
    except BadInjection as error:
        problem = Problem(BadInjection.code, "ValueError", str(error))
        return Computed(dict.fromkeys(job.models, problem))
    with span("extract"):
        values = prepared.plan.run(job.revision, injection)
    extracted_s = time.perf_counter()
    with span("predict", models=len(wanted)):
        cells = {name: _cell(model, values, job) for name, model in zip(job.models, wanted, strict=True)}
    cpu_s = time.thread_time() - cpu_started_s
    return Computed(cells, extracted_s - started_s, time.perf_counter() - extracted_s, cpu_s)


def _cell(model: Model, values: Values, job: Job) -> Cell:
    if model.needs_parent and job.revision.parent is None and PARENT_TEXT.name not in job.injection:
        return page_creation(job.revision.id)
    row = values.row(model.features)
    if isinstance(row, Problem):
        return row
    try:
        return Scored(
            model.score(row),
            _by_name(model, row, values, told=job.told) if job.features else None,
            model.explain(row) if job.explain else None,
        )
    except Exception as error:  # a defective model must cost its own cell only
        return Problem("model_failed", type(error).__name__, f"The model {model.name} failed: {error}")


def _by_name(
    model: Model, row: Sequence[FeatureValue], values: Values, *, told: bool
) -> dict[str, FeatureValue]:
    """The model's own, and those `told` with it: these may fail, since the score does not need them."""
    own = {feature.name: value for feature, value in zip(model.features, row, strict=True)}
    return own | {feature.name: values.known(feature) for feature in (model.told if told else ())}
