"""What is excused where: by a declared model, as a score of its own, or because the world goes on."""

from __future__ import annotations

import pytest

from assay.rollout.evidence.meaning import Declared, Meaning, of_v1, path_parts, route_of

NOTHING = Declared()
OURS = Declared([("w", "m")])

V3, V2, LINES, FEED = "/v3/scores/w/5/", "/v2/scores/w/m/5/", "/api/w/scores", "/api/w/feed"
ROW, CELL, EDIT = "/v1/scores/w/?revids=5", "/scores/w/m/5/", "/api/w/revisions/5"
FACTS, WIKIS, INFER = "/api/w/models/m", "/api/wikis", "/v2/models/w-m/infer"

FREE = [
    (V3, "w models m version"),
    (V3, "w models m statistics rates"),
    (V3, "w scores 5 m features f"),
    (V3, "w scores 5 m explanation contributions"),
    (V2, "scores w m version"),
    (V2, "scores w m info statistics"),
    (V2, "scores w m features 5 f"),
    (ROW, "models m version"),
    (LINES, "0 models m version"),
    (LINES, "1 scores m features f"),
    (LINES, "1 scores m explanation contributions"),
    (EDIT, "scores m features f value"),
    (EDIT, "scores m explanation contributions"),
    (FACTS, "version"),
    (FACTS + "/thresholds", "labels true"),
    (WIKIS, "wikis w models m version"),
    (WIKIS, "wikis w models m digest"),
    (WIKIS, "wikis w models m features 0"),
]
"""Places that are a declared model's own."""

HELD = [
    (V3, "w models m"),
    (V3, "w scores 5 m"),
    (V3, "w scores 5 m features"),
    (V3, "w scores 5 m score prediction"),
    (V2, "scores w m"),
    (V2, "scores w m features 5"),
    (V2, "scores w m scores 5"),
    (ROW, "models m"),
    (ROW, "5 m"),
    (LINES, "0 models m"),
    (LINES, "1 scores m score"),
    (LINES, "1 scores m features"),
    (EDIT, "scores m prediction"),
    (EDIT, "scores m features"),
    (FACTS, ""),
    ("/api/w/models", "m"),
    (WIKIS, "wikis w models m name"),
    (WIKIS, "wikis w name"),
    (FEED, "edits 0 scores m"),
]
"""Places whose shape a declared model must keep."""


