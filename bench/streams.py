"""Thousands of revisions: one stream against requests for 50 revisions, asked of the same server in turns.

``PYTHONPATH=tests python -m bench.streams``: `assay serve` with one scoring process, before a stand-in for
MediaWiki's API that serves the sample wiki, each revision under ever new ids. What is compared takes turns
in every round; the ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from statistics import median
from typing import Final

import aiohttp
from bench.probe import cpu_s, table
from bench.serving import scorable, serve

from assay.client import AsyncClient
from assay.compose.bundles import SAMPLE_WIKI
from servers.wiki_api import STRIDE, sample_wiki

REVISIONS: Final = 600
ROUNDS: Final = 3
MODELS: Final = ("damaging", "goodfaith")
Way = Callable[[AsyncClient, Sequence[int]], Awaitable[int]]


async def streamed(client: AsyncClient, rev_ids: Sequence[int]) -> int:
    return len([rev_id async for rev_id, _ in client.stream(SAMPLE_WIKI, rev_ids, MODELS)])


async def asked(client: AsyncClient, rev_ids: Sequence[int]) -> int:
    return len(await client.score(SAMPLE_WIKI, rev_ids, MODELS))


WAYS: Final[dict[str, tuple[Way, int]]] = {
    "one stream": (streamed, 1),
    "50 at a time, one request after the other": (asked, 1),
    "50 at a time, four requests at once": (asked, 4),
}


async def main() -> None:
    with tempfile.TemporaryDirectory() as name, sample_wiki(Path(name)) as wiki:
        source = ("--wiki", f"{SAMPLE_WIKI}={wiki.url}", "--bundles", f"{SAMPLE_WIKI}=enwiki")
        async with aiohttp.ClientSession() as session:
            with serve(Path(name), session, *source) as site:
                await site.ready()
                originals = await scorable(site, wiki)
                fresh = (rev_id + STRIDE * turn for turn in count(1) for rev_id in originals)
                await compare("Computed", site.url, lambda: site.parts()["web"], fresh)
                again = list(islice(fresh, REVISIONS))
                async with AsyncClient(site.url) as client:
                    await streamed(client, again)
                repeated = (rev_id for _ in count() for rev_id in again)
                await compare("Cached", site.url, lambda: site.parts()["web"], repeated)


async def compare(title: str, url: str, web: Callable[[], list[int]], rev_ids: Iterator[int]) -> None:
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    costs: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, (way, at_once) in WAYS.items():
            chosen = list(islice(rev_ids, REVISIONS))
            async with AsyncClient(url, at_once=at_once) as client:
                before_s, started_s = cpu_s(web()), time.perf_counter()
                assert await way(client, chosen) == REVISIONS
                rates[name].append(REVISIONS / (time.perf_counter() - started_s))
                costs[name].append(1e3 * (cpu_s(web()) - before_s) / REVISIONS)
    first = rates["one stream"]
    rows = [
        (
            name,
            median(rates[name]),
            median(a / b for a, b in zip(first, found, strict=True)),
            median(costs[name]),
        )
        for name, found in rates.items()
    ]
    table(
        f"{title} scores of {REVISIONS} revisions by two models",
        ("way", "revisions/s", "the stream is so many times as fast", "web, ms CPU for a revision"),
        rows,
    )


if __name__ == "__main__":
    asyncio.run(main())
