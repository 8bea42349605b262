"""Memory that grows with each job, and memory that only fills."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.judging.statistics import Table
from assay.rollout.judging.verdict import Earlier
from assay.rollout.samples import Evidence
from rollout.arms import verdict_of
from rollout.seen import SHADOW, check_of, found, pair, process

FLAT = process([200.0] * 20, candidate=False)


def _leaks(per_job_mib: float, samples: int = 20) -> list[float]:
    return [200 + 10 * per_job_mib * place for place in range(samples)]


def test_a_leak_is_bad() -> None:
    check = check_of(verdict_of(Evidence(memory=(*FLAT, *process(_leaks(1.0)))), SHADOW), "memory")
    assert check.status == "bad"
    assert check.figures["candidate"]["bytes_per_job"] > 900_000


def test_a_leak_is_bad_without_a_stable_arm() -> None:
    assert found(Evidence(memory=process(_leaks(1.0))), "memory")[0] == "bad"


def test_memos_that_fill_are_not_a_leak() -> None:
    filling = [200 + 150 * (1 - math.exp(-place / 4)) for place in range(20)]
    assert found(Evidence(memory=(*FLAT, *process(filling))), "memory")[0] == "good"


def test_a_step_is_not_a_leak() -> None:
    assert found(Evidence(memory=process([200.0] * 5 + [300.0] * 15)), "memory")[0] == "good"


def test_growth_within_the_allowance_is_good() -> None:
    assert found(Evidence(memory=process(_leaks(0.15))), "memory")[0] == "good"


def test_growth_like_the_stable_arms_is_the_loads() -> None:
    both = (*process(_leaks(1.0), candidate=False), *process(_leaks(1.02)))
    assert found(Evidence(memory=both), "memory")[0] == "good"


def test_start_up_is_not_looked_at() -> None:
    """26 MiB after the start are within the allowance; with the 11 before, they would not be."""
    starting = process([188.0, 190.0], start=0, jobs=10)
    settled = process([200 + 1.3 * place for place in range(21)], start=20)
    assert found(Evidence(memory=(*starting, *settled)), "memory")[0] == "good"
    assert found(Evidence(memory=process([192 + 1.7 * place for place in range(21)])), "memory")[0] == "bad"


def test_many_processes_with_few_jobs_each_are_judged_together() -> None:
    few = [process(_leaks(8.0, 4), name=str(number), jobs=5) for number in range(10)]
    assert found(Evidence(memory=sum(few, ())), "memory")[0] == "bad"


def test_replaced_processes_count_for_as_long_as_they_lived() -> None:
    lives = [process(_leaks(2.0, 6), name=str(number)) for number in range(4)]
    assert found(Evidence(memory=sum(lives, ())), "memory")[0] == "bad"


def test_few_jobs_are_no_data() -> None:
    assert found(Evidence(memory=process([200.0] * 5)), "memory")[0] == "no_data"
    assert found(Evidence(memory=process([200.0] * 50, jobs=0)), "memory")[0] == "no_data"
    assert found(Evidence(memory=FLAT), "memory")[0] == "no_data"


def test_what_was_seen_before_does_not_stand_for_what_is_not_seen_now() -> None:
    """Some process's /metrics answers no more: in this stage, or not in its last minute."""
    sound = process([200.0] * 20)
    before = [Earlier((), Table(0, 0, 0, 0), sound)]
    assert found(Evidence(), "memory", before=before)[0] == "no_data"
    assert found(Evidence(memory=FLAT), "memory", before=before)[0] == "no_data"
    assert found(Evidence(memory=sound[-1:]), "memory", before=before)[0] == "good"
    last_s = sound[-1].at_s
    for later_s, status in ((60.0, "good"), (60.5, "no_data")):
        seen = Evidence(pairs=(pair(at_s=last_s + later_s),), memory=sound)
        assert found(seen, "memory")[0] == status
    leaking = [Earlier((), Table(0, 0, 0, 0), process(_leaks(1.0)))]
    assert found(Evidence(), "memory", before=leaking)[0] == "bad"


@given(st.lists(st.floats(195, 205), min_size=7, max_size=60))
def test_noise_is_never_a_leak(sizes: list[float]) -> None:
    assert found(Evidence(memory=(*FLAT, *process(sizes))), "memory")[0] == "good"
