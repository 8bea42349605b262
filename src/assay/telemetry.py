"""What a running Assay tells its operator: counters for Prometheus, log lines as JSON.

Every metric stands in `METRICS`; the documentation and `/metrics` are tested against that table.
Label values come from bounded sets only (registered wikis, models, routes, codes), never from
a client.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TextIO

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_FAST_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
_SLOW_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the documentation. `buckets`: upper bounds in seconds, histograms only."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    doc: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


HTTP_REQUESTS = Metric(
    "assay_http_requests_total", "counter", "Requests answered.", ("route", "method", "status")
)
HTTP_SECONDS = Metric(
    "assay_http_request_seconds", "histogram", "Time from request to answer.", ("route",), _SLOW_S
)
HTTP_IN_FLIGHT = Metric("assay_http_requests_in_flight", "gauge", "Requests being answered now.")
ERRORS = Metric(
    "assay_errors_total", "counter", "Whole requests refused or failed, by error code.", ("code",)
)
CELLS = Metric(
    "assay_cells_total",
    "counter",
    "Cells answered; `outcome` is `scored` or the problem's code.",
    ("wiki", "model", "outcome"),
)
CACHE_LOOKUPS = Metric(
    "assay_score_cache_lookups_total",
    "counter",
    "Scores looked up; `result` is `hit`, `miss`, or `shared` (another request was computing it already).",
    ("wiki", "result"),
)
FETCH_SECONDS = Metric(
    "assay_source_fetch_seconds", "histogram", "Time to fetch one batch of revisions.", ("wiki",), _SLOW_S
)
FETCHED = Metric(
    "assay_source_revisions_total",
    "counter",
    "Revisions asked of a wiki; `outcome` is `found` or the problem's code.",
    ("wiki", "outcome"),
)
QUEUE_JOBS = Metric(
    "assay_engine_queue_jobs",
    "gauge",
    "Jobs that wait for a scoring process, in the lane `interactive` or `bulk`.",
    ("lane",),
)
QUEUE_WAIT_SECONDS = Metric(
    "assay_engine_queue_wait_seconds", "histogram", "Time a job waited for a process.", ("lane",), _FAST_S
)
JOBS = Metric(
    "assay_engine_jobs_total",
    "counter",
    "Jobs by outcome: `done`, `retried` (its process died), `crashed` (it died twice), `time_limit`, "
    "`expired` (deadline passed while waiting), `refused` (queue full), `unwanted` (answered by another "
    "worker already), `wrong_release`, `wrong_bundles`, `damaged` (a message that cannot be read).",
    ("outcome",),
)
EXTRACT_SECONDS = Metric(
    "assay_engine_extract_seconds", "histogram", "Time to compute a job's features.", (), _FAST_S
)
PREDICT_SECONDS = Metric(
    "assay_engine_predict_seconds", "histogram", "Time of a job's models and explanations.", (), _FAST_S
)
RESENT = Metric(
    "assay_engine_resent_total",
    "counter",
    "Jobs sent to the queue again: `died` (its process), `worker_lost` (a whole worker), `queue_lost` (Redis "
    "came back without them), `vanished` (neither waiting nor taken).",
    ("reason",),
)
QUEUE_UP = Metric("assay_engine_queue_up", "gauge", "1 while the queue of jobs can be reached, else 0.")
LATE_REPLIES = Metric(
    "assay_engine_late_replies_total", "counter", "Replies that nobody waited for any more."
)
FALLBACKS = Metric(
    "assay_engine_fallbacks_total", "counter", "Jobs computed on this machine because the queue was away."
)
WORKERS = Metric("assay_engine_workers", "gauge", "Scoring processes alive.")
REPLACEMENTS = Metric(
    "assay_engine_worker_replacements_total",
    "counter",
    "Scoring processes replaced: `died`, `time_limit`, `recycled`.",
    ("reason",),
)
BUILD = Metric("assay_build_info", "gauge", "Always 1; the version stands in the label.", ("version",))

METRICS: Final = (
    HTTP_REQUESTS,
    HTTP_SECONDS,
    HTTP_IN_FLIGHT,
    ERRORS,
    CELLS,
    CACHE_LOOKUPS,
    FETCH_SECONDS,
    FETCHED,
    QUEUE_JOBS,
    QUEUE_WAIT_SECONDS,
    JOBS,
    EXTRACT_SECONDS,
    PREDICT_SECONDS,
    RESENT,
    QUEUE_UP,
    LATE_REPLIES,
    FALLBACKS,
    WORKERS,
    REPLACEMENTS,
    BUILD,
)
"""All of ours; `process_*` (memory, CPU, file handles of the web process) come from prometheus-client."""


class Metrics:
    """The counters of one application, in a registry of its own, so that tests never share them."""

    def __init__(self, version: str = "") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # series that nobody reads
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._counters = {m.name: self._counter(m) for m in METRICS if m.kind == "counter"}
        self._gauges = {m.name: self._gauge(m) for m in METRICS if m.kind == "gauge"}
        self._histograms = {m.name: self._histogram(m) for m in METRICS if m.kind == "histogram"}
        self._gauges[BUILD.name].labels(version).set(1)

    def count(self, metric: Metric, *labels: str, by: float = 1) -> None:
        counter = self._counters[metric.name]
        (counter.labels(*labels) if labels else counter).inc(by)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        gauge = self._gauges[metric.name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def add(self, metric: Metric, by: float) -> None:
        self._gauges[metric.name].inc(by)

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        histogram = self._histograms[metric.name]
        (histogram.labels(*labels) if labels else histogram).observe(value)

    def job_done(self, extract_s: float, predict_s: float) -> None:
        self.count(JOBS, "done")
        self.observe(EXTRACT_SECONDS, extract_s)
        self.observe(PREDICT_SECONDS, predict_s)

    def value(self, metric: Metric, *labels: str) -> float:
        """The present value of a counter or gauge (a histogram's count), 0 when never touched."""
        suffix = "_count" if metric.kind == "histogram" else ""
        labelled = dict(zip(metric.labels, labels, strict=True))
        return self._registry.get_sample_value(metric.name + suffix, labelled) or 0.0

    def exposition(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def _counter(self, m: Metric) -> Counter:
        return Counter(m.name, m.doc, m.labels, registry=self._registry)

    def _gauge(self, m: Metric) -> Gauge:
        return Gauge(m.name, m.doc, m.labels, registry=self._registry)

    def _histogram(self, m: Metric) -> Histogram:
        return Histogram(m.name, m.doc, m.labels, registry=self._registry, buckets=m.buckets)


# -- logs --------------------------------------------------------------------------------------------

_SECRET_KEY: Final = re.compile(r"password|passwd|secret|token|authorization|cookie|api_?key", re.IGNORECASE)
_CREDENTIALS_IN_URL: Final = re.compile(r"(?<=://)[^/\s@]+@")
_REDACTED: Final = "[redacted]"


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: values under secret-sounding keys and credentials in URLs are blotted out."""
    for key, value in event.items():
        if _SECRET_KEY.search(key):
            event[key] = _REDACTED
        elif isinstance(value, str) and "://" in value:
            event[key] = _CREDENTIALS_IN_URL.sub(_REDACTED + "@", value)
    return event


def _without_colours(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: uvicorn adds each message a second time, with terminal colours in it."""
    event.pop("color_message", None)
    return event


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How logs are written."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severity written; `info` is one line a request."""

    json: bool = True
    """One JSON object a line; False: readable lines for a terminal."""


def configure_logging(options: LogOptions, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to `stream` (stderr), redacted, one a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        _without_colours,
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if options.json else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared[:-1], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared[:-1],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(options.level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = name != "uvicorn.access"  # our own access log says more


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A structured logger; `name` as in the standard library."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return log
