"""Who waits for what, and what may be told to other processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import Deadline, SystemClock
from assay.errors import ENGINE_STOPPED, DeadlineExceeded, EngineUnavailable, Overloaded
from assay.models.model import Score
from assay.revisions.problem import Problem, text_deleted
from assay.scoring.group import Futures, Group, Wanted, grouped, is_lasting, tell
from assay.scoring.key import ScoreKey
from assay.scoring.request import Cell, Scored, ScoreRequest

WIKI: Any = SimpleNamespace(name="smallwiki")
DEADLINE = Deadline.after(60, SystemClock())
MODELS = ("damaging", "goodfaith", "reverted")
SCORED = Scored(Score(True, {True: 0.75, False: 0.25}))
GONE = text_deleted(7)
OURS = [DeadlineExceeded.code, Overloaded.code, EngineUnavailable.code, ENGINE_STOPPED]


def wanted(model: str, rev_id: int = 7) -> Wanted:
    return Wanted(ScoreKey("smallwiki", model, "identity", rev_id), features=False, explain=False, bulk=False)


def futures(*cells: Wanted) -> Futures:
    """Nobody waits for them here."""
    return dict.fromkeys(cells, cast(Any, None))


def group(*models: str) -> Group:
    request = ScoreRequest("smallwiki", (7,), models)
    (made,) = grouped(WIKI, futures(*map(wanted, models)), request, DEADLINE)
    return made


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(MODELS)), min_size=1, unique=True))
def test_a_revision_is_one_group_with_all_of_its_cells(asked: list[tuple[int, str]]) -> None:
    cells = [wanted(model, rev_id) for rev_id, model in asked]
    injection = {1: {"feature.delay": 3}}
    request = ScoreRequest("smallwiki", tuple({rev_id for rev_id, _ in asked}), MODELS, injection)
    groups = grouped(WIKI, futures(*cells), request, DEADLINE)
    assert {made.rev_id for made in groups} == set(request.rev_ids)
    assert len({made.id for made in groups}) == len(groups) == len(request.rev_ids)
    for made in groups:
        assert list(made.futures) == [cell for cell in cells if cell.key.rev_id == made.rev_id]
        assert made.injection == injection.get(made.rev_id, {})


def test_a_group_is_the_same_in_every_process_and_another_for_other_wishes() -> None:
    cells = [wanted(model) for model in MODELS]
    one = ScoreRequest("smallwiki", (7,), MODELS)
    ids = [
        grouped(WIKI, futures(*order), request, DEADLINE)[0].id
        for order in (cells, cells[::-1])
        for request in (one, ScoreRequest("smallwiki", (7,), MODELS, bulk=True))
    ]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2


@given(st.dictionaries(st.sampled_from(MODELS), st.sampled_from([SCORED, GONE]), min_size=1))
def test_what_is_told_is_read(cells: dict[str, Cell]) -> None:
    told = tell({wanted(model): cell for model, cell in cells.items()})
    assert told is not None
    assert group(*cells).read(told) == {wanted(model): cell for model, cell in cells.items()}
    assert is_lasting(cells) == (GONE not in cells.values())  # type: ignore[arg-type]


@pytest.mark.parametrize("code", OURS)
def test_a_trouble_of_this_process_is_not_told_to_others(code: str) -> None:
    trouble = Problem(code, "Trouble", "Try again.", True)
    assert tell({wanted("damaging"): SCORED, wanted("goodfaith"): trouble}) is None


def test_what_is_no_answer_to_all_of_our_cells_is_none() -> None:
    told = tell({wanted("damaging"): SCORED})
    assert told is not None
    assert group("damaging", "goodfaith").read(told) is None
    assert group("damaging").read(b"rubbish") is None
