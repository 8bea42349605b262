"""The threshold explorer: which row is shown, and how to ask for it again."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.clock import SystemClock
from assay.errors import BadParameter
from assay.models.bundle import load_bundles
from assay.models.library import search, shipped_folder
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.native.models import ModelsApi
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.thresholds import LEAST_RECALL, ThresholdPages, opening, query
from serving.pages.told import Told, asked

Explore = Callable[[str], Coroutine[Any, Any, dict[str, Any]]]


async def _explored(page: ThresholdPages, site: Told, fields: str) -> dict[str, Any]:
    await page.explorer(asked(fields, wiki="enwiki", model="damaging"))
    return site.told


@pytest.fixture(scope="module")
def explore() -> Explore:
    """What the page of a measured model is told, by the fields of its form."""
    found = search(shipped_folder()).found["enwiki"]["damaging"]
    models, site = ModelSets(load_bundles([found.path])), Told()
    wikis = Wikis({"enwiki": SyntheticSource(SystemClock())}, models)
    api = ModelsApi(wikis, ModelInfos({found.manifest.digest: found.path}), {})
    return partial(_explored, ThresholdPages(site, wikis, api), site)


async def test_without_a_wish_the_broadest_point_of_the_label_is_shown(explore: Explore) -> None:
    begin = (("true", "maybebad", "recall"), ("false", "likelygood", "precision"))
    for label, broadest, held in begin:
        told = await explore(f"label={label}")
        assert told["told"]["label"] == label
        assert {point["label"] for point in told["points"]} == {label}
        (cut,) = (point["cut"] for point in told["points"] if point["name"] == broadest)
        assert told["chosen"]["threshold"] == cut["threshold"]
        assert told["chosen"]["recall"] >= LEAST_RECALL
        assert told["hold"] == held
        for name in ("recall", "precision"):
            assert told["chosen"]["intervals_95"][name] == pytest.approx(cut["intervals_95"][name], abs=1e-6)


TABLE = [
    {"threshold": threshold, "f1": f1} for threshold, f1 in ((0.1, 0.2), (0.4, 0.5), (0.7, 0.3), (0.9, None))
]


def _point(threshold: float, recall: float | None) -> dict[str, Any]:
    return {"cut": {"threshold": threshold, "statistics": {"recall": recall}}}


@pytest.mark.parametrize(
    ("points", "at"),
    [
        ([_point(0.8, 0.2), _point(0.3, 0.9), _point(0.9, 0.1)], 0.3),
        ([_point(0.9, 0.1)], 0.9),
        ([_point(0.9, 0.0999), {"cut": None}], 0.4),
        ([_point(0.2, None)], 0.4),
        ([], 0.4),
    ],
    ids=["catches most", "catches a tenth", "catches less", "catches nobody knows what", "no points"],
)
def test_a_reader_begins_where_something_is_caught(points: list[dict[str, Any]], at: float) -> None:
    assert opening(points, TABLE) == at


@pytest.mark.parametrize("at", ["0", "0.3", "0.5", "1", "1e-3"])
async def test_the_row_of_the_wished_threshold_is_shown(explore: Explore, at: str) -> None:
    told = await explore(f"at={at}&hold=recall")
    table, chosen = told["told"]["table"], told["chosen"]
    assert chosen["threshold"] == min(
        (row["threshold"] for row in table if row["threshold"] >= float(at)), default=table[-1]["threshold"]
    )
    assert told["hold"] == "recall"
    assert (await explore(f"at={at}"))["hold"] == "precision", "no named point is there"
    assert told["queries"] == {
        name: query(told["told"], hold=name, share=chosen[name]) for name in ("precision", "recall")
    }


async def test_a_reader_who_says_so_keeps_the_other(explore: Explore) -> None:
    for hold in ("precision", "recall"):
        assert (await explore(f"label=true&hold={hold}"))["hold"] == hold


@pytest.mark.parametrize("at", ["-0.001", "1.001", "nan", "inf", "x", "0,5"])
async def test_what_is_no_threshold_is_refused(explore: Explore, at: str) -> None:
    with pytest.raises(BadParameter, match=f"'{at}' is no threshold: give a number from 0 to 1"):
        await explore(f"at={at}")


async def test_an_unknown_thing_to_hold_is_refused(explore: Explore) -> None:
    with pytest.raises(BadParameter, match="no way to hold 'f1': give precision or recall"):
        await explore("hold=f1")


@pytest.mark.parametrize(
    ("share", "shown"), [(0.6, "0.6"), (0.69999, "0.699"), (1.0, "1"), (0.123456, "0.123"), (0.0, "0")]
)
def test_a_query_never_asks_for_more_than_there_is(share: float, shown: str) -> None:
    asked = query({"wiki": "en wiki", "model": "damaging", "label": "a.b"}, hold="recall", share=share)
    assert asked is not None
    assert asked["path"] == f"statistics.thresholds.'a.b'.'maximum precision @ recall >= {shown}'"
    assert asked["address"].startswith(
        "/v3/scores/en%20wiki/?models=damaging&model_info=statistics.thresholds."
    )
    assert query({"label": "true"}, hold="recall", share=None) is None


@given(st.integers(0, 1000))
def test_three_digits_are_told_as_they_are(thousandths: int) -> None:
    document = {"wiki": "w", "model": "m", "label": "true"}
    asked = query(document, hold="precision", share=thousandths / 1000)
    assert asked is not None
    assert asked["path"].startswith("statistics.thresholds.true.'maximum recall @ precision >= ")
    assert float(asked["path"].split(" ")[-1].rstrip("'")) == thousandths / 1000
