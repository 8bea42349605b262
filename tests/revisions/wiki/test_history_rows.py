"""A line of a history says what serving reads in the very same entry of the API's answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.errors import SourceUnavailable
from assay.revisions.files.compressed import open_stream
from assay.revisions.files.history import read_history
from assay.revisions.problem import Problem, text_deleted
from assay.revisions.record import MAX_TEXT_BYTES, Record, TextState
from assay.revisions.types import Actor, Revision
from assay.revisions.wiki.action_api import continuation
from assay.revisions.wiki.api_document import read_revisions
from assay.revisions.wiki.history_rows import rows, texts
from shared_data import shared

ENTRY: dict[str, Any] = {
    "revid": 5, "parentid": 4, "minor": False, "user": "Ada", "userid": 7,
    "timestamp": "2020-01-01T00:00:00Z",
    "size": 4, "sha1": "372ea08cab33e71c02c651dbc83a474d32c676ea", "comment": "c",
    "slots": {"main": {"contentmodel": "wikitext", "content": "text"}},
}  # fmt: skip
TALK: dict[str, Any] = {"pageid": 12, "ns": 1, "title": "Talk:Ada"}
TEMPORARY = {"user": "~2026-1", "temp": True, "userid": 9}
ODD: list[dict[str, Any]] = [
    {},
    {"minor": True, "parentid": 0, "size": 0},
    {"user": "192.0.2.7", "anon": True, "userid": 0},
    {"user": "2001:DB8::1", "userid": 0},
    {"user": "imported>Bo", "anon": True, "userid": 0},
    TEMPORARY,
    {"user": "A\ud83d", "comment": "\udc00"},
    {"userhidden": True, "user": "told to administrators"},
    {"commenthidden": True, "comment": "told to administrators"},
]
"""Of what MediaWiki 1.39 does not give, and what it gives only to those who may see more."""


def recorded() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pages and entries that a real wiki gave: hidden parts, other content models, moved and huge pages."""
    found = orjson.loads(shared("samples/mediawiki/revisions_odd.json").read_bytes())["query"]["pages"]
    return [(page, entry) for page in found for entry in page["revisions"]]


def told(page: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The line of a history without its text."""
    (row,) = rows({"query": {"allrevisions": [{**page, "revisions": [entry]}]}})
    return row


def read_again(line: dict[str, Any], folder: Path) -> Record:
    path = folder / "history.jsonl"
    path.write_bytes(orjson.dumps(line))
    with open_stream(path) as stream:
        (record,) = read_history(stream, path)
    return record


@pytest.mark.parametrize(("page", "entry"), [*recorded(), *((TALK, {**ENTRY, **changes}) for changes in ODD)])
def test_what_is_written_is_what_serving_reads(
    page: dict[str, Any], entry: dict[str, Any], tmp_path: Path
) -> None:
    record = read_again(told(page, entry), tmp_path)
    (served,) = read_revisions(
        {"query": {"pages": [{**page, "revisions": [entry]}]}}, MAX_TEXT_BYTES
    ).values()
    assert isinstance(served, Revision)
    assert (record.rev_id, record.parent_id) == (served.id, served.parent_id)
    assert (record.title, record.page_id, record.namespace) == (
        served.page.title,
        served.page.id,
        served.page.namespace,
    )
    assert datetime.fromtimestamp(record.timestamp_s, UTC) == served.timestamp
    assert record.comment == (None if isinstance(served.comment, Problem) else served.comment)
    if isinstance(served.actor, Problem):
        assert record.user is None
    else:
        assert isinstance(served.actor, Actor)
        assert (record.user, record.is_anonymous) == (served.actor.name, served.actor.is_anonymous)
        assert record.is_anonymous or record.user_id == served.actor.id
    assert (record.is_minor, record.size_bytes) == (served.is_minor, served.size_bytes)
    assert record.content_model == served.content_model
    if served.text == text_deleted(served.id):
        assert record.text_state is TextState.HIDDEN
    else:
        assert (record.text_state, record.sha1) == (TextState.MISSING, served.sha1)


@pytest.mark.parametrize(("page", "entry"), recorded())
def test_texts_are_those_that_serving_reads(page: dict[str, Any], entry: dict[str, Any]) -> None:
    answer = {"query": {"pages": [{**page, "revisions": [entry]}]}}
    (served,) = read_revisions(answer, MAX_TEXT_BYTES).values()
    assert isinstance(served, Revision)
    hidden = isinstance(served.text, Problem)
    assert texts(answer) == {entry["revid"]: None if hidden else served.text}


def test_pages_without_revisions_and_revisions_that_are_gone_have_no_texts() -> None:
    assert texts({"query": {"badrevids": {"9": {"revid": 9, "missing": True}}}}) == {}
    assert texts({"query": {"pages": [{**TALK, "missing": True}]}}) == {}


@pytest.mark.parametrize("flag", ["texthidden", "textmissing", "missing"])
def test_a_text_that_is_not_shown_is_none(flag: str) -> None:
    entry = {**ENTRY, "slots": {"main": {flag: True}}}
    assert texts({"query": {"pages": [{**TALK, "revisions": [entry]}]}}) == {5: None}


@pytest.mark.parametrize(
    "changes",
    [
        *({name: None} for name in ("revid", "parentid", "timestamp", "user", "comment")),
        {"timestamp": "yesterday"}, {"timestamp": "0001-01-01T00:00:00+14:00"}, {"revid": "x"}, {"slots": []},
    ],
    ids=str,
)  # fmt: skip
def test_one_entry_that_cannot_be_read_spoils_the_answer(changes: dict[str, Any]) -> None:
    """A history with a hole would give wrong labels."""
    pages = [{**TALK, "revisions": [ENTRY, {**ENTRY, **changes}]}]
    with pytest.raises(SourceUnavailable, match="malformed"):
        rows({"query": {"allrevisions": pages}})


@pytest.mark.parametrize("answer", [{}, {"query": []}, {"query": {"allrevisions": [5], "pages": [5]}}])
def test_an_answer_of_another_shape_is_malformed(answer: dict[str, Any]) -> None:
    with pytest.raises(SourceUnavailable, match="malformed"):
        rows(answer)
    with pytest.raises(SourceUnavailable, match="malformed"):
        texts(answer)


def test_where_to_go_on_is_told_as_parameters() -> None:
    assert continuation({"continue": {"arvcontinue": "20200101|7", "n": 5}}) == {
        "arvcontinue": "20200101|7",
        "n": "5",
    }
    assert continuation({"batchcomplete": True}) is None
