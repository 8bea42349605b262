"""The live API against MediaWiki itself, and against MediaWiki's own export of the same revisions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from assay.errors import SourceUnavailable
from assay.revisions.open import open_indexed, open_source
from assay.revisions.options import ApiOptions
from assay.revisions.problem import Problem
from assay.revisions.source import Source
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Known, Revision
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.mediawiki import MediaWikiSource
from assay.revisions.wiki.window import ACTOR_PAGES
from cli.running import assay
from documented import arguments
from revisions import real_past
from revisions.fetched import code, one
from revisions.real_past import LARGE, STRANGE, Past
from servers import real_mediawiki
from servers.real_mediawiki import RealMediaWiki
from waiting import soon

EVERYBODY_APPROVED = "$wgUseRCPatrol = false;"
"""Without patrolling, MediaWiki marks an edit as reverted whoever reverted it."""
INSTALLED = 1
"""The main page, of MediaWiki's own making."""
QUICK = ApiOptions(backoff_s=0.001)


@dataclass(frozen=True)
class Lived:
    wiki: RealMediaWiki
    past: Past
    export: Path


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with real_mediawiki.running(settings=EVERYBODY_APPROVED) as wiki:
        past = real_past.live(wiki)
        yield Lived(wiki, past, wiki.export(tmp_path_factory.mktemp("export") / "wiki.xml"))


@pytest.fixture
def past(lived: Lived) -> Past:
    return lived.past


@pytest.fixture
def wiki(lived: Lived) -> Iterator[RealMediaWiki]:
    """With its settings as before afterwards."""
    yield lived.wiki
    lived.wiki.set(EVERYBODY_APPROVED)


@pytest_asyncio.fixture
async def live(lived: Lived) -> AsyncIterator[Source]:
    source = MediaWikiSource(ActionApi(lived.wiki.api_url, QUICK))
    yield source
    await source.aclose()


@pytest_asyncio.fixture
async def exported(lived: Lived) -> AsyncIterator[Source]:
    source = open_indexed(lived.export)
    yield source
    await source.aclose()


def actor(revision: Revision) -> Actor:
    assert isinstance(revision.actor, Actor), revision.actor
    return revision.actor


# Two roads to the same revisions


async def test_the_api_and_the_wikis_own_export_tell_the_same(
    live: Source, exported: Source, past: Past
) -> None:
    """Every revision that the wiki ever had, and some that it never had."""
    ids = range(1, max(past.values()) + 20)
    by_api, by_export = await live.fetch(ids, soon()), await exported.fetch(ids, soon())
    assert sum(isinstance(it, Revision) for it in by_export.values()) > 200
    for rev_id in ids:
        assert _told_by_both(by_api[rev_id]) == _told_by_both(by_export[rev_id]), rev_id


def _told_by_both(value: Revision | Problem | Known[None]) -> Revision | Problem | Known[None]:
    if not isinstance(value, Revision):
        return value
    author = value.actor
    if isinstance(author, Actor):
        author = replace(author, groups=UNKNOWN, registered_at=UNKNOWN, edit_count=UNKNOWN)
    return replace(
        value,
        actor=author,
        parent=_told_by_both(value.parent),
        tags=UNKNOWN,
        page_history=UNKNOWN,
        actor_history=UNKNOWN,
    )


async def test_pasts_agree_with_those_of_the_wikis_own_export_of_articles(
    lived: Lived, tmp_path: Path
) -> None:
    """Contributions are counted in articles only, and their fate is looked up on the pages edited last."""
    articles = lived.wiki.export(tmp_path / "articles.xml", "--filter=namespace:0")
    options = ApiOptions(pasts=True, pasts_timeout_s=60, pasts_queries=10_000)
    live = open_source("livewiki", lived.wiki.api_url, api=options)
    exported = open_indexed(articles)
    assert isinstance(live, MediaWikiSource)
    pasts = await live.with_pasts(list(exported.revisions()), soon())
    await live.aclose()
    assert not pasts.short
    told = pasts.revisions
    assert len(told) > 100
    for rev_id, by_api in told.items():
        by_export = exported.get(rev_id)
        assert isinstance(by_export, Revision)
        assert by_api.page_history == by_export.page_history, rev_id
        seen, whole = by_api.actor_history, by_export.actor_history
        if isinstance(seen, ActorHistory) and isinstance(whole, ActorHistory) and whole.pages > ACTOR_PAGES:
            assert seen.reverted <= whole.reverted
            seen = replace(
                seen,
                reverted=whole.reverted,
                reverts=whole.reverts,
                last_reverted_at=whole.last_reverted_at,
            )
        assert seen == whole, rev_id
    exported.close()


