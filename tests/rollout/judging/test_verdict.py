"""Whole rollouts of simulated arms: equal ones go through, each seeded defect is caught."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.rollout.judging.statistics import clopper_pearson
from assay.rollout.judging.verdict import Earlier, earlier
from assay.rollout.options import StageOptions
from assay.rollout.plan import make_plan
from assay.rollout.samples import Evidence
from rollout.arms import CANDIDATE, MIB, STABLE, Defect, evidence, judged_stages, options, run, verdict_of
from rollout.crowd import Crowd
from rollout.seen import SHADOW, WEIGHT

ROLLOUTS = 400
"""Of steps from 25 % on: at 1 %, nearly all the time goes into the stable arm's requests.
bench/rollout_verdicts.py does the default steps."""

CAUGHT_BEFORE_USERS = {
    "computing doubled": (Defect(slow=2.0, cpu_ms=4.0, fetch_ms=60.0), "processor_time"),
    "crashes on 2 % of texts": (Defect(crash_share=0.02), "lost_scores"),
    "leaks": (Defect(leak_bytes=MIB // 2), "memory"),
    "one model changed": (Defect(changed_model="damaging", changed_share=0.1), "scores"),
    "a key more": (Defect(shape_fault="a key more: models"), "shape"),
    "null for an object": (Defect(shape_fault="null for an object", shape_share=0.05), "shape"),
    "cached answers differ": (Defect(cache_differs_share=0.1), "scores"),
    "500": (Defect(error_share=0.03), "statuses"),
}


def test_equal_arms_are_rolled_back_in_less_than_one_of_a_hundred() -> None:
    plan = make_plan(options(stages=StageOptions(weights=(25, 30, 40, 50, 100))))
    rng, stages = np.random.default_rng(1), tuple(judged_stages(plan))
    crowd = Crowd(rng, stages)
    ends = [run(rng, make=crowd.evidence, stages=stages) for _ in range(ROLLOUTS)]
    alarms = [end for end in ends if end.stage]
    assert clopper_pearson(len(alarms), ROLLOUTS)[1] <= 0.01, alarms


def test_equal_arms_become_good_in_every_stage() -> None:
    """A verdict that never alarms because it never says anything would be worth nothing."""
    rng = np.random.default_rng(2)
    before: dict[str, list[Earlier]] = {}
    for stage in judged_stages():
        seen, past = evidence(rng, stage, larger=2.0), before.setdefault(stage.data_centre, [])
        verdict = verdict_of(seen, stage, before=past)
        assert verdict.missing(stage.required) == (), (stage.name, verdict.reason)
        past.append(earlier(seen, stage.data_centre, stable=STABLE, candidate=CANDIDATE))


@pytest.mark.parametrize("name", CAUGHT_BEFORE_USERS)
def test_a_defect_is_caught_before_any_user_meets_it(name: str) -> None:
    defect, check = CAUGHT_BEFORE_USERS[name]
    for seed in range(5):
        end = run(np.random.default_rng(seed), defect)
        assert (end.check, end.served) == (check, 0), (seed, end)


def test_a_wrong_release_is_caught_by_its_first_answer() -> None:
    end = run(np.random.default_rng(0), Defect(wrong_release_share=1.0))
    assert (end.check, end.served) == ("release_names", 1)


def test_failures_that_only_users_meet_are_caught_soon() -> None:
    for seed in range(5):
        end = run(np.random.default_rng(seed), Defect(passing_share=0.15))
        assert end.stage is not None
        assert end.served <= 100, end


def test_a_quarter_slower_is_tolerated() -> None:
    assert run(np.random.default_rng(4), Defect(slow=1.25)).stage is None


def test_memory_of_earlier_stages_helps() -> None:
    rng, leak = np.random.default_rng(6), Defect(leak_bytes=MIB)
    shadow = Evidence(memory=evidence(rng, SHADOW, leak).memory)
    now = Evidence(memory=evidence(rng, WEIGHT, leak).memory[:30])
    before = [earlier(shadow, SHADOW.data_centre, stable=STABLE, candidate=CANDIDATE)]
    assert [check.name for check in verdict_of(now, WEIGHT, before=before).bad] == ["memory"]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_what_was_bad_once_stays_bad(seed: int, share: float) -> None:
    """So that a controller that looked seldom, or was killed, comes to the same end. Memory may recover."""
    rng = np.random.default_rng(seed)
    seen = evidence(rng, WEIGHT, Defect(slow=1.7, passing_share=0.05, crash_share=0.01))
    part = Evidence(
        seen.observed[: int(len(seen.observed) * share)], seen.pairs[: int(len(seen.pairs) * share)]
    )
    bad = {check.name: check.bad_since_s for check in verdict_of(part, WEIGHT).bad}
    later = {check.name: check.bad_since_s for check in verdict_of(seen, WEIGHT).bad}
    assert bad.items() <= later.items()


def test_the_journal_holds_all_of_a_verdict() -> None:
    rng = np.random.default_rng(9)
    verdict = verdict_of(evidence(rng, WEIGHT, Defect(slow=3.0, crash_share=0.2)), WEIGHT)
    written = orjson.loads(orjson.dumps(verdict.as_data()))
    assert [check["name"] for check in written] == [check.name for check in verdict.checks]
    bad = [check for check in written if check["status"] == "bad"]
    assert "; ".join(f"{check['name']}: {check['sentence']}" for check in bad) == verdict.reason != ""
    assert min(check["bad_since_s"] for check in bad) == verdict.bad_since_s


def test_missing_names_what_is_not_good() -> None:
    verdict = verdict_of(Evidence(), SHADOW)
    assert verdict.missing(("shape", "preflight")) == ("shape", "preflight")
    assert not verdict.bad
    assert verdict.bad_since_s is None
