"""Cells of every route's document: which wiki, model and revision a score is counted for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.rollout.evidence.cells import cell_pairs, cells_of, is_told_by_cells, tensor_id
from assay.rollout.evidence.meaning import Route
from assay.rollout.samples import SeenCell

SCORE = {"prediction": True, "probability": {"true": 0.7, "false": 0.3}}
SEEN = SeenCell("true", {"true": 0.7, "false": 0.3})
ERROR = {"error": {"type": "RuntimeError", "message": "it died"}}
CODED = {"error": {"type": "RuntimeError", "code": "engine_crashed", "message": "it died"}}
KEY = ("w", "m", 5)
INFER = "/v2/models/w-m/infer"


def tensors(
    told_id: Any = "w m 5",
    *,
    error: str = "",
    label: str = "true",
    labels: Any = ("true", "false"),
    values: Any = (0.7, 0.3),
) -> dict[str, Any]:
    """An answer of the Open Inference Protocol."""
    data = {"probability": values, "prediction": [label], "error": [error], "label": labels}
    outputs = [
        {"name": name, "data": list(value) if isinstance(value, tuple) else value}
        for name, value in data.items()
    ]
    return {"id": told_id, "outputs": outputs}


@pytest.mark.parametrize(
    ("target", "document"),
    [
        ("/v3/scores/w/5/", {"w": {"scores": {"5": {"m": {"score": SCORE}}}}}),
        ("/v1/models/w-m:predict", {"w": {"scores": {"5": {"m": {"score": SCORE}}}}}),
        ("/v2/scores/w/m/5/", {"scores": {"w": {"m": {"scores": {"5": SCORE}}}}}),
        ("/v1/scores/w/m/5/", {"5": SCORE}),
        ("/scores/w/?models=m&revids=5", {"5": {"m": SCORE}}),
        ("/api/w/revisions/5", {"scores": {"m": SCORE}}),
        ("/api/w/scores", [{"wiki": "w"}, {"revision": 5, "scores": {"m": {"score": SCORE}}}]),
        ("/api/w/feed?limit=3", {"edits": [{"id": 5, "scores": {"m": SCORE}}]}),
        (INFER, tensors()),
    ],
)
def test_every_route_tells_the_same_cell(target: str, document: Any) -> None:
    assert cells_of(target, document) == {KEY: SEEN}


@pytest.mark.parametrize(
    ("cell", "error"), [(ERROR, "RuntimeError"), (CODED, "engine_crashed"), ({"error": {"type": ""}}, "")]
)
def test_an_error_is_named_by_its_code_or_else_its_type(cell: Any, error: str) -> None:
    assert cells_of("/api/w/revisions/5", {"scores": {"m": cell}}) == {KEY: SeenCell(error=error)}


@pytest.mark.parametrize(
    "document",
    [
        {"scores": {"m": {"score": SCORE}}},
        {"scores": {"m": {"prediction": True}}},
        {"scores": {"m": ERROR | SCORE}},
        {"scores": {"m": {"error": {"message": "without a type"}}}},
        {"scores": {"m": [SCORE]}},
        {"scores": [SCORE]},
        [],
    ],
)
def test_what_is_no_cell_is_left_out(document: Any) -> None:
    assert cells_of("/api/w/revisions/5", document) == {}


@pytest.mark.parametrize("target", ["/api/w/text", "/api/w/recent", "/api/wikis", "/versions/"])
def test_a_target_that_names_no_revision_has_no_cells(target: str) -> None:
    """The score of a text that is not saved belongs to none: it is compared as it stands."""
    assert cells_of(target, {"scores": {"m": SCORE}}) == {}


@pytest.mark.parametrize(
    ("target", "document"),
    [
        ("/v3/scores/w/", {"w": {"scores": {"five": {"m": {"score": SCORE}}}}}),
        ("/v2/scores/w/", {"scores": {"w": {"m": {"scores": {"five": SCORE}}}}}),
        ("/v1/scores/w/m/", {"five": SCORE}),
        ("/api/w/scores", [{"revision": "5", "scores": {"m": {"score": SCORE}}}]),
        ("/api/w/scores", None),
        ("/api/w/feed", {"edits": [{"id": "5", "scores": {"m": SCORE}}]}),
        (INFER, tensors("w m five")),
        (INFER, tensors(None)),
        (INFER, tensors("w m 5 6")),
        ("/api/w/feed", {"edits": None}),
        ("/v1/scores/w/m/", {"9" * 5000: SCORE}),
        (INFER, tensors(f"w m {'9' * 5000}")),
        (INFER, {"id": "w m 5", "outputs": None}),
        (INFER, {"id": "w m 5", "outputs": 5}),
        (INFER, {"id": "w m 5", "outputs": [{"name": ["error"], "data": [""]}]}),
        (INFER, tensors(labels=None)),
    ],
)
def test_what_names_no_revision_is_no_cell(target: str, document: Any) -> None:
    assert cells_of(target, document) == {}


def test_only_numbers_are_probabilities() -> None:
    told = SCORE | {"probability": {"true": 1, "false": False, "maybe": None, "no": "0.5"}}
    assert cells_of("/api/w/revisions/5", {"scores": {"m": told}}) == {KEY: SeenCell("true", {"true": 1.0})}


@pytest.mark.parametrize(("label", "prediction"), [("true", "true"), ("false", "false"), ("FA", '"FA"')])
def test_a_label_of_tensors_is_what_json_would_have(label: str, prediction: str) -> None:
    assert cells_of(INFER, tensors(label=label))[KEY].prediction == prediction


def test_odd_labels_and_missing_values_of_tensors_harm_nobody() -> None:
    told = cells_of(INFER, tensors(labels=[["true"], "false"], values=[0.7]))
    assert told[KEY].prediction == "true"
    assert cells_of(INFER, tensors(values=None))[KEY] == SeenCell("true", {})


def test_an_error_of_tensors_is_known_by_its_code() -> None:
    told = tensors(error="engine_crashed: The scoring process died.", label="", values=())
    assert cells_of(INFER, told) == {KEY: SeenCell(error="engine_crashed")}


def test_the_greatest_id_of_64_bits_is_read() -> None:
    assert list(cells_of("/v1/scores/w/m/", {str(2**63 - 1): SCORE})) == [("w", "m", 2**63 - 1)]


WORD = st.from_regex(r"[a-z_]+", fullmatch=True)


@given(WORD, WORD, st.integers(1, 2**63 - 1))
def test_the_name_of_a_request_is_read_back(wiki: str, model: str, rev_id: int) -> None:
    assert list(cells_of(INFER, tensors(tensor_id(wiki, model, rev_id)))) == [(wiki, model, rev_id)]


@pytest.mark.parametrize("route", ["v3", "lines", "v1", "api"])
def test_only_a_score_beside_an_error_is_left_to_the_statistics(route: Route) -> None:
    score = {"score": SCORE} if route in ("v3", "lines") else SCORE
    assert is_told_by_cells(score, ERROR, route)
    assert is_told_by_cells(ERROR, score, route)
    for old, new in ((score, score), (ERROR, ERROR), (score, {}), (ERROR, None), ({"score": score}, ERROR)):
        assert not is_told_by_cells(old, new, route)


def test_pairs_have_what_either_arm_told_in_a_settled_order() -> None:
    target = "/v3/scores/w/"
    old = {"w": {"scores": {"10": {"m": {"score": SCORE}}, "9": {"m": ERROR}}}}
    new = {"w": {"scores": {"11": {"m": ERROR}, "9": {"m": {"score": SCORE}}}}}
    failed = SeenCell(error="RuntimeError")
    assert [(pair.rev_id, pair.stable, pair.candidate) for pair in cell_pairs(target, old, new)] == [
        (9, failed, SEEN),
        (10, SEEN, None),
        (11, None, failed),
    ]
