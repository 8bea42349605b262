"""What is fetched beforehand is what training would keep: no text too few, none too many."""

from __future__ import annotations

import lzma
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import orjson
import pytest

from assay.models.training.chosen_edits import choose
from assay.revisions.wiki.history_rows import Row
from shared_data import shared

LINES = 3000


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    with lzma.open(shared("data/histories/crwiki/revisions.jsonl.xz")) as stream:
        return [orjson.loads(line) for line in islice(stream, LINES)]


def rows(lines: list[dict[str, Any]]) -> list[Row]:
    pages = {title: number for number, title in enumerate(dict.fromkeys(it["page_title"] for it in lines))}
    return [{**line, "page_id": pages[line["page_title"]]} for line in lines]


def test_recorded_labels_say_the_same(lines: list[dict[str, Any]]) -> None:
    """Against labels that were not made by us; of a page that is cut off at the end the last may differ."""
    whole = [
        line
        for _, page in islice(groupby(lines, key=itemgetter("page_title")), len(rows(lines)))
        for line in page
    ]
    last = whole[-1]["page_title"]
    whole = [line for line in whole if line["page_title"] != last]
    kept = [
        line
        for line in whole
        if not line["is_reverting"]
        and not line["self_reverted"]
        and line["parent_id"]
        and not line["user"].casefold().endswith("bot")
    ]
    choice = choose(rows(whole), LINES)
    assert list(choice.edits) == sorted(line["rev_id"] for line in kept)
    assert choice.usable == len(kept)
    assert choice.reverted == sum(line["reverted"] for line in kept) > 100
    assert set(choice.texts) == {it for line in kept for it in (line["rev_id"], line["parent_id"])}


def test_a_lot_is_the_same_every_time_and_part_of_a_larger_one(lines: list[dict[str, Any]]) -> None:
    few, more = choose(rows(lines), 100), choose(rows(lines), 300)
    assert len(few.edits) == 100
    assert set(few.edits) < set(more.edits)
    assert (few.usable, few.reverted) == (more.usable, more.reverted)
    assert choose(rows(lines), 100) == few
    assert len(few.texts) <= 200


def test_nothing_is_chosen_whose_parent_or_text_cannot_be_had() -> None:
    row = {"page_id": 1, "timestamp": "2020-01-01T00:00:00Z", "user": "A", "sha1": "x"}
    hidden = {**row, "rev_id": 3, "parent_id": 2, "text_hidden": True}
    made = choose([{**row, "rev_id": 2, "parent_id": 1}, hidden], 10)
    assert made.edits == made.texts == ()
    assert choose([], 10).usable == 0
