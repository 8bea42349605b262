"""Which edit is asked for again, to learn whether Assay fails on one or on everything."""

from __future__ import annotations

from assay.events import Wanted
from assay.precache.judge import Cells
from assay.precache.witnesses import Witness, Witnesses

CLUB = Wanted("clubwiki", ("damaging",))
OTHER = Wanted("otherwiki", ("reverted",))
SCORE: Cells = {"damaging": {"score": {}}}
ERROR: Cells = {"damaging": {"error": {}}}
PASSING: Cells = {"damaging": {"error": {"retryable": True}}}


def test_nobody_is_known_at_the_very_beginning() -> None:
    assert Witnesses().of("clubwiki", 1) is None


def test_one_that_was_scored_last_and_on_the_same_wiki() -> None:
    witnesses = Witnesses()
    witnesses.told(CLUB, 1)
    witnesses.scored(CLUB, {2: ERROR, 3: SCORE})
    witnesses.scored(CLUB, {4: ERROR})
    witnesses.scored(OTHER, {5: SCORE})
    assert witnesses.of("clubwiki", 9) == Witness(CLUB, 3)
    assert witnesses.of("otherwiki", 9) == Witness(OTHER, 5)


def test_never_the_edit_itself_and_one_of_another_wiki_rather_than_none() -> None:
    witnesses = Witnesses()
    witnesses.told(CLUB, 1)
    assert witnesses.of("clubwiki", 1) is None
    witnesses.scored(OTHER, {1: SCORE})
    assert witnesses.of("clubwiki", 1) == Witness(OTHER, 1)
    assert witnesses.of("thirdwiki", 1) == Witness(CLUB, 1)


def test_one_that_fails_is_asked_last_and_one_that_is_refused_never_again() -> None:
    witnesses = Witnesses()
    for rev_id in (1, 2, 3):
        witnesses.told(CLUB, rev_id)
    witnesses.failed(Witness(CLUB, 3))
    assert witnesses.of("clubwiki", 9) == Witness(CLUB, 2)
    witnesses.refused(Witness(CLUB, 2))
    witnesses.refused(Witness(CLUB, 1))
    assert witnesses.of("clubwiki", 9) == Witness(CLUB, 3)
    witnesses.refused(Witness(CLUB, 3))
    assert witnesses.of("clubwiki", 9) is None


def test_an_answer_without_a_score_is_no_witness() -> None:
    witnesses = Witnesses()
    for rev_id in (1, 2, 3):
        witnesses.told(CLUB, rev_id)
    assert witnesses.answered(Witness(CLUB, 3), SCORE)
    assert witnesses.of("clubwiki", 9) == Witness(CLUB, 3)
    assert not witnesses.answered(Witness(CLUB, 3), PASSING)
    assert not witnesses.answered(Witness(CLUB, 2), ERROR)
    assert not witnesses.answered(Witness(CLUB, 1), {})
    assert witnesses.of("clubwiki", 9) == Witness(CLUB, 3), "put last"
    witnesses.refused(Witness(CLUB, 3))
    assert witnesses.of("clubwiki", 9) == Witness(CLUB, 1), "what an answer leaves out may be in the next"
    witnesses.refused(Witness(CLUB, 1))
    assert witnesses.of("clubwiki", 9) is None, "a lasting error is asked for never again"


def test_each_is_asked_once_and_other_wikis_only_where_the_own_has_none() -> None:
    witnesses = Witnesses()
    for rev_id in (1, 2):
        witnesses.told(CLUB, rev_id)
    for rev_id in (3, 4):
        witnesses.told(OTHER, rev_id)
    assert all_of(witnesses, "clubwiki") == [2, 1]
    assert all_of(witnesses, "thirdwiki") == [2, 4, 1, 3]
    witnesses.failed(Witness(CLUB, 2))
    assert all_of(witnesses, "thirdwiki") == [4, 1, 3, 2], "another wiki first than the one that failed"


def all_of(witnesses: Witnesses, wiki: str) -> list[int]:
    asked: list[Witness] = []
    while one := witnesses.of(wiki, 9, asked):
        asked.append(one)
    return [one.rev_id for one in asked]


def test_a_few_are_kept() -> None:
    witnesses = Witnesses()
    for rev_id in range(1, 100):
        witnesses.told(CLUB, rev_id)
    for rev_id in range(99, 91, -1):
        assert witnesses.of("clubwiki", 0) == Witness(CLUB, rev_id)
        witnesses.refused(Witness(CLUB, rev_id))
    assert witnesses.of("clubwiki", 0) is None


def test_one_that_was_pushed_out_meanwhile_can_fail_and_be_refused() -> None:
    witnesses = Witnesses()
    witnesses.failed(Witness(CLUB, 1))
    witnesses.refused(Witness(CLUB, 1))
    assert witnesses.of("clubwiki", 9) is None
