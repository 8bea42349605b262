"""A text that is not saved becomes a revision: known as far as told, and computed like any other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import Deadline, FakeClock
from assay.errors import BadParameter, DeadlineExceeded, SourceUnavailable
from assay.models.bundle import load_bundle
from assay.models.library import shipped_folder
from assay.revisions.problem import (
    Problem,
    page_creation,
    text_deleted,
    text_too_large,
    unexpected_content_model,
)
from assay.revisions.types import UNKNOWN, UNSAVED, Actor, Page, Revision
from assay.scoring.codec import decode_job, encode_job
from assay.scoring.problems import (
    computation_abandoned,
    deadline_passed,
    engine_away,
    engine_crashed,
    overloaded,
    unencodable,
)
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.unsaved import ParentText, Unsaved, unsaved_revision
from assay.telemetry import Metrics
from small_app import AWAY, GONE, HIDDEN_TEXT, small_service

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SAVED = synthetic_revision(12)

texts = st.text(max_size=30)
told = st.builds(
    Unsaved,
    texts,
    st.none() | st.builds(ParentText, texts, st.just(UNKNOWN) | st.just(NOW), st.just(UNKNOWN) | texts),
    st.text(min_size=1, max_size=5),
    st.just(UNKNOWN) | st.integers(1, 9),
    st.just(UNKNOWN) | st.integers(0, 9),
    st.just(UNKNOWN) | st.builds(Actor, st.just(UNKNOWN) | texts, st.booleans()),
    st.just(UNKNOWN) | texts,
    st.just(UNKNOWN) | st.booleans(),
    st.none() | st.just(NOW),
)


def test_all_that_is_not_told_is_unknown() -> None:
    assert unsaved_revision(Unsaved("Hallo é", title="x"), None, NOW) == Revision(
        id=UNSAVED,
        page=Page("x"),
        actor=UNKNOWN,
        timestamp=NOW,
        comment=UNKNOWN,
        text="Hallo é",
        parent=None,
        parent_id=None,
        size_bytes=8,
    )


def test_a_fetched_parent_tells_its_page_and_nothing_of_its_own_parent() -> None:
    revision = unsaved_revision(Unsaved("x", parent=12), SAVED, NOW)
    assert (revision.page, revision.parent_id) == (SAVED.page, 12)
    assert revision.parent == replace(SAVED, parent=UNKNOWN)
    renamed = unsaved_revision(Unsaved("x", parent=12, title="Talk:Made up", namespace=1), SAVED, NOW)
    assert renamed.page == replace(SAVED.page, title="Talk:Made up", namespace=1)


def test_a_page_that_is_no_wikitext_stays_so() -> None:
    revision = unsaved_revision(Unsaved("x", parent=12), replace(SAVED, content_model="json"), NOW)
    assert revision.content_model == "json"


def test_a_given_parent_is_known_as_far_as_told() -> None:
    parent = unsaved_revision(Unsaved("x", ParentText("wxyz"), title="x"), None, NOW).parent
    assert isinstance(parent, Revision)
    assert (parent.id, parent.text, parent.size_bytes) == (UNSAVED, "wxyz", 4)
    assert (parent.actor, parent.timestamp, parent.comment) == (UNKNOWN, UNKNOWN, UNKNOWN)
    assert unsaved_revision(Unsaved("x", ParentText("", rev_id=3), title="x"), None, NOW).parent_id == 3


def test_a_text_of_no_page_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="title"):
        unsaved_revision(Unsaved("x"), None, NOW)


@given(told)
def test_it_reaches_other_processes_as_it_is(told: Unsaved) -> None:
    job = Job("smallwiki", ("damaging",), unsaved_revision(told, None, NOW))
    assert decode_job(encode_job(job)) == job


@pytest.mark.parametrize(
    "problem",
    [
        unexpected_content_model(UNSAVED, "css"),
        page_creation(UNSAVED),
        text_too_large(UNSAVED, 9, 8),
        deadline_passed(UNSAVED),
        engine_crashed(UNSAVED),
        overloaded(UNSAVED),
        engine_away(UNSAVED),
        computation_abandoned(UNSAVED),
        unencodable(UNSAVED, "a value"),
    ],
    ids=lambda problem: problem.code,
)
def test_a_problem_of_it_does_not_speak_of_a_revision(problem: Problem) -> None:
    assert "the unsaved text" in problem.message.lower()
    assert "evision 0" not in problem.message
    assert problem.message[0].isupper()


# -- real models -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    folder = Path(shipped_folder())
    loaded = [load_bundle(folder / "enwiki" / name) for name in ("damaging", "articlequality")]
    return {model.name: model for model in [*loaded, load_bundle(folder / "anywiki" / "reverted")]}


def features(revision: Revision, models: dict[str, Any]) -> dict[str, Any]:
    job = Job("enwiki", tuple(models), revision, features=True)
    cells = compute(decode_job(encode_job(job)), models, PlanCache()).cells
    values: dict[str, Any] = {}
    for cell in cells.values():
        assert isinstance(cell, Scored), cell
        values |= cell.features or {}
    return values


def test_a_text_of_which_all_is_told_is_scored_as_when_it_is_saved(models: dict[str, Any]) -> None:
    parent = SAVED.parent
    assert isinstance(parent, Revision)
    assert isinstance(SAVED.text, str)
    assert isinstance(SAVED.timestamp, datetime)
    told = Unsaved(
        SAVED.text,
        parent=parent.id,
        actor=SAVED.actor,  # type: ignore[arg-type]
        comment=SAVED.comment,  # type: ignore[arg-type]
        is_minor=SAVED.is_minor,
        timestamp=SAVED.timestamp,
    )
    assert features(unsaved_revision(told, parent, NOW), models) == features(SAVED, models)


def test_a_bare_text_is_scored_without_what_nobody_tells(models: dict[str, Any]) -> None:
    assert isinstance(SAVED.parent, Revision)
    assert isinstance(SAVED.text, str)
    known = features(SAVED, models)
    bare = Unsaved(
        SAVED.text, ParentText(str(SAVED.parent.text)), SAVED.page.title, namespace=0, timestamp=NOW
    )
    values = features(unsaved_revision(bare, None, NOW), models)
    missing = {name for name, value in values.items() if value is None and known[name] is not None}
    assert missing
    assert not {name for name in missing if not is_of_others(name)}
    same = {name for name in values if not is_of_others(name)}
    assert len(same) > 100
    assert {name: values[name] for name in same} == {name: known[name] for name in same}


OF_OTHERS = (
    "user",
    "temporal",
    ".comment.",
    "feature.assay.parent.",
    "feature.assay.name.",
    "feature.assay.title.own_page",
    "past.",
    "rhythm.",
)


def is_of_others(feature: str) -> bool:
    """Whether a feature is of the author, a comment, the parent's time, or a past."""
    return any(words in feature for words in OF_OTHERS)


# -- the service -------------------------------------------------------------------------------------


async def test_the_service_fetches_the_parent() -> None:
    service, deadline = small_service(Metrics("test")), Deadline.after(5, FakeClock())
    wiki = service.wikis["smallwiki"]
    revision = await service.unsaved(wiki, Unsaved("x", 12), deadline)
    assert isinstance(revision.parent, Revision)
    assert (revision.parent.id, revision.timestamp) == (12, deadline.clock.now())
    hidden = await service.unsaved(wiki, Unsaved("x", HIDDEN_TEXT), deadline)
    assert isinstance(hidden.parent, Revision)
    assert hidden.parent.text == text_deleted(HIDDEN_TEXT)
    with pytest.raises(BadParameter, match="Could not find revision 404"):
        await service.unsaved(wiki, Unsaved("x", GONE), deadline)
    with pytest.raises(SourceUnavailable):
        await service.unsaved(wiki, Unsaved("x", AWAY), deadline)
    with pytest.raises(DeadlineExceeded):
        await service.unsaved(wiki, Unsaved("x", AWAY), Deadline.after(0, FakeClock()))
    await service.aclose()
