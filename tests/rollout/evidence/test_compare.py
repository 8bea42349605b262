"""A document equals itself, and every change of a key, a type or a level is found."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.evidence.cells import cells_of
from assay.rollout.evidence.compare import (
    Answer,
    Comparison,
    compare,
    lasting,
    release_fault,
)
from assay.rollout.evidence.meaning import Declared, route_of
from servers.asgi import serving
from small_app import GONE, SmallApp, ask

V3 = f"/v3/scores/smallwiki/?revids=5|{GONE}&features&explain&model_info="
EDIT = "/api/smallwiki/revisions/5"
V1_ROW, V1_CELL = "/v1/scores/smallwiki/?models=damaging&revids=5", "/scores/smallwiki/damaging/5/"
V2 = f"/v2/scores/smallwiki/damaging/?revids=5|{GONE}&features&model_info"
FEED = "/api/smallwiki/feed?limit=3"
TARGETS = [
    V3,
    EDIT,
    V1_ROW,
    V1_CELL,
    V2,
    FEED,
    "/v1/scores/smallwiki/",
    "/versions/?format=json",
    "/api/wikis",
    "/v3/scores/",
    "/v3/scores/smallwiki/5/",
    "/v3/scores/nowiki/1/",
]

WITHOUT_SCORES = ("/api/wikis", "/v3/scores/", "/v1/scores/smallwiki/", "/versions/?format=json")


@functools.cache
def documents() -> dict[str, tuple[int, bytes]]:
    """What a real application answers, by target."""
    with serving(SmallApp().build().asgi) as served:
        return {target: (reply.status, reply.body) for target in TARGETS for reply in [ask(served, target)]}


def document(target: str) -> Any:
    return orjson.loads(documents()[target][1])


def answer(body: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status, {"content-type": content_type}, orjson.dumps(body))


def compared(target: str, old: Any, new: Any, **more: Any) -> Comparison:
    return compare(target, answer(old), answer(new), **more)


@pytest.mark.parametrize(
    ("told", "ms"),
    [
        ("cpu;dur=3.250", 3.25),
        ("db;dur=1, cpu;dur=40", 40.0),
        ("", None),
        ("cpu", None),
        ("cpu;dur=-1", None),
        ("cpu;dur=nan", None),
        ("cpu;dur=1e9", None),
        ("xcpu;dur=1", None),
    ],
)
def test_an_answers_cost_is_read_and_never_trusted(told: str, ms: float | None) -> None:
    assert Answer(200, {"server-timing": told}).cpu_ms == ms


Place = tuple[Any, ...]


def places(node: Any, where: Place = ()) -> Iterator[Place]:
    """Every place in a document."""
    yield where
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from places(child, (*where, key))


def at(node: Any, where: Place) -> Any:
    return functools.reduce(lambda inner, key: inner[key], where, node)


def changed(node: Any, where: Place, value: Any) -> Any:
    if not where:
        return value
    copied = copy.deepcopy(node)
    at(copied, where[:-1])[where[-1]] = value
    return copied


def told(document: Any, where: Place) -> tuple[str, ...]:
    """The place as faults tell it: an edit of a feed by its id."""
    if where[:1] == ("edits",) and len(where) > 2 and where[2] != "id":
        where = ("edits", at(document, (*where[:2], "id")), *where[2:])
    return tuple(map(str, where))


@pytest.mark.parametrize("target", TARGETS)
def test_a_document_equals_itself(target: str) -> None:
    status, body = documents()[target]
    same = Answer(status, {"content-type": "application/json"}, body)
    found = compare(target, same, same)
    assert found.faults == ()
    assert all(cell.stable == cell.candidate is not None for cell in found.cells)
    assert bool(found.cells) == (status == 200 and target not in WITHOUT_SCORES)


@given(st.sampled_from(TARGETS[:6]), st.data())
def test_every_change_of_type_is_found_at_its_place(target: str, data: st.DataObject) -> None:
    old = document(target)
    where = data.draw(st.sampled_from(list(places(old))))
    before = at(old, where)
    after = data.draw(
        st.sampled_from([None, True, 7, 7.5, "x", [], {}, [before], {"more": before}]).filter(
            lambda value: type(value) is not type(before)
        )
    )
    if {type(before), type(after)} <= {int, float} and "features" in where:
        return  # a feature's number is a number
    found = compared(target, old, changed(old, where, after))
    assert any(fault.where == told(old, where) for fault in found.faults), (where, before, after)


@given(st.sampled_from(TARGETS[:6]), st.data())
def test_every_key_more_or_less_is_found_at_its_place(target: str, data: st.DataObject) -> None:
    old = document(target)
    where = data.draw(st.sampled_from([w for w in places(old) if w and isinstance(at(old, w[:-1]), dict)]))
    new = copy.deepcopy(old)
    moved = at(new, where[:-1]).pop(where[-1])
    text = told(old, where)
    assert any(
        f.kind == "shape" and f.where == text and "missing" in f.what
        for f in compared(target, old, new).faults
    )
    at(new, where[:-1])[f"{where[-1]}_"] = moved
    renamed = (*text[:-1], text[-1] + "_")
    assert any(f.kind == "shape" and f.where == renamed for f in compared(target, old, new).faults)


@given(st.sampled_from(TARGETS[:6]), st.data())
def test_every_level_less_is_found(target: str, data: st.DataObject) -> None:
    old = document(target)
    where = data.draw(
        st.sampled_from([w for w in places(old) if w and isinstance(at(old, w), dict) and at(old, w)])
    )
    child = next(iter(at(old, where).values()))
    assert compared(target, old, changed(old, where, child)).faults


def test_scores_may_differ_and_stand_side_by_side() -> None:
    old = document(V3)
    new = copy.deepcopy(old)
    score = new["smallwiki"]["scores"]["5"]["damaging"]["score"]
    score.update(prediction=not score["prediction"], probability={"true": 0.25, "false": 0.75})
    found = compared(V3, old, new)
    assert found.faults == ()
    (cell,) = [cell for cell in found.cells if cell.stable != cell.candidate]
    assert (cell.wiki, cell.model, cell.rev_id) == ("smallwiki", "damaging", 5)
    assert cell.candidate is not None
    assert cell.candidate.probability == {"true": 0.25, "false": 0.75}
    assert {cell.prediction for cell in (cell.stable, cell.candidate) if cell} == {"true", "false"}


def test_a_score_here_and_an_error_there_is_a_pair_of_cells_and_no_fault() -> None:
    old = document(V3)
    new = copy.deepcopy(old)
    cells = new["smallwiki"]["scores"]
    cells["5"]["damaging"] = cells[str(GONE)]["damaging"]
    found = compared(V3, old, new)
    assert found.faults == ()
    (cell,) = [cell for cell in found.cells if cell.stable != cell.candidate]
    assert cell.candidate is not None
    assert cell.candidate.error == "RevisionNotFound"


def test_a_cell_that_is_left_out_is_none_and_a_fault() -> None:
    old = document(V3)
    new = copy.deepcopy(old)
    del new["smallwiki"]["scores"]["5"]["damaging"]
    found = compared(V3, old, new)
    (cell,) = [cell for cell in found.cells if cell.candidate is None]
    assert cell.model == "damaging"
    assert found.sentences("shape") == ("smallwiki.scores.5.damaging: is missing",)


def test_features_and_thresholds_are_compared_as_numbers() -> None:
    old = document(V3)
    features = ("smallwiki", "scores", "5", "damaging", "features")
    name, value = next((n, v) for n, v in at(old, features).items() if type(v) is int and v > 1)
    for same in (value + 0.0, value * (1 + 1e-12)):
        assert compared(V3, old, changed(old, (*features, name), same)).faults == ()
    for other in (value + 1e-6, value + 1, None):
        found = compared(V3, old, changed(old, (*features, name), other))
        assert [fault.kind for fault in found.faults] == ["value"]
        assert found.sentences("value")[0].startswith(f"smallwiki.scores.5.damaging.features.{name}: ")
    version = ("smallwiki", "models", "damaging", "version")
    assert compared(V3, old, changed(old, version, "2")).sentences("value") == (
        'smallwiki.models.damaging.version: "2", not "1.2.3"',
    )


@pytest.mark.parametrize("wiki", ["smallwiki", "*"])
def test_a_declared_model_may_have_another_version_and_other_features(wiki: str) -> None:
    old = document(V3)
    new = changed(old, ("smallwiki", "models", "damaging"), {"version": "2", "params": {}})
    new["smallwiki"]["scores"]["5"]["damaging"]["features"] = {"feature.new": 1}
    declared = Declared([(wiki, "damaging")])
    assert compared(V3, old, new).faults
    assert compared(V3, old, new, declared=declared).faults == ()
    del new["smallwiki"]["scores"]["5"]["damaging"]["score"]["probability"]
    assert compared(V3, old, new, declared=declared).faults, "its shape may not differ"
    other = changed(old, ("smallwiki", "models", "goodfaith", "version"), "2")
    assert compared(V3, old, other, declared=declared).faults, "nor another model"


def test_other_statuses_are_not_compared_further() -> None:
    good, bad = answer(document(V3)), answer({"error": {}}, 503)
    assert compare(V3, good, bad) == Comparison()
    assert compare(V3, Answer(0), Answer(0)) == Comparison()


def test_errors_are_compared_but_for_their_words() -> None:
    old = {"error": {"code": "not found", "message": "no such wiki"}}
    told = Answer(404, {}, orjson.dumps(old))

    def against(new: object) -> Comparison:
        return compare("/v3/scores/x/", told, Answer(404, {}, orjson.dumps(new)))

    assert against({"error": {"code": "not found", "message": "other"}}).faults == ()
    assert against({"error": {"code": "other", "message": "no such wiki"}}).sentences("value")
    assert against({"error": "not found"}).sentences("shape")
    assert compare("/v3/scores/x/", told, Answer(404, {}, b"<html>")).sentences("shape")


def test_another_content_type_is_another_shape() -> None:
    document: Any = {"enwiki": {}}
    found = compare("/v3/scores/", answer(document), answer(document, content_type="text/html"))
    assert found.sentences("shape") == ('header.content-type: "text/html", not "application/json"',)


def test_a_difference_that_the_stable_arm_shares_a_moment_later_is_none_of_the_candidates() -> None:
    old = document(EDIT)
    edited = changed(old, ("revision", "comment"), "hidden since")
    broken = changed(edited, ("diff",), [])
    found = compared(EDIT, old, broken)
    assert len(found.faults) == 2
    left = lasting(found, compared(EDIT, edited, broken))
    assert [fault.where for fault in left.faults] == [("diff",)]


def test_an_answer_of_another_release_is_told() -> None:
    told = Answer(200, {"x-assay-release": "old-1"})
    assert release_fault("stable", told, "old-1") is None
    assert release_fault("stable", told, None) is None
    assert release_fault("stable", Answer(0), "old-1") is None
    assert 'the candidate arm, which is new-2, answered as "old-1"' in str(
        release_fault("candidate", told, "new-2")
    )
    assert 'answered as ""' in str(release_fault("candidate", Answer(200), "new-2"))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(st.sampled_from(TARGETS), json_values)
def test_any_document_equals_itself(target: str, value: Any) -> None:
    assert compared(target, value, copy.deepcopy(value)).faults == ()


@given(
    st.sampled_from(TARGETS) | st.text(),
    st.binary() | json_values.map(orjson.dumps),
    st.binary() | json_values.map(orjson.dumps),
)
def test_nothing_that_an_arm_says_raises(target: str, old: bytes, new: bytes) -> None:
    compare(target, Answer(200, {}, old), Answer(200, {}, new))
    cells_of(target, None)
    route_of(target)


def test_a_document_of_endless_depth_is_compared_as_far_as_ours_reach() -> None:
    deep = b"[" * 1000 + b"]" * 1000
    other = b"[" * 1000 + b"1" + b"]" * 1000
    assert compare("/x", Answer(200, {}, deep), Answer(200, {}, other)).faults == ()


@pytest.mark.parametrize(
    ("target", "where"),
    [
        (V1_ROW, ("5", "damaging")),
        (V1_CELL, ("5",)),
        (V2, ("scores", "smallwiki", "damaging", "scores", "5")),
    ],
)
def test_cells_of_every_version_are_laid_side_by_side(target: str, where: tuple[str, ...]) -> None:
    """A score that changed is the statistics' affair; a level more is no score any more."""
    old, new, odd = document(target), copy.deepcopy(document(target)), copy.deepcopy(document(target))
    for changed, make in (
        (new, lambda cell: cell | {"probability": dict.fromkeys(cell["probability"], 0.5)}),
        (odd, lambda cell: {"score": cell}),
    ):
        *path, last = where
        node = functools.reduce(lambda node, key: node[key], path, changed)
        node[last] = make(node[last])
    found = compared(target, old, new)
    assert not found.faults
    (pair,) = [cell for cell in found.cells if cell.stable != cell.candidate]
    assert (pair.wiki, pair.model, pair.rev_id) == ("smallwiki", "damaging", 5)
    assert compared(target, old, odd).sentences("shape")


