"""The legacy's recorded feature values of 300 real edits and 150 articles, beside our own of the same.

The edits' actor is the one that the oracle assumed: registered on 2004-01-01, confirmed, without rights.
"""

from __future__ import annotations

import json
import lzma
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from assay.features.catalogue import features
from assay.features.graph.plan import Plan
from assay.features.lexicon import Lexicons, shipped
from assay.revisions.types import Actor, Page, Revision
from shared_data import shared

Table = dict[str, list[tuple[Any, Any]]]
"""(expected, own) values of each feature over all rows."""

EDIT_WORD_LISTS = ("english.badwords", "english.dictionary", "english.informals")
ARTICLE_WORD_LIST_FEATURES = (
    "feature.english.stemmed.revision.stems_length",
    "feature.len(<datasource.english.idioms.revision.matches>)",
    "feature.len(<datasource.english.words_to_watch.revision.matches>)",
)
_NUMBER = re.compile(r'"n": (\d+)')
"""Parsing all 212 MB of JSON for 150 articles would take most of the time."""
REGISTERED_AT = datetime(2004, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """One edit, with the legacy's values by feature name."""

    wiki: str
    revision: Revision
    expected: dict[str, Any]


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    rows = list(_lines("oracle/editquality_enwiki_damaging.jsonl.xz"))
    wanted: dict[str, set[int]] = {}
    for row in rows:
        wanted.setdefault(row["wiki"], set()).update((row["rev_id"], row["parent_id"]))
    recorded = {
        (wiki, line["rev_id"]): line
        for wiki, rev_ids in wanted.items()
        for line in _lines(f"histories/{wiki}/revisions.jsonl.xz")
        if line["rev_id"] in rev_ids
    }
    return tuple(
        Case(
            row["wiki"],
            _revision(recorded[row["wiki"], row["rev_id"]], recorded.get((row["wiki"], row["parent_id"]))),
            row["base_features"],
        )
        for row in rows
    )


def _lines(relative: str) -> Iterator[dict[str, Any]]:
    with lzma.open(shared(f"data/{relative}"), "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _revision(line: dict[str, Any], parent: dict[str, Any] | None) -> Revision:
    return Revision(
        id=line["rev_id"],
        page=Page(line["page_title"], namespace=0),
        actor=Actor(
            line["user"],
            line["anon"],
            groups=frozenset({"*", "user", "autoconfirmed"}),
            registered_at=REGISTERED_AT,
        ),
        timestamp=datetime.fromisoformat(line["timestamp"]),
        comment=line["comment"],
        text=line["text"],
        parent=None if parent is None else _revision(parent, None),
    )


@cache
def of_edits() -> Table:
    """The features of ORES's enwiki damaging model."""
    return _table(
        ((case.expected, case.revision) for case in cases()),
        shipped(*EDIT_WORD_LISTS),
        list(cases()[0].expected),
    )


def needs_word_list(name: str) -> bool:
    return name.startswith("feature.english") or name in ARTICLE_WORD_LIST_FEATURES


@cache
def articles(count: int | None = None) -> tuple[tuple[dict[str, float], str], ...]:
    """The legacy's values of each article, and its text. The first `count` take much less time than all."""
    rows = {row["n"]: row["base_features"] for row in _lines("oracle/articlequality_enwiki_wp10.jsonl.xz")}
    with lzma.open(shared("data/articlequality/enwiki.jsonl.xz"), "rt") as lines:
        wanted = (line for line in lines if int(_NUMBER.search(line)[1]) in rows)  # type: ignore[index]
        return tuple((rows[text["n"]], text["text"]) for text in map(json.loads, islice(wanted, count)))


@cache
def of_articles() -> Table:
    """The features of ORES's enwiki wp10 model."""
    return _table(
        ((expected, article(text)) for expected, text in articles()),
        shipped("english.idioms", "english.words_to_watch"),
        sorted(articles()[0][0]),
    )


def article(text: str) -> Revision:
    return Revision(1, Page("X"), Actor("", True), datetime(2020, 1, 1, tzinfo=UTC), "", text, None)


def _table(rows: Iterable[tuple[dict[str, Any], Revision]], lexicons: Lexicons, names: list[str]) -> Table:
    wanted = features(names, lexicons)
    plan = Plan(wanted)
    table: Table = {name: [] for name in names}
    for expected, revision in rows:
        row = plan.run(revision).row(wanted)
        assert isinstance(row, list), row
        for name, value in zip(names, row, strict=True):
            table[name].append((expected[name], value))
    return table
