"""What the list of recent edits is told of each edit's scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from starlette.responses import Response

from assay.clock import Deadline
from assay.models.model import Label, Score
from assay.revisions.problem import page_creation, source_failed, text_deleted
from assay.scoring.request import Cell, Scored
from assay.scoring.wikis import Wiki
from assay.serving.backend import Backend
from assay.serving.feed import Edit, Feed
from assay.serving.native.models import ModelsApi
from assay.serving.options import QuotaOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.feed import FeedPages
from assay.serving.pages.site import PageOptions, Site
from assay.serving.quota import Gate
from assay.stores.quota import MemoryQuotas
from assay.telemetry import Metrics
from serving.pages.told import Told, asked
from small_app import CLOCK, small_service


class Latest(Feed):
    """The edits that it is given."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits

    async def latest(self, wiki: Wiki, limit: int, deadline: Deadline) -> Sequence[Edit]:
        return self._edits[:limit]


async def listed(edits: Sequence[Edit], fields: str = "") -> tuple[list[dict[str, Any]], str]:
    """What the template is told of these edits, and what it makes of it."""
    site, metrics = Told(), Metrics()
    service = small_service(metrics)
    gate = Gate(QuotaOptions(), MemoryQuotas(CLOCK), metrics, 20.0)
    models = ModelsApi(service.wikis, ModelInfos({}), {})
    pages = FeedPages(site, Backend(service, gate, CLOCK, 20.0), Latest(edits), models)
    page = await pages.edits(asked(fields, wiki="smallwiki"))
    assert site.told["is_complete"] is all(edit.is_complete for edit in edits)
    return site.told["rows"], bytes(page.body).decode()


async def rows(edits: Sequence[Edit], fields: str = "") -> list[dict[str, Any]]:
    return (await listed(edits, fields))[0]


def edit(cells: Mapping[str, Cell]) -> Edit:
    """With a cell for each model of the wiki."""
    others = dict.fromkeys(small_service(Metrics()).wikis["smallwiki"].models, text_deleted(7))
    return Edit(7, None, {**others, **cells})


async def marks(cells: Mapping[str, Cell]) -> dict[str, dict[str, Any]]:
    ((row,)) = await rows([edit(cells)])
    return {mark["model"]: mark for mark in row["marks"]}


def binary(chance: float) -> Scored:
    probability: dict[Label, float] = {True: chance, False: 1 - chance}
    return Scored(Score(chance > 0.5, probability))


async def test_a_binary_score_is_a_chance_with_a_bar_and_a_tone() -> None:
    told = await marks({"damaging": binary(0.8125), "goodfaith": binary(0.8125)})
    assert told["damaging"] == {
        "model": "damaging",
        "title": "Damaging",
        "figure": "81%",
        "words": None,
        "share": "81.2",
        "tone": "alarm",
    }
    assert told["goodfaith"]["tone"] == "calm"


async def test_a_class_is_named_with_its_own_chance() -> None:
    score = Score("FA", {"Stub": 0.25, "FA": 0.75})
    mark = (await marks({"articlequality": Scored(score)}))["articlequality"]
    assert (mark["figure"], mark["words"], mark["share"], mark["tone"]) == ("FA", "75%", "75.0", "none")


async def test_a_class_in_any_script_does_not_reorder_its_chance() -> None:
    score = Score("מומלץ", {"קצרמר": 0.25, "מומלץ": 0.75})
    _, page = await listed([edit({"articlequality": Scored(score)})])
    assert "<bdi>מומלץ</bdi> <small>75%</small>" in page


@pytest.mark.parametrize("is_late", [True, False])
async def test_a_cell_without_a_score_says_why_and_whether_one_may_come(is_late: bool) -> None:
    problem = source_failed(7, "down") if is_late else text_deleted(7)
    assert (await marks({"damaging": problem}))["damaging"] == {
        "model": "damaging",
        "title": "Damaging",
        "figure": None,
        "why": problem.message,
        "is_late": is_late,
    }


async def test_a_reason_is_told_once_for_all_models_that_have_it() -> None:
    (row,) = await rows([edit({})])
    assert row["failures"] == [{"whose": "No scores", "why": text_deleted(7).message}]
    cells: dict[str, Cell] = {"damaging": source_failed(7, "down"), "parented": page_creation(7)}
    (row,) = await rows([edit(cells)])
    assert row["failures"] == [
        {
            "whose": "No score for Good faith, Reverted, Article quality and Fragile",
            "why": text_deleted(7).message,
        },
        {"whose": "No score for Parented", "why": page_creation(7).message},
    ], "what is late may still come"


async def test_the_browser_is_told_the_chances_of_binary_models_alone() -> None:
    cells = {"damaging": binary(0.25), "articlequality": Scored(Score("FA", {"FA": 1.0}))}
    (row,) = await rows([edit(cells)])
    assert orjson.loads(row["chances"]) == {"damaging": 0.25}
    assert row["is_shown"] is True


async def test_as_many_edits_as_wished_are_told() -> None:
    edits = [edit({})] * 50
    assert len(await rows(edits)) == 25
    assert len(await rows(edits, "limit=2")) == 2


async def chosen(*wikis: str) -> Response:
    """What ``/feed/`` answers when these wikis have a feed."""
    metrics = Metrics()
    service = small_service(metrics)
    gate = Gate(QuotaOptions(), MemoryQuotas(CLOCK), metrics, 20.0)
    models = ModelsApi(service.wikis, ModelInfos({}), {})
    site = Site(PageOptions(wikis))
    return await FeedPages(site, Backend(service, gate, CLOCK, 20.0), Latest([]), models).choice(asked())


async def test_where_one_wiki_has_a_feed_nobody_is_asked_to_choose() -> None:
    answer = await chosen("kåre/wiki")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/feed/k%C3%A5re%2Fwiki"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_of_several_wikis_one_is_chosen() -> None:
    answer = await chosen("enwiki", "frwiki")
    assert answer.status_code == 200
    page = bytes(answer.body).decode()
    assert [f'href="/feed/{name}"' in page for name in ("enwiki", "frwiki")] == [True, True]


async def test_without_a_wiki_the_page_says_so() -> None:
    assert "has no wiki" in bytes((await chosen()).body).decode()
