"""Times of requests asked of both arms: whole answers, and the processor's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.rollout.judging.statistics import Table
from assay.rollout.judging.verdict import Earlier
from assay.rollout.samples import Evidence, Pair
from rollout.arms import verdict_of
from rollout.seen import SHADOW, cell, check_of, found, pair

COUNT = SHADOW.least_pairs + 50
GOOD = tuple(pair(cell(0.3, 0.3, rev_id=number), at_s=float(number)) for number in range(300))


def _timed(factor: float, count: int = COUNT, seed: int = 3) -> Evidence:
    rng = np.random.default_rng(seed)
    stable, noise = rng.lognormal(3, 0.9, count), rng.lognormal(0, 0.3, count)
    times = zip(stable, stable * noise * factor, strict=True)
    return Evidence(
        pairs=tuple(
            pair(at_s=float(at_s), stable_ms=float(one), candidate_ms=float(other))
            for at_s, (one, other) in enumerate(times)
        )
    )


def test_twice_as_slow_is_bad_and_a_quarter_slower_is_not() -> None:
    assert found(_timed(2.0), "computing_time")[0] == "bad"
    assert found(_timed(1.25), "computing_time")[0] == "good"
    assert found(_timed(0.5), "computing_time")[0] == "good"
    check = check_of(verdict_of(_timed(2.0), SHADOW), "computing_time")
    assert 1.8 < check.figures["ratio"] < 2.2
    assert check.bad_since_s == check.figures["alarm"]["size"] - 1


def test_a_factor_of_tiny_times_is_noise() -> None:
    pairs = tuple(pair(stable_ms=1.0, candidate_ms=2.5) for _ in range(COUNT))
    assert found(Evidence(pairs=pairs), "computing_time")[0] == "good"


def test_constant_times_are_told_apart() -> None:
    pairs = tuple(pair(stable_ms=30.0, candidate_ms=90.0) for _ in range(COUNT))
    assert found(Evidence(pairs=pairs), "computing_time")[0] == "bad"


def test_too_few_times_are_no_data() -> None:
    assert found(_timed(1.0, count=SHADOW.least_pairs - 1), "computing_time")[0] == "no_data"
    assert found(Evidence(pairs=GOOD), "computing_time")[0] == "no_data"


def _computed(
    factor: float = 1.0, *, share: float = 1.0, typical_ms: float = 5.0, usual: float = 1.0, seed: int = 3
) -> Evidence:
    """Processor times: `share` of the texts take `factor` times as long, all of them `usual` times; whole
    answers' times say nothing."""
    rng = np.random.default_rng(seed)
    stable = rng.lognormal(np.log(typical_ms), 0.9, COUNT)
    slower = np.where(rng.random(COUNT) < share, factor, 1.0) * usual * rng.lognormal(0, 0.15, COUNT)
    return Evidence(
        pairs=tuple(
            pair(
                at_s=float(place),
                stable_ms=80.0,
                candidate_ms=80.0,
                stable_cpu_ms=float(one),
                candidate_cpu_ms=float(other),
            )
            for place, (one, other) in enumerate(zip(stable, stable * slower, strict=True))
        )
    )


@pytest.mark.parametrize("typical_ms", [1.5, 3.0, 25.0])
def test_doubled_computing_is_bad_however_short_it_is(typical_ms: float) -> None:
    """Within 80 ms of fetching, nobody sees 3 more."""
    evidence = _computed(2.0, typical_ms=typical_ms)
    assert found(evidence, "processor_time")[0] == "bad"
    assert found(evidence, "computing_time")[0] == "good"


def test_doubled_computing_of_some_texts_is_bad() -> None:
    check = check_of(verdict_of(_computed(3.0, share=0.25), SHADOW), "processor_time")
    assert check.status == "bad"
    assert check.figures["ratio"] < 1.5
    assert check.figures["far_slower"] > 10 * check.figures["far_faster"]
    assert check.bad_since_s == check.figures["alarm"]["size"] - 1


@pytest.mark.parametrize("usual", [0.5, 1.0, 1.2])
def test_a_process_that_remembers_less_is_tolerated(usual: float) -> None:
    assert found(_computed(usual=usual), "processor_time")[0] == "good"


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equal_processors_raise_no_alarm(seed: int) -> None:
    assert found(_computed(seed=seed), "processor_time")[0] == "good"


def test_a_tick_of_the_clock_is_noise() -> None:
    pairs = tuple(pair(stable_cpu_ms=0.0, candidate_cpu_ms=0.1) for _ in range(COUNT))
    assert found(Evidence(pairs=pairs), "processor_time")[0] == "good"


def test_an_arm_that_does_not_tell_is_not_good() -> None:
    assert found(Evidence(pairs=GOOD), "processor_time")[0] == "no_data"


def test_pairs_of_earlier_stages_count_towards_an_alarm_but_no_minimum() -> None:
    def told(pairs: tuple[Pair, ...], past: tuple[Pair, ...], name: str) -> str:
        before = [Earlier(past, Table(0, 0, 0, 0), ())]
        return check_of(verdict_of(Evidence(pairs=pairs), SHADOW, before=before), name).status

    for name, slow, fine in (
        ("computing_time", _timed(2.0).pairs, _timed(1.0).pairs),
        ("processor_time", _computed(2.0).pairs, _computed(1.0).pairs),
    ):
        assert told(slow[:10], slow[10:], name) == "bad"
        assert told(fine[:10], fine[10:], name) == "no_data"
