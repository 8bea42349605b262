"""The history of a real MediaWiki through its API against the wiki's own export: equal to the last field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.clock import SystemClock
from assay.errors import SourceError, TooFewReverts
from assay.models.training.wiki_history import fetch_history
from assay.revisions.open import open_indexed
from assay.revisions.types import UNKNOWN, Actor, Revision
from assay.revisions.wiki.download import Window
from revisions import real_past
from servers import real_mediawiki
from servers.real_mediawiki import RealMediaWiki

MEMBERS_ONLY = "$wgGroupPermissions['*']['read'] = false;"


@dataclass(frozen=True)
class Lived:
    wiki: RealMediaWiki
    export: Path


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    with real_mediawiki.running() as wiki:
        real_past.live(wiki)
        yield Lived(wiki, wiki.export(tmp_path_factory.mktemp("export") / "wiki.xml"))


async def fetched(wiki: RealMediaWiki, folder: Path, least_reverted: int = 0) -> Path:
    history = await fetch_history(
        None,
        Window(wiki.api_url),
        folder,
        SystemClock(),
        datetime.now(UTC),
        lambda *_: None,
        least_reverted=least_reverted,
    )
    assert history.wiki == "livewiki"
    return history.path


def alike(revision: Revision) -> Revision:
    """Without what one side alone knows: accounts' ids of files that lack them, and neighbours."""
    actor = revision.actor
    plain = replace(actor, id=UNKNOWN, groups=UNKNOWN) if isinstance(actor, Actor) else actor
    return replace(revision, actor=plain, parent=UNKNOWN, actor_history=UNKNOWN, text="", tags=UNKNOWN)


async def test_the_api_and_the_wikis_own_export_give_one_history(lived: Lived, tmp_path: Path) -> None:
    ours, theirs = open_indexed(await fetched(lived.wiki, tmp_path)), open_indexed(lived.export)
    labels = {edit.rev_id: edit for edit in ours.labels()}
    articles = {
        edit.rev_id: edit
        for edit in theirs.labels()
        if isinstance(found := theirs.get(edit.rev_id), Revision) and found.page.namespace == 0
    }
    assert labels == articles
    assert sum(edit.label.reverted for edit in labels.values()) > 20
    with_text = 0
    for rev_id in labels:
        one, other = ours.get(rev_id), theirs.get(rev_id)
        assert isinstance(one, Revision)
        assert isinstance(other, Revision)
        assert alike(one) == alike(other)
        if isinstance(one.text, str):
            assert one.text == other.text
            with_text += 1
    assert with_text > 60
    ours.close()
    theirs.close()


async def test_too_few_reverts(lived: Lived, tmp_path: Path) -> None:
    with pytest.raises(TooFewReverts, match="use anywiki"):
        await fetched(lived.wiki, tmp_path, least_reverted=1000)


async def test_a_wiki_that_only_members_may_read(lived: Lived, tmp_path: Path) -> None:
    lived.wiki.set(MEMBERS_ONLY)
    try:
        with pytest.raises(SourceError, match="the wiki is private"):
            await fetched(lived.wiki, tmp_path)
    finally:
        lived.wiki.set("")
