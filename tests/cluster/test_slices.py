"""Two releases on one Redis: each request is scored by workers of its own release, and no other.

On 2016-08-01 the canary's web process put its jobs on the one queue that all releases shared, so old
workers scored them and the canary proved nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from assay.models.manifest import sealed
from cluster.small_cluster import MODELS, START_LIMIT_S, Cluster
from cluster.steady import same
from servers.processes import ASSAY, Process, running, status
from servers.redis import free_port
from servers.wiki_api import STRIDE
from waiting import until

REQUESTS: Final = 1000
AT_ONCE: Final = 12
FIRST: Final = 900_000
"""Copies of real edits from here on; no other test of the cluster asks for them."""


@dataclass
class Slice:
    """Web and worker of one release."""

    release: str
    port: int
    metrics_port: int
    web: Process
    worker: Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def jobs(self, port: int, outcome: str) -> float:
        """How many jobs the process with that port counts."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            text = answer.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "assay_engine_jobs_total" and sample.labels["outcome"] == outcome
        )


def _slice(cluster: Cluster, stack: ExitStack, release: str, **more: str) -> Slice:
    port, metrics_port = free_port(), free_port()
    environment = {**cluster.environment, "ASSAY_RELEASE": release, **more}
    worker = Process(
        f"worker of {release}",
        [*ASSAY, "worker", "--processes", "1", "--metrics-port", str(metrics_port)],
        cluster.folder,
        environment,
    )
    web = Process(f"web of {release}", [*ASSAY, "web", "--port", str(port)], cluster.folder, environment)
    return Slice(
        release, port, metrics_port, stack.enter_context(running(web)), stack.enter_context(running(worker))
    )


def _until_ready(*slices: Slice) -> None:
    for one in slices:
        one.web.until(lambda port=one.port: status(port, "/readyz") == 200, START_LIMIT_S)  # type: ignore[misc]


@pytest.fixture(scope="module")
def slices(whole_cluster: Cluster) -> Iterator[tuple[Slice, Slice]]:
    with ExitStack() as stack:
        stable = _slice(whole_cluster, stack, "stable")
        candidate = _slice(whole_cluster, stack, "candidate")
        _until_ready(stable, candidate)
        yield stable, candidate


async def _ask(session: aiohttp.ClientSession, one: Slice, query: str) -> tuple[aiohttp.ClientResponse, Any]:
    async with session.get(f"{one.url}/v3/scores/samplewiki/?models={'|'.join(MODELS)}&{query}") as response:
        return response, await response.json()


def test_in_a_thousand_mixed_requests_no_release_scores_for_another(
    whole_cluster: Cluster, slices: tuple[Slice, Slice]
) -> None:
    originals = list(whole_cluster.scores)
    wrong: list[str] = []

    async def ask(session: aiohttp.ClientSession, gate: asyncio.Semaphore, number: int, one: Slice) -> None:
        original = originals[number % len(originals)]
        copied = original + (FIRST + number) * STRIDE
        async with gate:
            response, document = await _ask(session, one, f"revids={copied}")
        named = response.headers["X-Assay-Release"]
        cells = document["samplewiki"]["scores"][str(copied)]
        if (response.status, named) != (200, one.release):
            wrong.append(f"{copied}: {response.status} by {named}")
        for model, expected in whole_cluster.scores[original].items():
            if not same(expected, cells[model].get("score", {}).get("probability", {})):
                wrong.append(f"{copied} {model}: {cells[model]}")

    async def ask_all() -> None:
        gate, chance = asyncio.Semaphore(AT_ONCE), random.Random(20160801)
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            for number in range(REQUESTS):
                group.create_task(ask(session, gate, number, chance.choice(slices)))

    asyncio.run(ask_all())
    assert wrong == []
    for one in slices:  # readiness probes included, on both sides
        until(lambda one=one: one.jobs(one.port, "done") == one.jobs(one.metrics_port, "done"), 10)  # type: ignore[misc]
        for outcome in ("wrong_release", "wrong_bundles", "damaged"):
            assert one.jobs(one.port, outcome) == one.jobs(one.metrics_port, outcome) == 0
    assert sum(one.jobs(one.metrics_port, "done") for one in slices) >= REQUESTS


def test_scores_are_shared_by_releases_with_equal_bundles_and_code_only(
    whole_cluster: Cluster, slices: tuple[Slice, Slice]
) -> None:
    retrained = whole_cluster.folder / "retrained"
    shutil.copytree(whole_cluster.bundles, retrained)
    manifest = retrained / "enwiki" / "damaging" / "manifest.json"
    document = json.loads(manifest.read_text())
    manifest.write_bytes(sealed({**document, "version": document["version"] + "1"}).to_bytes())
    folders = json.dumps([str(retrained)])

    async def told(one: Slice, rev_id: int) -> tuple[str, str]:
        async with aiohttp.ClientSession() as session:
            response, answer = await _ask(session, one, f"revids={rev_id}")
        return response.headers["X-Cache"], answer["samplewiki"]["models"]["damaging"]["version"]

    stable, candidate = slices
    rev_id = next(iter(whole_cluster.scores)) + (FIRST - 1) * STRIDE
    with ExitStack() as stack:
        other = _slice(whole_cluster, stack, "retrained", ASSAY_BUNDLE_DIRECTORIES=folders)
        _until_ready(other)
        version = document["version"]
        assert asyncio.run(told(stable, rev_id)) == ("miss", version)
        assert asyncio.run(told(candidate, rev_id)) == ("hit", version)
        assert asyncio.run(told(other, rev_id)) == ("miss", version + "1")
        assert asyncio.run(told(other, rev_id)) == ("hit", version + "1")
        assert asyncio.run(told(stable, rev_id)) == ("hit", version)