async def test_labels_agree_with_the_wikis_own_mark_of_reverted_edits(
    live: Source, lived: Lived, past: Past
) -> None:
    """Except what a label cannot see, by its definition: an undo that restores no earlier text."""
    here = range(min(past.values()), max(past.values()) + 1)
    marked = {
        rev_id
        for rev_id, it in (await live.fetch(here, soon())).items()
        if isinstance(it, Revision) and isinstance(it.tags, tuple) and "mw-reverted" in it.tags
    }
    source = open_indexed(lived.export)
    labels = {edit.rev_id: edit.label for edit in source.labels() if edit.rev_id in here}
    source.close()
    labelled = {it.rev_id for it in labels.values() if it.reverted or it.self_reverted}
    assert marked - labelled == {past["undone from between"]}
    assert labelled - marked == set()
    assert {past[name] for name in ("anonymous", "blanked", "reverted first", "regretted")} <= labelled
    assert [labels[past[name]].reverted for name in ("reverted second", "regretted")] == [True, False]


# What the API tells


async def test_an_edit_comes_with_its_author_and_parent(live: Source, past: Past) -> None:
    edit = await one(live, past["edit"])
    author = actor(edit)
    assert (author.name, author.is_anonymous) == ("Willi", False)
    assert author.groups == frozenset({"*", "user", "autoconfirmed"})
    assert author.registered_at is not UNKNOWN
    assert author.edit_count is not UNKNOWN
    assert (edit.comment, edit.is_minor, edit.page.title) == ("[[/* Light */]] on", True, "Lighthouse")
    assert isinstance(edit.parent, Revision)
    assert (edit.parent.id, edit.parent.text) == (past["creation"], "It stands.")


async def test_groups_of_bots_administrators_and_addresses(live: Source, past: Past) -> None:
    groups = {name: actor(await one(live, past[name])).groups for name in ("bot", "rollback", "anonymous")}
    assert "bot" in (groups["bot"] or ())
    assert "sysop" in (groups["rollback"] or ())
    assert groups["anonymous"] == frozenset({"*"})


@pytest.mark.parametrize(
    ("name", "tag"),
    [("rollback", "mw-rollback"), ("undo", "mw-undo"), ("blanked", "mw-blank"), ("bot", None)],
)
async def test_tags(live: Source, past: Past, name: str, tag: str | None) -> None:
    tags = (await one(live, past[name])).tags
    assert isinstance(tags, tuple)
    assert tags == () if tag is None else tag in tags


async def test_imported_authors_are_nobody_here_but_no_addresses(live: Source) -> None:
    """The wiki itself flags them as anonymous."""
    first = await one(live, 2)
    assert actor(first) == Actor("imported>Arde~aawiki", is_anonymous=False)
    assert isinstance(first.timestamp, datetime)
    assert first.timestamp.year == 2005


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("hidden text", {"text": "text_deleted"}),
        ("hidden user", {"actor": "user_deleted"}),
        ("hidden comment", {"comment": "comment_deleted"}),
        ("hidden account", {"actor": "user_deleted"}),
        ("hidden wholly", {"text": "text_deleted", "actor": "user_deleted", "comment": "comment_deleted"}),
        ("suppressed", {"text": "text_deleted", "actor": "user_deleted", "comment": "comment_deleted"}),
    ],
)
async def test_hidden_parts(live: Source, past: Past, name: str, fields: dict[str, str]) -> None:
    revision = await one(live, past[name])
    hidden = {
        field: value.code
        for field in ("text", "actor", "comment", "parent")
        if isinstance(value := getattr(revision, field), Problem)
    }
    assert hidden == fields
    assert (revision.sha1 is UNKNOWN) == ("text" in fields)


async def test_a_hidden_parent_spoils_nothing_but_itself(live: Source, past: Past) -> None:
    revision = await one(live, past["after hidden wholly"])
    assert revision.text == "Sand 3"
    assert isinstance(revision.parent, Revision)
    assert code(revision.parent.text) == "text_deleted"


async def test_deleted_undeleted_and_never_saved(live: Source, past: Past) -> None:
    missing = [past["deleted"], 10**6, 2**31, 2**63 - 1, 2**63, 2**70, 0, -1, -past["edit"]]
    found = await live.fetch([*missing, past["undeleted"]], soon())
    assert {code(found[rev_id]) for rev_id in missing} == {"revision_not_found"}
    assert isinstance(found[past["undeleted"]], Revision)


async def test_a_parent_that_stayed_deleted(live: Source, past: Past) -> None:
    child = (await one(live, past["after a deleted one"])).parent
    assert isinstance(child, Revision)
    half = await one(live, child.id)
    assert half.text == "two"
    assert code(half.parent) == "parent_not_found"


async def test_a_moved_page_has_its_new_name(live: Source, past: Past) -> None:
    assert (await one(live, past["moved"])).page.title == "New name"
    moving = await one(live, past["moved"] + 1)
    assert isinstance(moving.parent, Revision)
    assert (moving.parent.id, moving.text) == (past["moved"], "It moves."), "a move saves the same text again"


