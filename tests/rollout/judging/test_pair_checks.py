"""Requests asked of both arms."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assay.rollout.judging.statistics import Table
from assay.rollout.judging.verdict import Earlier
from assay.rollout.samples import Evidence, Pair, SeenCell
from rollout.arms import verdict_of
from rollout.seen import SHADOW, WHOLE_SHADOW, Declared, cell, check_of, found, pair

GOOD = tuple(pair(cell(0.3, 0.3, rev_id=number), at_s=float(number)) for number in range(300))
CRASHED, BUSY = SeenCell(error="engine_crashed"), SeenCell(error="overloaded")


def test_equal_answers_are_good() -> None:
    for name in ("shape", "statuses", "lost_scores", "values", "passing_errors", "scores"):
        assert found(Evidence(pairs=GOOD), name)[0] == "good", name


def test_nothing_is_never_good() -> None:
    for check in verdict_of(Evidence(), SHADOW).checks:
        assert check.status == "no_data", check


def test_another_data_centres_pairs_are_not_ours() -> None:
    assert found(Evidence(pairs=(pair(centre="eqiad", shape_faults=("x",)),)), "shape")[0] == "no_data"


def test_one_shape_fault_among_many_is_bad_at_once_and_quoted() -> None:
    fault = pair(at_s=7.5, shape_faults=("scores.testwiki.models: null for an object",))
    check = check_of(verdict_of(Evidence(pairs=(*GOOD, fault)), SHADOW), "shape")
    assert check.status == "bad"
    assert "null for an object" in check.sentence
    assert check.bad_since_s == 7.5


def test_a_declaration_excuses_values_never_shapes() -> None:
    seen = Evidence(pairs=(pair(cell(0.3, 0.3), value_faults=("feature x",), shape_faults=("a key more",)),))
    assert found(seen, "values")[0] == "bad"
    assert found(seen, "values", declared=[Declared("testwiki", "damaging")])[0] == "good"
    assert found(seen, "values", declared=[Declared("testwiki", "reverted")])[0] == "bad"
    assert found(seen, "shape", declared=[Declared()])[0] == "bad"


def test_thresholds_are_excused_by_their_wiki() -> None:
    info = pair(target="/v3/scores/testwiki/?model_info", value_faults=("threshold",))
    assert found(Evidence(pairs=(info,)), "values", declared=[Declared("testwiki", "damaging")])[0] == "good"
    assert found(Evidence(pairs=(info,)), "values", declared=[Declared("otherwiki", "*")])[0] == "bad"


@pytest.mark.parametrize("candidate", [500, 404, 204, 301])
def test_another_lasting_status_is_bad(candidate: int) -> None:
    assert found(Evidence(pairs=(*GOOD, pair(status=(200, candidate)))), "statuses")[0] == "bad"


@pytest.mark.parametrize("stable", [500, 503, 0])
def test_a_candidate_that_answers_where_the_stable_arm_fails_is_fine(stable: int) -> None:
    pairs = (*GOOD, pair(status=(stable, 200)), pair(cell(CRASHED, 0.4)), pair(cell(None, 0.4)))
    for name in ("statuses", "lost_scores", "passing_errors", "scores"):
        assert found(Evidence(pairs=pairs), name)[0] == "good", name


def test_equal_refusals_are_good() -> None:
    pairs = tuple(pair(status=(404, 404)) for _ in range(3))
    assert found(Evidence(pairs=pairs), "statuses")[0] == "good"
    hidden = SeenCell(error="text_deleted")
    assert found(Evidence(pairs=(*GOOD, pair(cell(hidden, hidden)))), "lost_scores")[0] == "good"


@pytest.mark.parametrize("candidate", [CRASHED, None])
def test_a_lost_score_is_bad(candidate: SeenCell | None) -> None:
    lost = pair(cell(0.3, candidate, rev_id=77), at_s=301.0)
    check = check_of(verdict_of(Evidence(pairs=(*GOOD, lost)), SHADOW), "lost_scores")
    assert check.status == "bad"
    assert "testwiki damaging 77" in check.sentence
    assert check.bad_since_s == 301.0


def test_one_lost_score_in_thousands_is_a_revision_hidden_meanwhile() -> None:
    lost = pair(cell(0.3, SeenCell(error="text_deleted")))
    assert found(Evidence(pairs=(*GOOD * 4, lost)), "lost_scores")[0] == "good"
    assert found(Evidence(pairs=(*GOOD * 4, lost, lost)), "lost_scores")[0] == "bad"


def test_what_was_lost_once_stays_bad() -> None:
    lost = pair(cell(0.3, CRASHED))
    assert found(Evidence(pairs=(lost, *GOOD * 10)), "lost_scores")[0] == "bad"


@pytest.mark.parametrize("fails", [pair(status=(200, 503)), pair(status=(200, 0)), pair(cell(0.3, BUSY))])
def test_passing_failures_are_asked_of_chance(fails: object) -> None:
    few, many = (*GOOD, *[fails] * 4), (*GOOD, *[fails] * 60)
    assert found(Evidence(pairs=few), "passing_errors")[0] == "no_data"  # type: ignore[arg-type]
    assert found(Evidence(pairs=many), "passing_errors")[0] == "bad"  # type: ignore[arg-type]
    assert found(Evidence(pairs=few), "statuses")[0] == "good"  # type: ignore[arg-type]
    assert found(Evidence(pairs=few), "lost_scores")[0] == "good"  # type: ignore[arg-type]


def test_failures_of_both_arms_are_nobodys() -> None:
    both = [pair(status=(200, 503)), pair(status=(503, 200)), pair(status=(503, 503))] * 60
    assert found(Evidence(pairs=(*GOOD, *both)), "passing_errors")[0] == "no_data"
    assert found(Evidence(pairs=(*GOOD * 4, *both[2::3])), "passing_errors")[0] == "good"


def test_as_many_passing_failures_as_are_tolerated_are_waited_for() -> None:
    """One of a hundred more may be two; after three thousand without a surplus it is none."""
    fails = [pair(status=(200, 503))] * 6
    check = check_of(verdict_of(Evidence(pairs=(*GOOD * 2, *fails)), SHADOW), "passing_errors")
    assert check.status == "no_data"
    assert check.figures["surplus_bound"] > 0.01
    assert found(Evidence(pairs=(*GOOD * 10, *fails)), "passing_errors")[0] == "good"


def test_what_failed_twice_for_its_text_is_lost_and_what_was_busy_twice_is_not() -> None:
    slow, busy = SeenCell(error="time_limit_exceeded"), SeenCell(error="overloaded")
    for error, is_repeated, status in (
        (slow, True, "bad"),
        (slow, False, "good"),
        (busy, True, "good"),
    ):
        failed = pair(replace(cell(0.3, error), is_repeated=is_repeated))
        assert found(Evidence(pairs=(*GOOD, failed)), "lost_scores")[0] == status


def test_good_takes_enough_different_texts() -> None:
    def status(*pairs: Pair) -> str:
        check = check_of(verdict_of(Evidence(pairs=pairs), WHOLE_SHADOW), "lost_scores")
        assert check.figures["least_texts"] == WHOLE_SHADOW.least_texts == 600
        return check.status

    def of(wiki: str, first: int, count: int, made: int = 0) -> Pair:
        cells = [cell(0.3, 0.3, wiki=wiki, rev_id=first + number) for number in range(count)]
        return pair(*cells, made_texts=made)

    assert status(of("enwiki", 1, 600)) == "good"
    assert status(of("enwiki", 1, 599), of("enwiki", 1, 300)) == "no_data"
    assert status(of("enwiki", 1, 300), of("dewiki", 1, 300)) == "good"
    assert status(of("testwiki", 1, 600)) == "no_data", "its texts are all alike"
    assert status(*(of("enwiki", 1, 50, made=50) for _ in range(12))) == "good", "each is another one"
    hidden = pair(*(cell(CRASHED, CRASHED, rev_id=number) for number in range(600)))
    assert status(of("enwiki", 1, 1), hidden) == "no_data", "what nobody scores is no text"


def test_too_few_pairs_say_nothing_of_passing_failures() -> None:
    assert found(Evidence(pairs=GOOD[:299]), "passing_errors")[0] == "no_data"
    assert found(Evidence(pairs=GOOD[:300]), "passing_errors")[0] == "good"


def test_pairs_of_earlier_stages_count_towards_an_alarm_but_no_minimum() -> None:
    def told(pairs: tuple[Pair, ...], past: tuple[Pair, ...], name: str) -> str:
        before = [Earlier(past, Table(0, 0, 0, 0), ())]
        return check_of(verdict_of(Evidence(pairs=pairs), SHADOW, before=before), name).status

    failing = tuple([pair(status=(200, 503))] * 40)
    assert told(failing[:10], failing[10:], "passing_errors") == "bad"
    assert told(GOOD[:10], GOOD[10:], "passing_errors") == "no_data"
