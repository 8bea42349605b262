"""Every metric of Assay: the documentation, `/metrics`, the dashboard and the alerts are tested against it.

Label values come from bounded sets only (registered wikis, models, routes, codes), never from a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

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
PASTS_SECONDS = Metric(
    "assay_source_pasts_seconds",
    "histogram",
    "Time to ask a live wiki for the pasts of one batch's pages and actors.",
    ("wiki",),
    _SLOW_S,
)
PASTS = Metric(
    "assay_source_pasts_total",
    "counter",
    "Pasts asked of a live wiki; `past` is `page` or `actor`, `outcome` is `known` or `unknown` (not told in "
    "time or within `wiki_api.pasts_queries`).",
    ("wiki", "past", "outcome"),
)
QUOTA_REFUSALS = Metric(
    "assay_quota_refusals_total",
    "counter",
    "Requests refused because of their client's quota: `concurrent` (at once) or `rate` (per minute).",
    ("limit",),
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
    "`expired` (deadline passed while waiting), `refused` (queue full), `unwanted` (another worker has "
    "it), `wrong_release`, `wrong_bundles`, `damaged` (a message that cannot be read).",
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
    "came back without them), `vanished` (neither waiting nor taken), `wrong_release` (a worker of another "
    "release had taken it: one of the two listens to the wrong queue).",
    ("reason",),
)
QUEUE_UP = Metric("assay_engine_queue_up", "gauge", "1 while the queue of jobs can be reached, else 0.")
LATE_REPLIES = Metric(
    "assay_engine_late_replies_total", "counter", "Replies that nobody waited for any more."
)
FALLBACKS = Metric(
    "assay_engine_fallbacks_total", "counter", "Jobs computed on this machine because the queue was away."
)
CLAIMS = Metric(
    "assay_claims_total",
    "counter",
    "Claims on jobs among web processes: `won` (to be computed here), `shared` (another process told its "
    "result), `lost` (waited for one that told nothing), `failed` (Redis did not answer: all compute).",
    ("outcome",),
)
STORE_FAILURES = Metric(
    "assay_store_failures_total",
    "counter",
    "Look-ups (`get`) and storings (`set`) that a shared store did not do; each cost a miss.",
    ("store", "operation"),
)
STORE_UP = Metric(
    "assay_store_up", "gauge", "1 while a shared store is used, 0 while it is left alone.", ("store",)
)
WORKERS = Metric("assay_engine_workers", "gauge", "Scoring processes alive.")
RESIDENT_BYTES = Metric(
    "assay_engine_worker_resident_bytes",
    "gauge",
    "Memory of the scoring process that answered last, pages that it shares with others included.",
)
REPLACEMENTS = Metric(
    "assay_engine_worker_replacements_total",
    "counter",
    "Scoring processes replaced: `died`, `time_limit`, `recycled`.",
    ("reason",),
)
PRECACHE_EVENTS = Metric(
    "assay_precache_events_total",
    "counter",
    "Events that `assay precache` read: `edit` (to be scored), `unwanted` (an edit that no rule is for), "
    "`repeated`, `malformed`, or why it is no edit: `log`, `categorize`, `external`, `page`, `canary`, "
    "`other`.",
    ("stream", "kind"),
)
PRECACHE_EDITS = Metric(
    "assay_precache_edits_total",
    "counter",
    "Scores that `assay precache` told: `scored`, or `failed` (told with the error).",
    ("wiki", "model", "outcome"),
)
PRECACHE_LAG_SECONDS = Metric(
    "assay_precache_lag_seconds",
    "histogram",
    "Time from an edit, by the wiki's clock, until its scores were told.",
    ("wiki",),
    (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0),
)
PRECACHE_PENDING = Metric(
    "assay_precache_pending_edits", "gauge", "Edits that `assay precache` has taken and not yet told."
)
PRECACHE_RETRIES = Metric(
    "assay_precache_retries_total",
    "counter",
    "What `assay precache` had to try again: `away` (nobody took the request, or Assay asked to wait), `lag` "
    "(the wiki did not know the revision yet), `cell` (a retryable error, or one edit that Assay failed on), "
    "`failed` (several edits, one of which may be the reason: asked for in halves), `sink` (scores could not "
    "be told).",
    ("reason",),
)
PRECACHE_REJECTED = Metric(
    "assay_precache_rejected_total",
    "counter",
    "Edits for which Assay refused `assay precache`'s request for good (HTTP 4xx but 408, 425 and 429); they "
    "were told with that error. See the log.",
    ("wiki",),
)
PRECACHE_REFUSED = Metric(
    "assay_precache_refused_total", "counter", "Scores that a sink refused for good; see the log.", ("sink",)
)
BUILD = Metric("assay_build_info", "gauge", "Always 1; the version stands in the label.", ("version",))

METRICS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of ours; `process_*` (memory, CPU, file handles of the web process) come from prometheus-client."""
