"""Is this server alive, is it ready, and what has it done: ``/livez``, ``/readyz``, ``/metrics``.

ORES's load balancer asked for ``GET /``, which touches neither queue nor worker, and kept a broken
server in service. Readiness here is a made-up revision scored by every set of models through the real
engine.

A server that cannot compute any more still has what it computed before. Whether to take it out depends on
whether somebody else can compute, which only the load balancer knows: so it is told both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from assay.clock import Clock, Deadline
from assay.errors import AssayError, Overloaded
from assay.revisions.problem import Problem
from assay.scoring.request import Job
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import Wiki
from assay.serving import openapi
from assay.serving.options import HealthOptions
from assay.serving.parameters import flag, read_fields
from assay.serving.respond import json_response
from assay.telemetry import JOBS, METRICS_CONTENT_TYPE, Metrics

OK = "ok"
MISLED = "The cache gives back other scores than were stored: see what else writes into this Redis."
State = Literal["ready", "degraded", "unready"]


@dataclass(frozen=True, slots=True)
class Readiness:
    """`checks`: `OK` or the reason why not, by the wikis that share a set of models. `has_scored`: whether
    all of them succeeded together since this process started, so that its configuration, secrets and release
    are right. `has_cache`: whether known scores can be given."""

    checks: Mapping[str, str] = field(default_factory=dict)
    has_scored: bool = False
    has_cache: bool = False

    @property
    def state(self) -> State:
        """``ready``: everything is answered. ``degraded``: known scores are, others are refused at once, by
        no fault of this process. ``unready``: nothing is, or nothing ever was."""
        if all(outcome == OK for outcome in self.checks.values()):
            return "ready"
        return "degraded" if self.has_scored and self.has_cache else "unready"

    def status(self, *, allows_degraded: bool) -> int:
        """Of the HTTP answer, which is all that load balancers look at."""
        accepted = ("ready", "degraded") if allows_degraded else ("ready",)
        return 200 if self.state in accepted else 503


class Health:
    """The three handlers."""

    def __init__(
        self, service: ScoringService, metrics: Metrics, clock: Clock, options: HealthOptions
    ) -> None:
        self._service = service
        self._metrics = metrics
        self._clock = clock
        self._options = options
        self._lock = asyncio.Lock()
        self._readiness = Readiness()
        self._checked_s = float("-inf")
        self._jobs_done = 0.0

    def router(self) -> APIRouter:
        router = APIRouter(tags=["health"])
        ready = openapi.responses("Readiness")
        ready[503] = {**ready[200], "description": "Not ready; `checks` names what fails."}
        add = router.add_api_route
        add("/livez", self.livez, summary=self.livez.__doc__, responses=openapi.responses("Liveness"))
        asked = {"parameters": [openapi.ALLOW_DEGRADED]}
        add("/readyz", self.readyz, summary=self.readyz.__doc__, responses=ready, openapi_extra=asked)
        text = {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}}}}
        add(
            "/metrics",
            self.metrics,
            response_class=Response,
            summary=self.metrics.__doc__,
            responses={**openapi.responses("Error"), 200: text},
        )
        return router

    async def livez(self) -> Response:
        """The process answers"""
        return json_response({"alive": True})

    async def readyz(self, request: Request) -> Response:
        """Every set of models scores a made-up revision"""
        allows_degraded = flag(await read_fields(request), "degraded")
        found = await self.readiness()
        document = {
            "ready": found.state == "ready",
            "state": found.state,
            "checks": dict(found.checks),
            "cache": OK if found.has_cache else "The scores that were computed before cannot be had.",
        }
        return json_response(document, status=found.status(allows_degraded=allows_degraded))

    async def metrics(self) -> Response:
        """Counters in Prometheus's text format"""
        return Response(self._metrics.exposition(), headers={"Content-Type": METRICS_CONTENT_TYPE})

    async def readiness(self) -> Readiness:
        """At most `reuse_s` old."""
        async with self._lock:
            if self._clock.monotonic_s() - self._checked_s >= self._options.reuse_s:
                cache = self._service.cache
                checks, has_cache, is_misled = await asyncio.gather(
                    self._probe_all(), cache.answers(), cache.misleads()
                )
                if is_misled:  # out of service, known scores and all: they are not to be believed
                    checks["cache"], has_cache = MISLED, False
                has_scored = self._readiness.has_scored or all(outcome == OK for outcome in checks.values())
                self._readiness = Readiness(checks, has_scored, has_cache)
                self._checked_s = self._clock.monotonic_s()
            return self._readiness

    async def _probe_all(self) -> dict[str, str]:
        sets: dict[tuple[str, ...], Wiki] = {}
        for wiki in self._service.wikis.values():
            sets.setdefault(tuple(model.digest for model in wiki.models.values()), wiki)
        outcomes = await asyncio.gather(*(self._probe(wiki) for wiki in sets.values()))
        self._jobs_done = self._metrics.value(JOBS, "done")
        return {f"models of {wiki.name}": o for wiki, o in zip(sets.values(), outcomes, strict=True)}

    async def _probe(self, wiki: Wiki) -> str:
        """The id is the present time, so that nothing can have been computed before."""
        revision = synthetic_revision(int(self._clock.now().timestamp()))
        job = Job(wiki.name, tuple(wiki.models), revision)
        try:
            async with asyncio.timeout(self._options.probe_timeout_s):
                deadline = Deadline.after(self._options.probe_timeout_s, self._clock)
                cells: dict[str, Any] = dict(await self._service.engine.score(job, deadline))
        except (TimeoutError, Overloaded) as error:
            if self._metrics.value(JOBS, "done") > self._jobs_done:
                return OK  # busy with others' jobs, which get done: taking it out would burden the others
            return str(error) or f"no score within {self._options.probe_timeout_s:g} s"
        except AssayError as error:
            return str(error)
        wrong = [f"{name}: {cell.message}" for name, cell in cells.items() if isinstance(cell, Problem)]
        return "; ".join(wrong) or OK