@pytest.mark.parametrize(
    ("name", "model"), [("script", "javascript"), ("style", "css"), ("json", "json"), ("talk", "wikitext")]
)
async def test_content_models(live: Source, past: Past, name: str, model: str) -> None:
    assert (await one(live, past[name])).content_model == model


async def test_strange_and_large_texts(live: Source, past: Past) -> None:
    assert (await one(live, past["strange"])).text == STRANGE
    assert (await one(live, past["half a character"])).text == "before \ufffd after"
    assert (await one(live, past["large"])).text == LARGE.rstrip()
    assert [(await one(live, past[name])).text for name in ("blanked", "empty page")] == ["", ""]


async def test_recent_edits_of_articles_newest_first(live: Source, past: Past, lived: Lived) -> None:
    """Neither what was imported, nor deleted (even if it came back), nor saved by a move or a protection, nor
    pages of other kinds."""
    source = open_indexed(lived.export)
    articles = {it.id for it in source.revisions() if it.page.namespace == 0}
    source.close()
    saved = {INSTALLED, *past.values()} - {past["undeleted"]}
    expected = sorted(articles & saved, reverse=True)
    assert await live.recent(500, soon()) == expected
    assert await live.recent(3, soon()) == expected[:3]


# What goes wrong


async def test_answers_that_the_wiki_cuts_are_continued(
    live: Source, exported: Source, wiki: RealMediaWiki
) -> None:
    wiki.set("$wgAPIMaxResultSize = 100000;")
    found = await live.fetch(range(2, 122), soon())
    expected = await exported.fetch(range(2, 122), soon())
    assert [_told_by_both(it) for it in found.values()] == [_told_by_both(it) for it in expected.values()]


async def test_a_text_that_no_answer_can_hold_spoils_no_other(
    live: Source, wiki: RealMediaWiki, past: Past
) -> None:
    wiki.set("$wgAPIMaxResultSize = 100000;")
    around = range(past["large"] - 10, past["large"] + 10)
    found = dict(await live.fetch(around, soon()))
    problem = found.pop(past["large"])
    assert isinstance(problem, Problem)
    assert (problem.code, problem.retryable) == ("text_too_large", False)
    assert "$wgAPIMaxResultSize" in problem.message
    assert all(isinstance(it, Revision) for it in found.values())


async def test_a_lagging_wiki(wiki: RealMediaWiki, past: Past) -> None:
    """Every wiki lags more than -2 s. It asks to wait 5 s, which is more than there are."""
    source = MediaWikiSource(ActionApi(wiki.api_url, ApiOptions(maxlag_s=-2)))
    problem = (await source.fetch([past["edit"]], soon(4)))[past["edit"]]
    with pytest.raises(SourceUnavailable, match="maxlag") as raised:
        await source.recent(3, soon(4))
    await source.aclose()
    assert isinstance(problem, Problem)
    assert (problem.code, problem.retryable) == ("source_unavailable", True)
    assert "maxlag" in problem.message
    assert raised.value.delay_s == 5


async def test_a_wiki_that_only_members_may_read(live: Source, wiki: RealMediaWiki, past: Past) -> None:
    wiki.set("$wgGroupPermissions['*']['read'] = false;")
    problem = (await live.fetch([past["edit"]], soon()))[past["edit"]]
    assert isinstance(problem, Problem)
    assert "readapidenied" in problem.message
    with pytest.raises(SourceUnavailable, match="readapidenied"):
        await live.recent(3, soon())


async def test_a_wiki_that_is_read_only_is_read(live: Source, wiki: RealMediaWiki, past: Past) -> None:
    wiki.set("$wgReadOnly = 'The disks are copied.';")
    assert (await one(live, past["edit"])).page.title == "Lighthouse"


async def test_a_wiki_without_its_database(live: Source, wiki: RealMediaWiki, past: Past) -> None:
    wiki.set("$wgSQLiteDataDir = '/nowhere';")
    problem = (await live.fetch([past["edit"]], soon()))[past["edit"]]
    assert isinstance(problem, Problem)
    assert (problem.code, problem.retryable) == ("source_unavailable", True)


async def test_a_wiki_that_is_broken_by_its_settings(live: Source, wiki: RealMediaWiki, past: Past) -> None:
    wiki.set("this is no PHP")
    problem = (await live.fetch([past["edit"]], soon()))[past["edit"]]
    assert isinstance(problem, Problem)
    assert (problem.code, problem.retryable) == ("source_unavailable", True)


# A model of its own


def test_a_wiki_with_few_reverts_is_told_to_stay_with_the_model_for_any(
    wiki: RealMediaWiki, tmp_path: Path
) -> None:
    """The page's own command reads the whole history through the API, and is honest about it."""
    ran = assay(tmp_path, "train", *arguments("train", "livewiki", wiki.api_url))
    assert ran.returncode == 3, ran.stderr
    assert "too few reverts" in ran.stderr
    assert f"assay serve --wiki livewiki={wiki.api_url}" in ran.stderr
    assert not (tmp_path / "bundles").exists()
