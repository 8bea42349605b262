"""What roots read, against the answers of a real wiki: they hold what the wiki told, hidden or not."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from assay.features.graph.injection import decode_injection
from assay.features.graph.node import Root
from assay.features.graph.plan import Plan
from assay.features.roots import (
    ACTOR_HISTORY,
    COMMENT,
    MINOR,
    PAGE_HISTORY,
    PAGE_NAMESPACE,
    PAGE_TITLE,
    PARENT_ACTOR,
    PARENT_COMMENT,
    PARENT_TEXT,
    PARENT_TIMESTAMP,
    REVISION_ID,
    TEXT,
    TIMESTAMP,
    USER_EDIT_COUNT,
    USER_GROUPS,
    USER_ID,
    USER_IS_ANONYMOUS,
    USER_NAME,
    USER_REGISTRATION,
)
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, UNSAVED, Actor, Revision
from assay.revisions.wiki.api_document import read_revisions, read_users, with_account
from features.edits import edit
from shared_data import shared

OF_PARENT = (PARENT_TEXT, PARENT_TIMESTAMP, PARENT_COMMENT, PARENT_ACTOR)


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shared(f"samples/mediawiki/{name}.json").read_text("utf-8"))
    return found


def revisions(name: str) -> dict[int, Revision]:
    found = read_revisions(document(name), 10**7)
    return {number: item for number, item in found.items() if isinstance(item, Revision)}


def values(revision: Revision, *roots: Root) -> list[Any]:
    found = Plan(roots).run(revision)
    return [found.raw(root) for root in roots]


def odd(title: str) -> Revision:
    (found,) = (item for item in revisions("revisions_odd").values() if item.page.title == title)
    return found


def test_real_revisions_are_read_as_the_wiki_told_them() -> None:
    told = document("revisions_50")["query"]["pages"]
    read = revisions("revisions_50")
    entries = [(page, entry) for page in told for entry in page["revisions"]]
    assert len(entries) == 50
    for page, entry in entries:
        revision = read[entry["revid"]]
        assert values(
            revision, REVISION_ID, TEXT, COMMENT, USER_NAME, USER_ID, PAGE_TITLE, PAGE_NAMESPACE, TIMESTAMP
        ) == [
            entry["revid"],
            entry["slots"]["main"]["content"],
            entry["comment"],
            entry["user"],
            entry["userid"] or None,
            page["title"],
            page["ns"],
            datetime.fromisoformat(entry["timestamp"]),
        ]
        assert values(revision, USER_IS_ANONYMOUS, MINOR) == [
            entry["userid"] == 0,
            entry.get("minor", UNKNOWN),
        ]


def test_real_accounts_are_read_as_the_wiki_told_them() -> None:
    users = [user for user in document("users")["query"]["users"] if "userid" in user]
    accounts = read_users(document("users"))
    assert len(users) == 2
    for user in users:
        author = with_account(Actor(user["name"], False, user["userid"]), accounts[user["userid"]])
        assert values(edit(None, "", actor=author), USER_GROUPS, USER_REGISTRATION, USER_EDIT_COUNT) == [
            set(user["groups"]),
            datetime.fromisoformat(user["registration"]),
            user["editcount"],
        ]


def test_a_child_s_parent_is_read_as_the_parent_itself() -> None:
    for parent in revisions("revisions_50").values():
        child = edit(None, "later", parent=parent)
        assert values(child, *OF_PARENT) == [
            *values(parent, TEXT, TIMESTAMP, COMMENT),
            parent.actor,
        ]


def test_the_pasts_are_those_before_the_edit() -> None:
    revision = edit("a", "b")
    assert values(revision, PAGE_HISTORY, ACTOR_HISTORY) == [UNKNOWN, UNKNOWN]
    told = replace(revision, page_history="page's", actor_history="actor's")  # type: ignore[arg-type]
    assert values(told, PAGE_HISTORY, ACTOR_HISTORY) == ["page's", "actor's"]


def test_what_a_wiki_hides_is_a_problem_in_its_own_field_only() -> None:
    text, user, comment = (odd(f"Hidden {what}") for what in ("content", "user", "comment"))
    fields = (TEXT, USER_NAME, USER_ID, USER_IS_ANONYMOUS, COMMENT)
    for revision, hidden in ((text, {0}), (user, {1, 2, 3}), (comment, {4})):
        found = values(revision, *fields)
        assert {place for place, value in enumerate(found) if isinstance(value, Problem)} == hidden


def test_of_a_parent_hidden_texts_are_problems_but_hidden_names_and_summaries_unknown() -> None:
    """An edit can be scored without them; without its parent's text it cannot."""
    text, user, comment = (odd(f"Hidden {what}") for what in ("content", "user", "comment"))
    assert isinstance(values(edit(None, "b", parent=text), PARENT_TEXT)[0], Problem)
    assert values(edit(None, "b", parent=user), PARENT_ACTOR) == [UNKNOWN]
    assert values(edit(None, "b", parent=comment), PARENT_COMMENT) == [UNKNOWN]


@pytest.mark.parametrize(("title", "model"), [("MediaWiki:Common.css", "css"), ("User:Admin/x.json", "json")])
def test_texts_of_other_content_models_are_problems(title: str, model: str) -> None:
    page = odd(title)
    for found in (*values(page, TEXT), *values(edit(None, "b", parent=page), PARENT_TEXT)):
        assert isinstance(found, Problem)
        assert found.code == "unexpected_content_model"
        assert found.message.startswith(f"Revision {page.id} has the content model '{model}'")
    assert values(page, PAGE_TITLE, PARENT_TIMESTAMP) == [title, UNKNOWN]


@pytest.mark.parametrize("parent", [None, UNKNOWN, Problem("parent_gone", "X", "it is gone")])
def test_a_parent_that_is_none_unknown_or_a_problem_is_so_in_all_its_fields(parent: Any) -> None:
    assert values(edit("a", "b", parent=parent), *OF_PARENT) == [parent] * 4


def test_a_text_that_is_not_saved_has_no_id() -> None:
    assert values(edit("a", "b", id=UNSAVED), REVISION_ID) == [UNKNOWN]


@pytest.mark.parametrize(
    ("root", "raw", "value"),
    [
        (REVISION_ID, 7, 7),
        (TEXT, "x", "x"),
        (COMMENT, "x", "x"),
        (MINOR, True, True),
        (PAGE_TITLE, "P", "P"),
        (PAGE_NAMESPACE, 10, 10),
        (USER_NAME, "U", "U"),
        (USER_IS_ANONYMOUS, False, False),
        (USER_GROUPS, ["bot"], {"bot"}),
        (USER_EDIT_COUNT, 3, 3),
        (TIMESTAMP, "2020-01-01T00:00:00Z", datetime.fromisoformat("2020-01-01T00:00:00Z")),
    ],
)
def test_what_is_injected_goes_before_what_was_read(root: Root, raw: Any, value: Any) -> None:
    injection = decode_injection([root], {root.name: raw})
    assert Plan([root], frozenset(injection)).run(edit("a", "b"), injection).raw(root) == value


@pytest.mark.parametrize("root", [*OF_PARENT, USER_ID, USER_REGISTRATION], ids=repr)
def test_what_may_be_none_may_be_injected_so(root: Root) -> None:
    assert root.from_json is not None
    assert root.from_json(None) is None
