"""The three documents of one answer tell the same, whatever was scored and whatever failed."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assay.models.model import Score
from assay.revisions.problem import revision_not_found
from assay.scoring.request import Cell, Scored
from assay.serving.ores.scores import VERSIONS
from assay.serving.ores.v1 import V1
from assay.serving.ores.v2 import V2
from assay.serving.ores.v3 import V3
from assay.serving.ores.version import Answer
from small_models import small_models

WIKI = "smallwiki"
MODELS = {name: small_models().of(WIKI)[name] for name in ("damaging", "goodfaith")}
ALIASED = {**MODELS, "bad": MODELS["damaging"]}

CHANCES = st.floats(0, 1)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.builds(lambda p: Scored(Score(p > 0.5, {True: p, False: 1 - p})), CHANCES),
    st.builds(
        lambda p, n: Scored(Score(p > 0.5, {True: p, False: 1 - p}), features={"feature.n": n}),
        CHANCES,
        st.integers(),
    ),
    st.builds(revision_not_found, st.integers(1, 9)),
)
TABLES = st.dictionaries(
    st.integers(1, 2**40), st.fixed_dictionaries(dict.fromkeys(MODELS, CELLS)), min_size=1, max_size=4
)


def bare(cell: dict[str, Any]) -> dict[str, Any]:
    """A cell of the third version as the first two write it."""
    if "error" in cell:
        return {"error": {name: cell["error"][name] for name in ("type", "message")}}
    score: dict[str, Any] = cell["score"]
    return score


@given(TABLES, st.sampled_from([None, "damaging", "bad"]))
def test_all_versions_tell_the_same_scores(table: dict[int, dict[str, Cell]], only: str | None) -> None:
    models = ALIASED if only is None else {only: ALIASED[only]}
    answer = Answer(WIKI, models, {name: {} for name in models}, table, only)
    first, second, third = V1.scores(answer), V2.scores(answer), V3.scores(answer)
    rows = third[WIKI]["scores"]
    assert set(first) == set(rows) == {str(rev_id) for rev_id in table}
    for rev_id, row in rows.items():
        assert set(row) == set(models)
        for name, cell in row.items():
            model = second["scores"][WIKI][name]
            assert model["scores"][rev_id] == bare(cell)
            assert model.get("features", {}).get(rev_id) == cell.get("features")
            assert (first[rev_id] if only else first[rev_id][name]) == bare(cell)


def test_without_revisions_no_version_tells_scores() -> None:
    answer = Answer(WIKI, MODELS, {name: {"version": "1"} for name in MODELS})
    assert V1.scores(answer) == {"models": answer.infos}
    assert V2.scores(answer)["scores"][WIKI]["damaging"] == {"version": "1.2.3", "info": {"version": "1"}}
    assert V3.scores(answer) == {WIKI: {"models": answer.infos}}


def test_what_stands_in_a_path_is_no_parameter() -> None:
    for version in VERSIONS:
        for path in version.paths:
            names = version.parameters_of(path)
            assert ("models" in names) == (path != "" and "{model}" not in path)
            assert ("revids" in names) == (path != "" and "{rev_id}" not in path)
            assert {"format", "callback"} <= set(names)