def at(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@pytest.mark.parametrize(("target", "where"), FREE)
def test_what_is_a_declared_models_own_is_free_and_else_is_not(target: str, where: str) -> None:
    for declared in (OURS, Declared([("*", "m")]), Declared([("w", "*")])):
        assert Meaning(target, declared).is_free(at(where))
    assert not Meaning(target, NOTHING).is_free(at(where))
    if target != WIKIS:  # which tells no model that ``/v3/scores/`` does not tell by name
        for other in (Declared([("w", "other")]), Declared([("other", "m")])):
            assert not Meaning(target, other).is_free(at(where))


@pytest.mark.parametrize(("target", "where"), HELD)
def test_the_shape_around_it_is_never_free(target: str, where: str) -> None:
    for declared in (OURS, Declared([("*", "*")])):
        assert not Meaning(target, declared).is_free(at(where))


@pytest.mark.parametrize(
    ("target", "cell"),
    [
        (V3, "w scores 5 m"),
        (V2, "scores w m scores 5"),
        (ROW, "5 m"),
        (CELL, "5"),
        (EDIT, "scores m"),
        (LINES, "1 scores m"),
        (FEED, "edits 0 scores m"),
    ],
)
def test_a_cell_stands_at_one_depth_only(target: str, cell: str) -> None:
    meaning = Meaning(target, NOTHING)
    assert meaning.is_cell(at(cell))
    assert not meaning.is_cell(at(cell)[:-1])
    assert not meaning.is_cell((*at(cell), "score"))


def test_what_is_no_revision_is_no_bare_cell() -> None:
    assert not Meaning(CELL, NOTHING).is_cell(("models",))
    assert not Meaning(ROW, NOTHING).is_cell(("models", "m"))
    assert not Meaning(FACTS, NOTHING).is_cell(("5",))


@pytest.mark.parametrize(
    ("target", "where"),
    [
        (V3, "w scores 5 m score prediction"),
        (V3, "w scores 5 m explanation contributions"),
        (V3, "w scores 5 m error message"),
        (FACTS, "error message"),
        (V2, "scores w m scores 5 prediction"),
        (ROW, "5 m probability true"),
        (CELL, "5 probability true"),
        (EDIT, "scores m probability true"),
        (EDIT, "scores m features f contributions true"),
        (LINES, "1 scores m score prediction"),
        (FEED, "is_complete"),
        (FEED, "edits 0 scores m prediction"),
        (INFER, "versions 0"),
        (INFER, "model_version"),
        *((INFER, f"outputs {number} data 0") for number in (0, 1, 2)),
        ("/api/w/recent", "revisions 0"),
        ("/versions/", "assay"),
        ("/v2", "version"),
    ],
)
def test_values_that_may_differ(target: str, where: str) -> None:
    assert not Meaning(target, NOTHING).values_count(at(where))


@pytest.mark.parametrize(
    ("target", "where"),
    [
        (V3, "w scores 5 m features f"),
        (V3, "w models m version"),
        (V3, "w scores 5 m"),
        (V2, "scores w m version"),
        (V2, "scores w m features 5 f"),
        (ROW, "models m version"),
        (EDIT, "scores m features f value"),
        (EDIT, "revision"),
        (FACTS, "error code"),
        (LINES, "1 scores m features f"),
        (LINES, "0 revisions"),
        (FEED, "wiki"),
        (FEED, "edits 0 title"),
        (INFER, "id"),
        (INFER, "outputs 3 data 0"),
        (INFER, "outputs 0 name"),
        ("/api/w/recent", "wiki"),
        (FACTS, "version"),
    ],
)
def test_values_that_must_be_the_same(target: str, where: str) -> None:
    assert Meaning(target, NOTHING).values_count(at(where))


@pytest.mark.parametrize(
    ("target", "feature"),
    [
        (V3, "w scores 5 m features f"),
        (V2, "scores w m features 5 f"),
        (EDIT, "scores m features f value"),
        (LINES, "1 scores m features f"),
    ],
)
def test_a_features_value_is_one_at_its_depth(target: str, feature: str) -> None:
    meaning = Meaning(target, NOTHING)
    assert meaning.is_feature(at(feature))
    assert not meaning.is_feature(at(feature)[:-1])
    assert not meaning.is_feature((*at(feature), "0"))
    assert not Meaning(FACTS, NOTHING).is_feature(at(feature))


def test_only_a_feeds_edits_are_told_apart_by_their_ids() -> None:
    assert Meaning(FEED, NOTHING).item_key(("edits",)) == "id"
    assert Meaning(FEED, NOTHING).item_key(("edits", "0", "tags")) == ""
    assert Meaning(LINES, NOTHING).item_key(("edits",)) == ""


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/v3/scores/", "v3"),
        ("/v3/precache/", "v3"),
        ("/v1/models/w-m:explain", "v3"),
        ("/v1/models/w-m", ""),
        ("/v2/scores/w/", "v2"),
        ("/v2/precache/?event=x", "v2"),
        ("/v2/models/w-m", "inference"),
        ("/v2", "versions"),
        ("/v2/health/live", ""),
        ("/scores/w/", "v1"),
        ("/api/w/recent?limit=3", "recent"),
        ("/api/w/text", "api"),
        ("/api/w/revisions", ""),
        ("/livez", ""),
    ],
)
def test_a_route_is_known_by_its_path(target: str, route: str) -> None:
    assert route_of(target) == route


def test_names_in_a_path_are_unpacked() -> None:
    assert path_parts("/api/w%2Fx/models/a%20b/?q=/z") == ["api", "w/x", "models", "a b"]
    assert of_v1(path_parts("/v1/scores/w/m/5/")) == ("w", "m")
    assert of_v1(path_parts("/scores/w/")) == ("w", "")
    assert of_v1(path_parts("/scores/")) == ("", "")
