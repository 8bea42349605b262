"""What single entries of the API's answers say; whole answers over HTTP are in `test_mediawiki`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assay.revisions.digest import sha1_base36
from assay.revisions.problem import Problem, revision_not_found, text_deleted, text_missing, text_too_large
from assay.revisions.types import UNKNOWN, Actor, Page, Revision
from assay.revisions.wiki.api_document import read_revisions, read_users, with_account

ENTRY: dict[str, Any] = {
    "revid": 5,
    "parentid": 0,
    "user": "Ada",
    "userid": 7,
    "timestamp": "2020-01-01T00:00:00Z",
    "comment": "c",
    "slots": {"main": {"content": "text"}},
}


def read(limit: int = 100, **fields: Any) -> Revision | Problem:
    page = {"title": "T", "revisions": [{**ENTRY, **fields}]}
    (found,) = read_revisions({"query": {"pages": [page]}}, limit).values()
    return found


def revision(**fields: Any) -> Revision:
    found = read(**fields)
    assert isinstance(found, Revision)
    return found


def user(**fields: Any) -> Actor:
    (found,) = read_users({"query": {"users": [{"userid": 7, "name": "Ada", **fields}]}}).values()
    return found


def test_what_a_wiki_leaves_out_is_unknown() -> None:
    assert revision() == Revision(
        5,
        Page("T", UNKNOWN, UNKNOWN),
        Actor("Ada", is_anonymous=False, id=7),
        datetime(2020, 1, 1, tzinfo=UTC),
        "c",
        "text",
        parent=UNKNOWN,
        parent_id=None,
        is_minor=UNKNOWN,
        size_bytes=UNKNOWN,
        sha1=UNKNOWN,
        content_model="wikitext",
        tags=UNKNOWN,
    )


def test_what_it_tells_is_known() -> None:
    hexadecimal = "040f06fd774092478d450774f5ba30c5da78acc8"  # of "content"
    found = revision(parentid=4, minor=False, size=0, sha1=hexadecimal, tags=[])
    assert (found.parent_id, found.is_minor, found.size_bytes, found.tags) == (4, False, 0, ())
    assert found.sha1 == sha1_base36(b"content")
    assert revision(minor=True, size=True).size_bytes is UNKNOWN


@pytest.mark.parametrize(
    ("slot", "problem"),
    [
        ({"texthidden": True}, text_deleted(5)),
        ({"textmissing": True}, text_missing(5)),
        ({"missing": True}, text_missing(5)),
        ({"texthidden": True, "textmissing": True}, text_deleted(5)),
    ],
)
def test_a_text_that_is_not_given_says_why(slot: dict[str, Any], problem: Problem) -> None:
    assert revision(slots={"main": slot}).text == problem


def test_a_text_is_measured_in_bytes_and_may_be_as_long_as_the_limit() -> None:
    for text in ("x" * 10, "é" * 5):
        slots = {"main": {"content": text}}
        assert revision(slots=slots, limit=10).text == text
        assert revision(slots=slots, limit=9).text == text_too_large(5, 10, 9)


@pytest.mark.parametrize(
    ("fields", "actor"),
    [
        ({"user": "192.0.2.1", "userid": 0}, ("192.0.2.1", True, None)),
        ({"user": "192.0.2.1", "userid": 8}, ("192.0.2.1", False, 8)),
        ({"user": "en>Ada", "userid": 0, "anon": True}, ("en>Ada", False, UNKNOWN)),
        ({"user": "~2026-1", "userid": 9, "temp": True}, ("~2026-1", True, 9)),
        ({"user": "~2026-1", "userid": None, "temp": True}, ("~2026-1", True, UNKNOWN)),
        ({"userid": None}, ("Ada", False, UNKNOWN)),
    ],
)
def test_authors(fields: dict[str, Any], actor: tuple[Any, ...]) -> None:
    found = revision(**fields).actor
    assert isinstance(found, Actor)
    assert (found.name, found.is_anonymous, found.id) == actor


def test_hidden_parts_are_problems_of_their_own() -> None:
    found = revision(userhidden=True, user=None, commenthidden=True, comment=None)
    assert isinstance(found.actor, Problem)
    assert isinstance(found.comment, Problem)
    assert (found.actor.code, found.comment.code) == ("user_deleted", "comment_deleted")


@pytest.mark.parametrize("field", ["timestamp", "comment", "user", "slots", "parentid"])
def test_what_must_be_told_and_is_not_is_a_problem_of_the_revision(field: str) -> None:
    spoilt: dict[str, Any] = {field: []}
    found = read(**spoilt)
    assert isinstance(found, Problem)
    assert found.retryable
    assert "the wiki's answer is malformed" in found.message


@pytest.mark.parametrize("shape", [dict, list])
def test_revisions_that_do_not_exist_in_either_shape(shape: type) -> None:
    """formatversion 2 gives a list on newer wikis and an object on older ones."""
    bad = [{"revid": 8, "missing": True}, {"revid": "9"}, None]
    entries = bad if shape is list else dict(zip("089", bad, strict=True))
    assert read_revisions({"query": {"badrevids": entries}}, 1) == {8: revision_not_found(8)}


def test_an_entry_without_an_id_is_nobody_s() -> None:
    entries = [{**ENTRY, "revid": "5"}, {"revid": None}, 5]
    assert read_revisions({"query": {"pages": [{"title": "T", "revisions": entries}, 5]}}, 1) == {}


def test_accounts() -> None:
    found = user(groups=["*", "sysop"], registration="2001-02-03T04:05:06Z", editcount=0)
    assert found == Actor(
        "Ada",
        is_anonymous=False,
        id=7,
        groups=frozenset({"*", "sysop"}),
        registered_at=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
        edit_count=0,
    )
    assert user() == Actor("Ada", is_anonymous=False, id=7)


def test_a_registration_before_there_were_dates_is_none_and_a_spoilt_one_unknown() -> None:
    assert user(registration=None).registered_at is None
    assert user(registration="long ago").registered_at is UNKNOWN
    assert user(registration=7).registered_at is UNKNOWN


def test_accounts_that_do_not_exist_are_left_out() -> None:
    users = [
        {"userid": 7, "missing": True},
        {"userid": 8, "name": "B", "missing": True},
        {"name": "C"},
        {"userid": 9, "name": 9},
        5,
    ]
    assert read_users({"query": {"users": users}}) == {}


def test_an_account_tells_of_an_author_but_not_the_name() -> None:
    account = user(groups=["user"], editcount=3, name="Renamed")
    author = Actor("Ada", is_anonymous=True, id=7)
    assert with_account(author, account) == Actor(
        "Ada", is_anonymous=True, id=7, groups=frozenset({"user"}), edit_count=3
    )
