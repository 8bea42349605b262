"""Two web processes, two workers of one process each, a Redis behind a fault proxy, and a wiki.

Time limits are shorter than the defaults, so that a test of a time-out takes seconds; nothing else differs
from what an operator runs.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from assay.clock import Deadline, SystemClock
from assay.compose.bundles import choose
from assay.compose.models import load_chosen
from assay.models.library import shipped_folder
from assay.models.recipe import label_name
from assay.revisions.types import Revision
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.mediawiki import MediaWikiSource
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.settings import load
from cluster.steady import Load, Scores
from servers import redis as redis_server
from servers.processes import ASSAY, Process, running, status
from servers.proxy import FaultProxy
from servers.redis import RedisServer, free_port
from servers.wiki_api import WikiProcess, sample_wiki
from waiting import until

START_LIMIT_S: Final = 120.0
TIME_LIMIT_S: Final = 4.0
AWAY_GRACE_S: Final = 1.0
REQUEST_TIMEOUT_S: Final = 15.0
MODELS: Final = ("damaging", "goodfaith")
_REVISIONS: Final = 40
_first = itertools.count(1)


@dataclass
class Cluster:
    """`webs`, `workers`: by name. `ports`: of the web processes."""

    folder: Path
    redis: RedisServer
    proxy: FaultProxy
    wiki: WikiProcess
    bundles: Path
    scores: Mapping[int, Scores]
    environment: Mapping[str, str]
    webs: dict[str, Process] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    workers: dict[str, Process] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports.values()]

    def load(self) -> Load:
        """Never asks for what another load on this cluster asked for, as long as each is below 100 000."""
        return Load(self.urls, self.scores, first=next(_first) * 100_000)

    def web(self, name: str, **more: str) -> Process:
        """Not started."""
        port = self.ports.setdefault(name, free_port())
        return Process(name, [*ASSAY, "web", "--port", str(port)], self.folder, {**self.environment, **more})

    def worker(self, name: str, **more: str) -> Process:
        return Process(
            name, [*ASSAY, "worker", "--processes", "1"], self.folder, {**self.environment, **more}
        )

    def started(self, stack: ExitStack) -> Cluster:
        """All processes begun at once, then waited for; they end with the stack."""
        for name in ("worker-1", "worker-2"):
            self.workers[name] = stack.enter_context(running(self.worker(name)))
        for name in ("web-1", "web-2"):
            self.webs[name] = stack.enter_context(running(self.web(name)))
        self.until_whole()
        return self

    def until_whole(self) -> None:
        """Every process runs and is ready; whatever a test ended is begun again."""
        for process in (*self.webs.values(), *self.workers.values()):
            if not process.is_running:
                process.restart()
        for name, web in self.webs.items():
            port = self.ports[name]
            web.until(lambda port=port: status(port, "/readyz") == 200, START_LIMIT_S)  # type: ignore[misc]
        until(lambda: self.workers_alive() == len(self.workers), START_LIMIT_S, self.tails)

    def workers_alive(self) -> int:
        """Workers that show signs of life in the queue's Redis."""
        with self.redis.client() as client:
            return len(client.keys("assay:worker:*"))

    def tails(self) -> str:
        return "\n".join(p.tail() for p in (*self.webs.values(), *self.workers.values()))


@contextmanager
def small_cluster(folder: Path) -> Iterator[Cluster]:
    """Started and whole; everything is ended afterwards."""
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server.running())
        proxy = stack.enter_context(FaultProxy(redis.port).running())
        wiki = stack.enter_context(sample_wiki(folder))
        bundles = folder / "bundles"
        shutil.copytree(shipped_folder() / "enwiki", bundles / "enwiki")
        environment = _environment(folder, f"redis://127.0.0.1:{proxy.port}/0", wiki.url, bundles)
        scores = asyncio.run(_expected(wiki, environment))
        yield Cluster(folder, redis, proxy, wiki, bundles, scores, environment).started(stack)


def _environment(folder: Path, redis_url: str, wiki_url: str, bundles: Path) -> dict[str, str]:
    return {
        "ASSAY_CACHE_DIR": str(folder / "cache"),
        "ASSAY_RELEASE": "faults",
        "ASSAY_WIKIS": json.dumps({"samplewiki": {"source": wiki_url, "bundles": "enwiki"}}),
        "ASSAY_BUNDLE_DIRECTORIES": json.dumps([str(bundles)]),
        "ASSAY_REDIS__URL": redis_url,
        "ASSAY_QUEUE__TIME_LIMIT_S": str(TIME_LIMIT_S),
        "ASSAY_QUEUE__AWAY_GRACE_S": str(AWAY_GRACE_S),
        "ASSAY_WIKI_API__ATTEMPT_TIMEOUT_S": "1",
        "ASSAY_WIKI_API__ATTEMPTS": "2",
        "ASSAY_WEB__REQUEST_TIMEOUT_S": str(REQUEST_TIMEOUT_S),
    }


async def _expected(wiki: WikiProcess, environment: Mapping[str, str]) -> dict[int, Scores]:
    """What one process alone computes of the revisions that the load will ask copies of."""
    models = load_chosen(choose(load(environment=environment)), with_trees=True).of("samplewiki")
    source, plans = MediaWikiSource(ActionApi(wiki.url)), PlanCache()
    found = await source.fetch(wiki.rev_ids[:_REVISIONS], Deadline.after(60, SystemClock()))
    await source.aclose()
    expected: dict[int, Scores] = {}
    for rev_id, revision in found.items():
        assert isinstance(revision, Revision)
        cells = compute(Job("samplewiki", MODELS, revision), models, plans).cells
        if all(isinstance(cell, Scored) for cell in cells.values()):
            expected[rev_id] = {name: _probabilities(cell) for name, cell in cells.items()}
    assert len(expected) > _REVISIONS / 2
    return expected


def _probabilities(cell: object) -> dict[str, float]:
    assert isinstance(cell, Scored)
    return {label_name(label): value for label, value in cell.score.probability.items()}
