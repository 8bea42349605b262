"""The whole web application on small models and a handful of revisions, for tests of serving."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assay.clock import Deadline, SystemClock
from assay.errors import SourceUnavailable
from assay.events import Rules
from assay.revisions.problem import (
    Problem,
    parent_not_found,
    revision_not_found,
    source_failed,
    text_deleted,
    user_deleted,
)
from assay.revisions.types import UNKNOWN, Actor, Page, Revision
from assay.scoring.cache import ScoreCache
from assay.scoring.claims import Claims
from assay.scoring.engine import Engine
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource, synthetic_revision
from assay.scoring.wikis import Wikis
from assay.serving.app import Application, build_app
from assay.serving.options import AppOptions, QuotaOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.site import PageOptions
from assay.stores.kv import KeyValueStore
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.stores.quota import Quotas
from assay.telemetry import Metrics
from servers.asgi import Served
from small_models import small_models

CLOCK = SystemClock()
GONE, HIDDEN_TEXT, HIDDEN_USER, CREATION, ORPHAN, AWAY, BARE = 404, 405, 406, 407, 408, 409, 410
"""Ids of revisions that are special in `SmallSource`; every other one up to 1000 is ordinary."""


class SmallSource:
    """Revisions 1 to 1000, some of them odd; `is_away`: the wiki does not answer `recent`."""

    def __init__(self, *, is_away: bool = False) -> None:
        self._is_away = is_away

    async def fetch(self, rev_ids: Sequence[int], deadline: Deadline) -> Mapping[int, Revision | Problem]:
        return {rev_id: self._revision(rev_id) for rev_id in rev_ids}

    async def recent(self, limit: int, deadline: Deadline) -> Sequence[int]:
        if self._is_away:
            raise SourceUnavailable("The wiki does not answer.", delay_s=7)
        return list(range(1000, 1000 - limit, -1))

    async def aclose(self) -> None:
        pass

    def _revision(self, rev_id: int) -> Revision | Problem:
        if rev_id == AWAY:
            return source_failed(rev_id, "time-out")
        if rev_id == GONE or rev_id > 1000:
            return revision_not_found(rev_id)
        revision = synthetic_revision(rev_id)
        odd: dict[int, dict[str, Any]] = {
            HIDDEN_TEXT: {"text": text_deleted(rev_id)},
            HIDDEN_USER: {"actor": user_deleted(rev_id)},
            CREATION: {"parent": None, "parent_id": None},
            ORPHAN: {"parent": parent_not_found(rev_id, 3)},
            BARE: {
                "page": Page("Bare"),
                "actor": Actor("192.0.2.1", True),
                "parent_id": UNKNOWN,
                "is_minor": UNKNOWN,
                "size_bytes": UNKNOWN,
            },
        }
        return replace(revision, **odd.get(rev_id, {}))


def small_service(
    metrics: Metrics,
    engine: Engine | None = None,
    store: KeyValueStore | None = None,
    claims: Claims | None = None,
) -> ScoringService:
    models = small_models()
    wikis = Wikis(
        {
            "smallwiki": SmallSource(),
            "awaywiki": SmallSource(is_away=True),
            "testwiki": SyntheticSource(CLOCK),
        },
        models,
        {"smallwiki": {"wp10": "articlequality"}},
    )
    kept = MemoryStore(MemoryStoreOptions(), CLOCK) if store is None else store
    cache = ScoreCache(kept, ScoreCacheOptions())
    return ScoringService(wikis, engine or InlineEngine(models, metrics), cache, metrics, claims)


@dataclass
class SmallApp:
    """An application with what tests look into. What is None is this process's own."""

    engine: Engine | None = None
    options: AppOptions = field(default_factory=AppOptions)
    metrics: Metrics = field(default_factory=lambda: Metrics("test"))
    store: KeyValueStore | None = None
    claims: Claims | None = None
    quotas: Quotas | None = None
    quota: QuotaOptions | None = None
    rules: Rules | None = None
    page: PageOptions | None = None

    def build(self) -> Application:
        service = small_service(self.metrics, self.engine, self.store, self.claims)
        infos = ModelInfos({})
        return build_app(
            self.options,
            service,
            infos,
            self.metrics,
            CLOCK,
            quota=self.quota,
            quotas=self.quotas,
            rules=self.rules,
            page=self.page,
        )


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message of an error in the one shape."""
        document = self.json
        assert set(document) == {"error"}
        assert {"code", "message"} <= set(document["error"]) <= {"code", "message", "retryable", "limit"}
        return self.status, document["error"]["code"], document["error"]["message"]


def ask(
    served: Served,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    content_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """One request, sent exactly as given."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    sent = dict(headers or {}) | ({"Content-Type": content_type} if content_type else {})
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        told = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, told, response.read())
    finally:
        connection.close()


def post_form(served: Served, path: str, form: bytes) -> Reply:
    return ask(served, path, method="POST", body=form, content_type="application/x-www-form-urlencoded")


def post_json(served: Served, path: str, document: Any) -> Reply:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return ask(served, path, method="POST", body=body, content_type="application/json")


def with_pages() -> Application:
    """With the pages for people, which the others do without."""
    return SmallApp(page=PageOptions(("smallwiki",), {}, "test")).build()
