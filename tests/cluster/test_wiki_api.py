"""The stand-in wiki in its own process, read by the product's own source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from assay.revisions.options import ApiOptions
from assay.revisions.problem import Problem
from assay.revisions.types import Revision
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.mediawiki import MediaWikiSource
from servers.wiki_api import STRIDE, WikiProcess, sample_wiki
from waiting import soon


@pytest.fixture(scope="module")
def wiki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WikiProcess]:
    with sample_wiki(tmp_path_factory.mktemp("wiki")) as wiki:
        yield wiki


@pytest_asyncio.fixture
async def source(wiki: WikiProcess) -> AsyncIterator[MediaWikiSource]:
    source = MediaWikiSource(ActionApi(wiki.url, ApiOptions(attempts=1, attempt_timeout_s=1.0)))
    yield source
    await source.aclose()
    wiki.mend()


async def test_a_copy_is_the_original_under_another_id(wiki: WikiProcess, source: MediaWikiSource) -> None:
    assert len(wiki.rev_ids) > 50
    for rev_id in wiki.rev_ids[:50]:
        copied = rev_id + 7 * STRIDE
        found = await source.fetch([rev_id, copied], soon())
        original, copy = found[rev_id], found[copied]
        assert isinstance(original, Revision)
        assert isinstance(copy, Revision)
        assert isinstance(original.parent, Revision)
        assert isinstance(copy.parent, Revision)
        assert replace(copy, id=rev_id, parent_id=original.parent_id, parent=original.parent) == original
        assert copy.parent.text == original.parent.text


async def test_what_never_was_has_no_copies(source: MediaWikiSource) -> None:
    found = await source.fetch([1, 1 + STRIDE], soon())
    assert [cell.code for cell in found.values() if isinstance(cell, Problem)] == ["revision_not_found"] * 2


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("status", {"code": 500}, "HTTP 500"),
        ("status", {"code": 429, "retry_after_s": 1}, "HTTP 429"),
        ("rubbish", {}, "not JSON"),
        ("half", {}, "not JSON"),
        ("cut", {}, "connection failed"),
        ("silent", {}, "no answer within"),
        ("slow", {"delay_s": 30}, "no answer within"),
    ],
)
async def test_a_fault_lasts_until_it_is_mended(
    wiki: WikiProcess, source: MediaWikiSource, kind: str, options: dict[str, float], told: str
) -> None:
    rev_id = wiki.rev_ids[0]
    before = wiki.spoilt
    wiki.fault(kind, **options)
    for _ in range(2):
        cell = (await source.fetch([rev_id], soon()))[rev_id]
        assert isinstance(cell, Problem)
        assert cell.retryable
        assert told in cell.message
    assert wiki.spoilt == before + 2
    wiki.mend()
    assert isinstance((await source.fetch([rev_id], soon()))[rev_id], Revision)
