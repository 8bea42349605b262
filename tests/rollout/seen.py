"""Short ways to write down samples, for tests of single checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assay.rollout.judging.check import Check
from assay.rollout.judging.verdict import Verdict
from assay.rollout.plan import Stage
from assay.rollout.samples import CellPair, Evidence, MemorySeen, Observed, Pair, SeenCell
from rollout.arms import CANDIDATE, STABLE, judged_stages, seen, verdict_of

DC = "codfw"
WHOLE_SHADOW = next(stage for stage in judged_stages() if stage.kind == "shadow")
SHADOW = replace(WHOLE_SHADOW, least_texts=0)
"""For tests of what is not a matter of how many texts were seen."""
WHOLE_WEIGHT = next(stage for stage in judged_stages() if stage.weight == 50)
WEIGHT = replace(WHOLE_WEIGHT, next_weight=0)
"""For tests of what is not a matter of who comes next."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration of drift, as a release's manifest has it."""

    wiki: str = "*"
    model: str = "*"
    changed_share: float | None = None
    abs_delta_p99: float | None = None
    flip_share: float | None = None


def cell(
    stable: SeenCell | float | None,
    candidate: SeenCell | float | None,
    *,
    wiki: str = "testwiki",
    model: str = "damaging",
    rev_id: int = 1,
) -> CellPair:
    """Probabilities of "true" in place of scores."""
    one, other = (seen(value) if isinstance(value, float) else value for value in (stable, candidate))
    return CellPair(wiki, model, rev_id, one, other)


def pair(
    *cells: CellPair,
    at_s: float = 1.0,
    status: tuple[int, int] = (200, 200),
    centre: str = DC,
    **others: object,
) -> Pair:
    asked = Pair(at_s, centre, "/v3/scores/testwiki/1", status[0], status[1], cells)
    return replace(asked, **others)  # type: ignore[arg-type]


def user(
    *, candidate: bool, at_s: float = 1.0, status: int = 200, ms: float = 20.0, **others: object
) -> Observed:
    arm = CANDIDATE if candidate else STABLE
    item = Observed(at_s, DC, arm.slot, arm.release, status, ms, False, "GET", "/v3/scores/testwiki/1")
    return replace(item, **others)  # type: ignore[arg-type]


def process(
    sizes: Sequence[float], *, candidate: bool = True, name: str = "p", jobs: int = 10, start: int = 100
) -> tuple[MemorySeen, ...]:
    """A process seen every `jobs` jobs; `sizes` in MiB."""
    slot = (CANDIDATE if candidate else STABLE).slot
    return tuple(
        MemorySeen(float(place), DC, slot, f"{slot} {name}", int(size * 1024 * 1024), start + jobs * place)
        for place, size in enumerate(sizes)
    )


def found(evidence: Evidence, check: str, stage: Stage = SHADOW, **others: object) -> tuple[str, str]:
    """Status and sentence of one check."""
    one = check_of(verdict_of(evidence, stage, **others), check)
    return one.status, one.sentence


def check_of(verdict: Verdict, name: str) -> Check:
    return next(check for check in verdict.checks if check.name == name)
