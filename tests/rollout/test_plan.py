"""The stages, in order, and what each asks for."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.rollout.options import RolloutOptions, StageOptions
from assay.rollout.plan import Plan, make_plan
from assay.rollout.samples import Evidence
from rollout.arms import options, verdict_of


def test_the_inactive_data_centre_goes_first_through_every_stage() -> None:
    names = [stage.name for stage in make_plan(options()).stages]
    steps = ["preflight", "synthetic", "shadow", "1 %", "5 %", "25 %", "50 %", "100 %"]
    assert names == [f"{centre} {step}" for centre in ("codfw", "eqiad") for step in steps]
    assert [stage.number for stage in make_plan(options()).stages] == list(range(16))
    centres = options().data_centres
    exchanged = {"codfw": centres["eqiad"], "eqiad": centres["codfw"]}
    assert make_plan(options(data_centres=exchanged)).stages[0].data_centre == "eqiad"


def test_the_false_alarms_of_all_stages_sum_to_what_was_agreed() -> None:
    stages = make_plan(options()).stages
    assert sum(stage.alpha for stage in stages) == pytest.approx(options().guards.false_alarm_share)
    assert {stage.kind for stage in stages if not stage.alpha} == {"preflight", "synthetic"}


def test_an_emergency_still_does_preflight_and_synthetic_requests() -> None:
    stages = make_plan(options(), now=True).stages
    assert [stage.kind for stage in stages] == ["preflight", "synthetic", "weight"] * 2
    assert all(stage.required for stage in stages if stage.kind != "weight")
    watched = [stage for stage in stages if stage.kind == "weight"]  # for a while, though nothing is required
    assert all((s.weight, s.least_s, s.required) == (100, options().stages.least_s, ()) for s in watched)


def test_every_required_check_is_made() -> None:
    plan = make_plan(options())
    made = {check.name for check in verdict_of(Evidence(), plan.stages[2]).checks}
    for stage in plan.stages:
        assert stage.kind == "preflight" or set(stage.required) <= made
    assert {name for stage in plan.stages for name in stage.required} == made | {"preflight"}


def test_a_stable_release_that_does_not_tell_its_processor_time_can_be_left() -> None:
    stages = make_plan(options(stages=StageOptions(needs_processor_time=False))).stages
    assert not any("processor_time" in stage.required for stage in stages)
    assert any("computing_time" in stage.required for stage in stages)


def test_small_weights_wait_for_fewer_users() -> None:
    plan = make_plan(options(stages=StageOptions(weights=(1, 5, 10, 100), weight_observed=90)))
    assert [stage.least_observed for stage in plan.stages[3:7]] == [9, 45, 90, 90]
    few = make_plan(options(stages=StageOptions(weights=(1, 100), weight_observed=20)))
    assert [stage.least_observed for stage in few.stages[3:5]] == [5, 20]


def test_samples_and_times_are_the_settings() -> None:
    stages = StageOptions(
        shadow_pairs=7, weight_pairs=8, weight_observed=4, least_s=3, limit_s=4, deploy_limit_s=5
    )
    for stage in make_plan(options(stages=stages)).stages:
        expected = {
            "preflight": (0, 0, 0.0, 5),
            "synthetic": (1, 0, 0.0, 4),
            "shadow": (7, 0, 3, 4),
            "weight": (8, 4, 3, 4),
        }[stage.kind]
        assert (stage.least_pairs, stage.least_observed, stage.least_s, stage.limit_s) == expected


@pytest.mark.parametrize("weights", [(), (1, 5), (5, 1, 100), (0, 100), (100, 100), (50, 101)])
def test_weights_must_rise_to_all(weights: tuple[int, ...]) -> None:
    with pytest.raises(ConfigurationError, match="weights must rise"):
        make_plan(options(stages=replace(StageOptions(), weights=weights)))


def test_no_data_centre_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="data_centres is empty"):
        make_plan(RolloutOptions())


def test_a_plan_survives_the_journal() -> None:
    plan = make_plan(options())
    assert Plan.from_data(orjson.loads(orjson.dumps(plan.as_data()))) == plan