def test_lines_are_compared_one_by_one() -> None:
    target = "/api/w/scores"
    head = {"wiki": "w", "models": {"damaging": {"version": "1", "digest": "a"}}, "revisions": 1}
    cell = {"score": {"prediction": True, "probability": {"true": 0.7, "false": 0.3}}, "features": {"f": 1}}

    def lines(*documents: Any) -> Answer:
        return Answer(200, {"content-type": "application/x-ndjson"}, b"\n".join(map(orjson.dumps, documents)))

    def said(cell: Any, digest: str = "a") -> Answer:
        models = {"damaging": {"version": "1", "digest": digest}}
        return lines(head | {"models": models}, {"revision": 5, "scores": {"damaging": cell}})

    assert compare(target, said(cell), said(cell)).faults == ()
    changed = cell | {"score": {"prediction": False, "probability": {"true": 0.4, "false": 0.6}}}
    found = compare(target, said(cell), said(changed))
    assert (found.faults, found.cells[0].rev_id) == ((), 5)
    assert found.cells[0].stable != found.cells[0].candidate
    assert compare(target, said(cell), said({"score": cell})).sentences("shape")
    assert compare(target, said(cell), said(cell | {"features": {"f": 2}})).sentences("value")
    assert compare(target, said(cell), said(cell, "b")).sentences("value")
    assert not compare(target, said(cell), said(cell, "b"), Declared([("w", "damaging")])).faults
    assert compare(target, said(cell), lines(head)).faults


def test_versions_may_differ_and_their_shape_may_not() -> None:
    old = {"assay": "1.0", "release": "spring"}
    assert not compared("/versions/", old, {"assay": "1.1", "release": "summer"}).faults
    assert compared("/versions/", old, {"assay": "1.1"}).sentences("shape")
