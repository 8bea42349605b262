"""Liveness, readiness through the real engine, and metrics."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from assay.clock import Deadline
from assay.errors import Overloaded
from assay.revisions.problem import Problem
from assay.scoring.inline import InlineEngine
from assay.scoring.pool.engine import PoolEngine
from assay.scoring.queue.engine import CeleryEngine
from assay.scoring.request import Cell, Job
from assay.serving.health import Readiness
from assay.serving.options import AppOptions, HealthOptions
from assay.telemetry import JOBS, METRICS, Metrics
from servers.asgi import Served, serving
from small_app import SmallApp, ask
from small_models import small_models


class SickEngine(InlineEngine):
    """Fails for one model, or refuses everything."""

    def __init__(self, sick: str) -> None:
        super().__init__(small_models(), Metrics())
        self.sick = sick

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        if self.sick == "all":
            raise Overloaded("7 revisions wait already; try again.")
        cells = dict(await super().score(job, deadline))
        return {k: Problem("x", "X", "is ill") if k == self.sick else cell for k, cell in cells.items()}


def test_a_live_process_says_so(live: Served) -> None:
    assert ask(live, "/livez").json == {"alive": True}


def test_a_ready_server_has_scored_with_every_set_of_models(live: Served) -> None:
    reply = ask(live, "/readyz")
    assert reply.status == 200
    assert reply.json == {
        "ready": True,
        "state": "ready",
        "checks": {"models of awaywiki": "ok", "models of smallwiki": "ok", "models of testwiki": "ok"},
        "cache": "ok",
    }


def test_jobs_are_done_by_the_engine_that_the_suite_names(small_app: SmallApp, engine: str) -> None:
    kinds = {"inline": InlineEngine, "pool": PoolEngine, "celery": CeleryEngine}
    assert type(small_app.engine or InlineEngine(small_models(), Metrics())) is kinds[engine]


def test_a_sick_model_is_named() -> None:
    with serving(SmallApp(engine=SickEngine("goodfaith")).build().asgi) as served:
        reply = ask(served, "/readyz")
    assert reply.status == 503
    assert reply.json["ready"] is False
    assert reply.json["checks"]["models of smallwiki"] == "goodfaith: is ill"
    assert reply.json["checks"]["models of testwiki"] == "ok"


def test_a_busy_server_that_gets_jobs_done_stays_ready() -> None:
    options = AppOptions(health=HealthOptions(reuse_s=0))
    app = SmallApp(engine=SickEngine("all"), options=options)
    with serving(app.build().asgi) as served:
        assert ask(served, "/readyz").status == 503
        app.metrics.job_done(0.1, 0.1)
        assert ask(served, "/readyz").status == 200
        assert ask(served, "/readyz").status == 503


def test_an_overloaded_engine_is_not_ready_but_alive() -> None:
    with serving(SmallApp(engine=SickEngine("all")).build().asgi) as served:
        assert ask(served, "/readyz").status == 503
        assert ask(served, "/livez").status == 200


@pytest.mark.parametrize("has_scored", [True, False])
@pytest.mark.parametrize("has_cache", [True, False])
def test_degraded_is_who_could_compute_once_and_has_what_was_computed(
    has_scored: bool, has_cache: bool
) -> None:
    ready = Readiness({"a": "ok", "b": "ok"}, has_scored, has_cache)
    assert (ready.state, ready.status(allows_degraded=False)) == ("ready", 200)
    broken = Readiness({"a": "ok", "b": "is ill"}, has_scored, has_cache)
    assert broken.state == ("degraded" if has_scored and has_cache else "unready")
    assert broken.status(allows_degraded=False) == 503
    assert broken.status(allows_degraded=True) == (200 if has_scored and has_cache else 503)


def test_a_server_that_cannot_compute_any_more_tells_both_kinds_of_askers() -> None:
    engine = SickEngine("none")
    app = SmallApp(engine=engine, options=AppOptions(health=HealthOptions(reuse_s=0)))
    with serving(app.build().asgi) as served:
        assert ask(served, "/readyz?degraded").json["state"] == "ready"
        engine.sick = "goodfaith"
        assert ask(served, "/readyz").status == ask(served, "/readyz?degraded=false").status == 503
        for method in ("GET", "HEAD"):
            assert ask(served, "/readyz?degraded", method=method).status == 200
        told = ask(served, "/readyz?degraded").json
        assert (told["ready"], told["state"], told["cache"]) == (False, "degraded", "ok")
        engine.sick = "none"
        assert ask(served, "/readyz").status == 200


def test_who_never_computed_is_not_degraded() -> None:
    with serving(SmallApp(engine=SickEngine("goodfaith")).build().asgi) as served:
        reply = ask(served, "/readyz?degraded")
    assert (reply.status, reply.json["state"]) == (503, "unready")


def test_an_odd_wish_is_refused(live: Served) -> None:
    status, _, message = ask(live, "/readyz?degraded=perhaps").error
    assert (status, message.startswith("Could not interpret degraded.")) == (400, True)


def test_an_answer_is_given_again_for_a_while() -> None:
    app = SmallApp(options=AppOptions(health=HealthOptions(reuse_s=3600)))
    with serving(app.build().asgi) as served:
        ask(served, "/readyz")
        scored = app.metrics.value(JOBS, "done")
        ask(served, "/readyz")
        assert app.metrics.value(JOBS, "done") == scored > 0


def test_all_documented_metrics_are_told_and_no_others_of_ours(live: Served) -> None:
    ask(live, "/v3/scores/smallwiki/12")
    reply = ask(live, "/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(reply.body.decode())}
    ours = {name for name in families if name.startswith("assay_")}
    assert ours == {metric.name.removesuffix("_total") for metric in METRICS}
    assert families["process_resident_memory_bytes"].samples[0].value > 0
