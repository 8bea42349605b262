"""Users' own requests, as a balancer logged them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.rollout.judging.statistics import Table, rise_p
from assay.rollout.judging.verdict import ALPHA_SHARES, Earlier, judge
from assay.rollout.samples import CLIENT_GAVE_UP, Arm, Evidence, Observed
from rollout.arms import CANDIDATE, STABLE, Defect, judged_stages, options, run, verdict_of
from rollout.seen import WEIGHT, check_of, found, user

ALL = replace(WEIGHT, weight=100)


def _crowd(
    count: int = 400, *, failed: float = 0.0, slow: float = 1.0, cached_slow: float = 1.0, share: float = 0.5
) -> Evidence:
    """Users of both arms by turns of chance; the candidate's fail or are slow."""
    rng = np.random.default_rng(11)
    return Evidence(
        observed=tuple(
            user(
                candidate=bool(is_candidate),
                at_s=float(at_s),
                status=503 if is_candidate and rng.random() < failed else 200,
                ms=float(rng.lognormal(1 if cached else 3.5, 0.6))
                * ((cached_slow if cached else slow) if is_candidate else 1.0),
                is_cached=bool(cached),
            )
            for at_s, (is_candidate, cached) in enumerate(
                zip(rng.random(count) < share, rng.random(count) < 0.5, strict=True)
            )
        )
    )


def test_equal_users_are_good() -> None:
    for name in ("release_names", "user_errors", "user_latency"):
        assert found(_crowd(), name, WEIGHT)[0] == "good", name


def test_each_answer_must_name_its_slots_release() -> None:
    seen = _crowd().observed
    wrong = user(candidate=True, at_s=1000.0, release=STABLE.release)
    check = check_of(verdict_of(Evidence(observed=(*seen, wrong)), WEIGHT), "release_names")
    assert check.status == "bad"
    assert STABLE.release in check.sentence
    assert check.bad_since_s == 1000.0


@pytest.mark.parametrize("candidate", [True, False])
def test_an_answer_without_a_name_is_bad_in_either_arm(candidate: bool) -> None:
    seen = (*_crowd().observed, user(candidate=candidate, release=""))
    assert found(Evidence(observed=seen), "release_names", WEIGHT)[0] == "bad"


def test_a_stable_release_of_before_the_header_need_not_name_itself() -> None:
    seen = tuple(
        Observed(1.0, "codfw", slot.slot, slot.release, 200, 5.0, None, "GET", "/")
        for slot in (Arm("blue"), CANDIDATE)
        for _ in range(120)
    )
    verdict = judge(Evidence(seen), WEIGHT, options().guards, stable=Arm("blue"), candidate=CANDIDATE)
    assert check_of(verdict, "release_names").status == "good"


def test_the_balancers_own_failures_name_nobody() -> None:
    seen = (*_crowd().observed, user(candidate=True, status=502, release=""))
    assert found(Evidence(observed=seen), "release_names", WEIGHT)[0] == "good"
    unserved = (*_crowd().observed, user(candidate=True, status=503, release="", slot=""))
    assert found(Evidence(observed=unserved), "release_names", WEIGHT)[0] == "good"


def test_a_candidate_that_only_fails_is_caught_after_four_requests() -> None:
    check = check_of(verdict_of(_crowd(failed=1.0, share=0.05), WEIGHT), "user_errors")
    assert check.status == "bad"
    assert check.figures["alarm"]["size"] <= 6


def test_failing_less_than_a_practical_rise_is_not_asked_about() -> None:
    """Ten times oftener, and beyond all chance, but only one request in seven hundred."""

    def crowd(every: int) -> Evidence:
        return Evidence(
            observed=tuple(
                user(
                    candidate=number % 2 == 0, status=500 if number % every == 0 else 200, at_s=float(number)
                )
                for number in range(40_000)
            )
        )

    assert found(crowd(1400), "user_errors", WEIGHT)[0] == "good"
    assert found(crowd(400), "user_errors", WEIGHT)[0] == "bad"


def test_failures_of_earlier_stages_count() -> None:
    now = Evidence(
        observed=tuple(
            user(candidate=n % 2 == 0, status=503 if n in (100, 200) else 200, at_s=float(n))
            for n in range(300)
        )
    )
    before = [Earlier((), Table(10, 5000, 40, 100), ())]
    assert check_of(verdict_of(now, WEIGHT), "user_errors").status == "good"
    assert check_of(verdict_of(now, WEIGHT, before=before), "user_errors").status == "bad"


def test_what_was_good_before_is_not_asked_again_at_a_looser_level() -> None:
    """An alarm in a stage whose requests all went well would be one of the stage before, which had none."""
    now = Evidence(observed=tuple(user(candidate=n % 2 == 0, at_s=float(n)) for n in range(300)))
    tables = [Table(9, 10_000, 2, 100), Table(3, 3000, 2, 110)]
    assert 1e-4 < rise_p(tables) < WEIGHT.alpha * ALPHA_SHARES["user_errors"] / 2
    before = [Earlier((), table, ()) for table in tables]
    assert check_of(verdict_of(now, WEIGHT, before=before), "user_errors").status == "good"


