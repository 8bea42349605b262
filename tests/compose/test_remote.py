"""Long lists scored by a server: the same file as here, whatever is cut off on the way."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.client import AsyncClient, Away, Patience, Refused
from assay.compose.remote import RemoteScorer, open_remote, ours
from assay.errors import ConfigurationError, RequestError, SourceUnavailable, UnknownModel, UnknownWiki
from assay.scoring.batch import Batch, BatchOptions, LocalScorer, Terms
from assay.scoring.lines import LinesFile
from assay.serving.cells import cell_document
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from small_app import AWAY, SmallApp, small_service

QUICK = BatchOptions(chunk=40, backoff_s=0.0, retries=2)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving(SmallApp().build().asgi) as started:
        yield started


async def _remote(served: Served, path: Path, ids: Sequence[int], **told: bool) -> None:
    async with AsyncClient(served.url, patience=Patience(retries=0)) as client:
        scorer = await open_remote(client, "smallwiki", ["damaging", "goodfaith"], **told)
        with LinesFile(path) as lines:
            await Batch(scorer, QUICK).run(iter(ids), lines, lambda more: None)


async def test_a_server_gives_the_file_that_this_process_gives(served: Served, tmp_path: Path) -> None:
    ids = [*range(1, 100), 404, 405, 3, 3]
    await _remote(served, tmp_path / "there", ids, features=True, explain=True)
    service = small_service(Metrics("test"))
    here = LocalScorer(
        service, "smallwiki", ("damaging", "goodfaith"), cell_document, features=True, explain=True
    )
    with LinesFile(tmp_path / "here") as lines:
        await Batch(here, QUICK).run(iter(ids), lines, lambda more: None)
    assert (tmp_path / "there").read_bytes() == (tmp_path / "here").read_bytes()


async def test_a_torn_file_is_gone_on_with(served: Served, tmp_path: Path) -> None:
    ids = list(range(1, 100))
    await _remote(served, tmp_path / "whole", ids)
    whole = (tmp_path / "whole").read_bytes()
    (tmp_path / "torn").write_bytes(whole[: len(whole) // 2])
    await _remote(served, tmp_path / "torn", ids)
    assert (tmp_path / "torn").read_bytes() == whole


async def test_what_stays_away_stops_the_batch_and_keeps_what_is_done(served: Served, tmp_path: Path) -> None:
    ids = [*range(1, 41), AWAY]
    with pytest.raises(SourceUnavailable, match="run the same command again"):
        await _remote(served, tmp_path / "out", ids)
    lines = (tmp_path / "out").read_bytes().splitlines()
    assert [orjson.loads(line)["rev_id"] for line in lines] == list(range(1, 41))


async def test_unknown_names_are_told_before_anything_is_scored(served: Served) -> None:
    async with AsyncClient(served.url) as client:
        with pytest.raises(UnknownWiki, match="there are: awaywiki, smallwiki, testwiki"):
            await open_remote(client, "nowiki", None)
        with pytest.raises(UnknownModel, match="smallwiki has no model magic; there are: "):
            await open_remote(client, "smallwiki", ["magic"])
        with pytest.raises(ConfigurationError, match="name one of the wikis"):
            await open_remote(client, None, None)


class CutClient(AsyncClient):
    """Each request tells one revision, then the stream is cut off."""

    def __init__(self, digest: str) -> None:
        super().__init__("http://127.0.0.1:9")
        self.asked: list[Sequence[int]] = []
        self._digest = digest

    async def lines(
        self, wiki: str, rev_ids: Sequence[int], **asked: Any
    ) -> AsyncGenerator[Mapping[str, Any]]:
        self.asked.append(rev_ids)
        yield {"models": {"damaging": {"digest": self._digest}}}
        yield {"revision": rev_ids[-1], "scores": {"damaging": {"score": {}}}}


async def test_after_a_cut_only_what_is_missing_is_asked_for(tmp_path: Path) -> None:
    client = CutClient("d1")
    with LinesFile(tmp_path / "out") as lines:
        await Batch(RemoteScorer(client, Terms("w", {"damaging": "d1"})), QUICK).run(
            iter([1, 2, 3]), lines, lambda more: None
        )
    assert client.asked == [(1, 2, 3), (1, 2), (1,)]
    assert lines.count == 3


async def test_a_server_with_other_bundles_ends_the_batch(tmp_path: Path) -> None:
    scorer = RemoteScorer(CutClient("d2"), Terms("w", {"damaging": "d1"}))
    with LinesFile(tmp_path / "out") as lines, pytest.raises(ConfigurationError, match="other bundles"):
        await Batch(scorer, QUICK).run(iter([1]), lines, lambda more: None)


def test_errors_keep_whether_asking_again_helps() -> None:
    busy = ours(Refused("busy", status=429, code="x", retryable=True, delay_s=7))
    assert isinstance(busy, SourceUnavailable)
    assert busy.delay_s == 7
    assert isinstance(ours(Away("gone")), SourceUnavailable)
    assert isinstance(ours(Refused("no", status=400, code="x", retryable=False)), RequestError)
