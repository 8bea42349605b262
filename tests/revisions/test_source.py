"""One suite for every source: whatever holds the small wiki, the same revisions come out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from assay.clock import Deadline, FakeClock
from assay.revisions.digest import sha1_base36
from assay.revisions.open import open_source
from assay.revisions.problem import Problem
from assay.revisions.source import Source
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, PageHistory, Revision
from revisions import small_wiki
from revisions.fetched import code, one
from waiting import soon

SCHEMAS = tuple(f"0.{minor}" for minor in range(4, 12))
PACKINGS = ("", ".gz", ".bz2", ".xz", ".lzma", ".7z")


@dataclass(frozen=True)
class Kind:
    """A form of the small wiki, and what that form can tell."""

    name: str
    tells_parents: bool = True
    tells_models: bool = True
    tells_accounts: bool = False
    tells_pasts: bool = True


KINDS = (
    *(
        Kind(f"{schema}.xml", tells_parents=int(schema[2:]) >= 7, tells_models=int(schema[2:]) >= 8)
        for schema in SCHEMAS
    ),
    *(Kind(f"0.11.xml{packing}") for packing in PACKINGS if packing),
    *(Kind(f"history.jsonl{packing}") for packing in ("", ".xz")),
    Kind("api.php", tells_accounts=True, tells_pasts=False),
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files and their indexes stay for all tests: what a second opening finds is tested along."""
    return tmp_path_factory.mktemp("sources")


@pytest_asyncio.fixture
async def source(kind: Kind, folder: Path) -> AsyncIterator[Source]:
    if kind.name == "api.php":
        async with small_wiki.stand_in().serving() as server:
            opened = open_source("small", server.url)
            yield opened
            await opened.aclose()
        return
    plain, _, packing = kind.name.partition(".xml") if ".xml" in kind.name else ("", "", "")
    data = small_wiki.export(plain) if plain else small_wiki.history()
    path = folder / kind.name
    if not path.exists():
        small_wiki.pack(data, path)
    assert packing == "" or path.suffix == packing
    opened = open_source("small", str(path))
    yield opened
    await opened.aclose()


async def test_an_edit_comes_whole(source: Source) -> None:
    revision = await one(source, 11)
    assert revision.id == 11
    assert (revision.page.title, revision.page.id, revision.page.namespace) == ("Apple", 1, 0)
    assert revision.timestamp == datetime(2020, 1, 1, 0, 1, tzinfo=UTC)
    assert revision.text == small_wiki.APPLE
    assert revision.comment == "longer"
    assert revision.is_minor is True
    assert revision.size_bytes == len(small_wiki.APPLE)
    assert revision.sha1 == sha1_base36(small_wiki.APPLE.encode())
    assert revision.parent_id == 10
    assert isinstance(revision.actor, Actor)
    assert (revision.actor.name, revision.actor.id, revision.actor.is_anonymous) == ("Alice", 5, False)


async def test_the_parent_is_one_step_deep(source: Source) -> None:
    parent = (await one(source, 13)).parent
    assert isinstance(parent, Revision)
    assert (parent.id, parent.text, parent.comment) == (12, "hahaha", "")
    assert isinstance(parent.actor, Actor)
    assert parent.actor.name == "198.51.100.7"
    assert parent.parent is UNKNOWN
    assert parent.parent_id == 11


async def test_a_page_creation_has_no_parent(source: Source) -> None:
    revision = await one(source, 10)
    assert revision.parent is None
    assert revision.parent_id is None


@pytest.mark.parametrize("rev_id", [10, 14])
async def test_logged_out_authors_are_the_same_from_every_source(source: Source, rev_id: int) -> None:
    actor = (await one(source, rev_id)).actor
    assert isinstance(actor, Actor)
    assert (actor.is_anonymous, actor.id, actor.groups, actor.registered_at) == (
        True,
        None,
        frozenset({"*"}),
        None,
    )


async def test_accounts_are_told_or_unknown(source: Source, kind: Kind) -> None:
    actor = (await one(source, 15)).actor
    assert isinstance(actor, Actor)
    if kind.tells_accounts:
        assert actor.groups == frozenset({"*", "user"})
        assert actor.registered_at == datetime(2019, 1, 1, tzinfo=UTC)
        assert actor.edit_count == 7
    else:
        assert actor.groups is actor.registered_at is actor.edit_count is UNKNOWN