def test_how_long_failures_take_is_not_latency() -> None:
    rng = np.random.default_rng(3)
    seen = tuple(
        user(
            candidate=bool(is_candidate),
            at_s=float(at_s),
            status=503 if fails else 200,
            ms=9000.0 if fails else float(rng.lognormal(3, 0.5)),
        )
        for at_s, is_candidate in enumerate(rng.random(1000) < 0.5)
        for fails in [bool(is_candidate and rng.random() < 0.5)]
    )
    assert found(Evidence(observed=seen), "user_latency", WEIGHT)[0] == "good"


def test_classes_that_hold_less_than_half_of_the_least_are_no_data() -> None:
    seen = [user(candidate=n % 2 == 0, at_s=float(n), is_cached=True, ms=1.0 + n % 7) for n in range(80)]
    assert found(Evidence(observed=tuple(seen)), "user_latency", WEIGHT)[0] == "no_data"
    assert found(Evidence(observed=tuple(seen * 2)), "user_latency", WEIGHT)[0] == "good"


def test_clients_faults_are_answers() -> None:
    seen = tuple(
        user(candidate=number % 2 == 0, status=429 if number % 2 == 0 else 200) for number in range(300)
    )
    assert found(Evidence(observed=seen), "user_errors", WEIGHT)[0] == "good"


def test_alone_it_must_fail_by_much() -> None:
    def alone(failed: int) -> Evidence:
        return Evidence(
            observed=tuple(
                user(candidate=True, status=500 if number < failed else 200, at_s=float(number))
                for number in np.random.default_rng(2).permutation(400)
            )
        )

    assert found(alone(8), "user_errors", ALL)[0] == "good"
    assert found(alone(80), "user_errors", ALL)[0] == "bad"


def test_either_cache_class_may_be_slow() -> None:
    assert found(_crowd(slow=3.0), "user_latency", WEIGHT)[0] == "bad"
    assert "computed" in found(_crowd(slow=3.0), "user_latency", WEIGHT)[1]
    assert "cached" in found(_crowd(2000, cached_slow=6.0), "user_latency", WEIGHT)[1]
    assert found(_crowd(slow=0.3, cached_slow=0.3), "user_latency", WEIGHT)[0] == "good"


def test_a_cold_cache_is_not_slowness() -> None:
    rng = np.random.default_rng(8)
    seen = tuple(
        user(
            candidate=bool(is_candidate),
            at_s=float(at_s),
            is_cached=cached,
            ms=float(rng.lognormal(0.5 if cached else 4, 0.5)),
        )
        for at_s, is_candidate in enumerate(rng.random(2000) < 0.5)
        for cached in [bool(rng.random() < (0.1 if is_candidate else 0.8))]
    )
    assert found(Evidence(observed=seen), "user_latency", WEIGHT)[0] == "good"


def test_too_few_are_no_data() -> None:
    for name in ("release_names", "user_errors", "user_latency"):
        assert found(_crowd(60), name, WEIGHT)[0] == "no_data", name


def test_latency_is_never_good_without_a_stable_arm() -> None:
    alone = Evidence(observed=tuple(user(candidate=True) for _ in range(500)))
    assert found(alone, "user_latency", ALL)[0] == "no_data"


def test_an_answer_that_nobody_waited_for_names_no_release_and_blames_none() -> None:
    left = user(candidate=True, release="", status=CLIENT_GAVE_UP)
    assert found(Evidence(observed=(*_crowd().observed, left)), "release_names", WEIGHT)[0] == "good"


def _few(answered: int, failed: int = 0) -> Evidence:
    """The candidate's requests at a small weight, and a thousand of the stable arm."""
    stable = [user(candidate=False, at_s=float(n)) for n in range(1000)]
    ours = [user(candidate=True, at_s=1000.0 + n, status=500 if n < failed else 200) for n in range(answered)]
    return Evidence(observed=(*stable, *ours))


@pytest.mark.parametrize(
    ("weight", "answered"), [(1, 14), (5, 74), (25, 149), (50, 299)], ids=lambda value: str(value)
)
def test_more_users_wait_until_they_can_hurt_but_few(weight: int, answered: int) -> None:
    stage = next(stage for stage in judged_stages() if stage.weight == weight)
    assert found(_few(answered), "user_errors", stage)[0] == "good"
    status, sentence = found(_few(answered - 1), "user_errors", stage)
    assert status == "no_data"
    assert f"{stage.next_weight} % of users may yet hurt 1.0 % of all" in sentence


def test_one_failure_is_made_up_for_by_more_answers() -> None:
    stage = next(stage for stage in judged_stages() if stage.weight == 1)
    assert found(_few(15, failed=1), "user_errors", stage)[0] == "no_data"
    assert found(_few(100, failed=1), "user_errors", stage)[0] == "good"


def test_answers_of_smaller_weights_count() -> None:
    stage = next(stage for stage in judged_stages() if stage.weight == 5)
    before = [Earlier((), Table(0, 10_000, 0, 60), ())]
    assert check_of(verdict_of(_few(50), stage), "user_errors").status == "no_data"
    assert check_of(verdict_of(_few(50), stage, before=before), "user_errors").status == "good"


def test_what_fails_thirty_of_a_hundred_users_gets_no_more_of_them() -> None:
    """Five answers, which were enough once, all go well in one case of six."""
    rng = np.random.default_rng(7)
    first = next(stage for stage in judged_stages() if stage.weight == 1)
    ends = [run(rng, Defect(user_share=0.3), stages=(first,)) for _ in range(30)]
    assert sum(end.stage is None for end in ends) <= 1