async def test_a_blanked_page_has_an_empty_text(source: Source) -> None:
    assert (await one(source, 14)).text == ""


async def test_strange_texts_come_through_unharmed(source: Source) -> None:
    revision = await one(source, 15)
    assert revision.text == small_wiki.STRANGE
    assert revision.comment == 'strange <&> "comment"'


async def test_a_hidden_part_is_a_problem_in_its_field_only(source: Source) -> None:
    assert code((await one(source, 20)).actor) == "user_deleted"
    assert (await one(source, 20)).text == "Who wrote this?"
    assert code((await one(source, 21)).comment) == "comment_deleted"
    assert (await one(source, 21)).text == "Me."
    hidden = await one(source, 22)
    assert code(hidden.text) == "text_deleted"
    assert hidden.comment == "a comment"


async def test_the_content_model_is_told(source: Source, kind: Kind) -> None:
    assert (await one(source, 30)).content_model == ("css" if kind.tells_models else "wikitext")


async def test_a_missing_parent_is_a_problem_in_its_field(source: Source, kind: Kind) -> None:
    revision = await one(source, 41)
    assert revision.text == "A pear."
    if kind.tells_parents:
        assert revision.parent_id == 40
        assert code(revision.parent) == "parent_not_found"
    else:
        assert revision.parent is None


@pytest.mark.parametrize("rev_id", [0, -1, 40, 999_999, 2**63, 10**30])
async def test_an_id_that_is_not_there_is_a_problem(source: Source, rev_id: int) -> None:
    found = await source.fetch([rev_id, 10], soon())
    assert code(found[rev_id]) == "revision_not_found"
    assert isinstance(found[10], Revision)


async def test_any_number_of_ids_and_doubles(source: Source) -> None:
    wanted = [*small_wiki.EDITS, *range(1000, 1120), *small_wiki.EDITS]
    found = await source.fetch(wanted, soon())
    assert set(found) == set(wanted)
    assert {rev_id for rev_id, it in found.items() if isinstance(it, Revision)} == set(small_wiki.EDITS)
    assert await source.fetch([], soon()) == {}


async def test_pasts_are_told_or_unknown(source: Source, kind: Kind) -> None:
    revision = await one(source, 15)
    if not kind.tells_pasts:
        assert revision.page_history is revision.actor_history is UNKNOWN
        return
    assert revision.page_history == PageHistory(
        edits=5,
        reverts=1,
        reverted=1,
        actors=4,
        created_at=datetime(2020, 1, 1, tzinfo=UTC),
        last_revert_at=datetime(2020, 1, 1, 0, 3, tzinfo=UTC),
        recent_reverts=1,
        recent_reverted=1,
    )
    assert revision.actor_history == ActorHistory(0, 0, 0, 0, 0, None, None, None)


async def test_an_edit_undone_before_the_next_one_counts_in_its_authors_past(
    source: Source, kind: Kind
) -> None:
    revision = await one(source, 22)
    if kind.tells_pasts:
        assert revision.actor_history == ActorHistory(
            edits=1,
            reverted=1,
            reverts=0,
            pages=1,
            edits_to_page=0,
            first_edit_at=datetime(2020, 1, 1, 0, 2, tzinfo=UTC),
            last_edit_at=datetime(2020, 1, 1, 0, 2, tzinfo=UTC),
            last_reverted_at=datetime(2020, 1, 1, 0, 3, tzinfo=UTC),
        )


async def test_recent_edits_come_newest_first(source: Source) -> None:
    assert list(await source.recent(3, soon())) == [41, 15, 14]


async def test_a_deadline_that_passed_gives_retryable_problems(source: Source) -> None:
    clock = FakeClock()
    passed = Deadline.after(1, clock)
    clock.advance(2)
    problem = (await source.fetch([10], passed))[10]
    assert isinstance(problem, Problem)
    assert problem.retryable


async def test_closing_twice_is_harmless(source: Source) -> None:
    await source.fetch([10], soon())
    await source.aclose()
    await source.aclose()
