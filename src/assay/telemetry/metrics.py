"""The counters of one process, shown in Prometheus's text format.

Release and role stand on every sample, those of `process_*` included, so that two releases side by side,
or a web process and its workers, are never added up by accident. They are added when somebody reads:
counting costs nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import prometheus_client.metrics_core as families
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.registry import Collector

from assay.telemetry.table import BUILD, EXTRACT_SECONDS, JOBS, METRICS, PREDICT_SECONDS, Metric

METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters of one application, in a registry of its own, so that tests never share them.

    `release`, `role` ("serve", "web", "worker"): labels of every sample shown.
    """

    def __init__(self, version: str = "", release: str = "dev", role: str = "serve") -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # series that nobody reads
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._counters = {m.name: self._counter(m) for m in METRICS if m.kind == "counter"}
        self._gauges = {m.name: self._gauge(m) for m in METRICS if m.kind == "gauge"}
        self._histograms = {m.name: self._histogram(m) for m in METRICS if m.kind == "histogram"}
        self._gauges[BUILD.name].labels(version).set(1)
        self._shown = _Labelled(self._registry, {"release": release, "role": role})

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
        return generate_latest(self._shown)

    def _counter(self, m: Metric) -> Counter:
        return Counter(m.name, m.doc, m.labels, registry=self._registry)

    def _gauge(self, m: Metric) -> Gauge:
        return Gauge(m.name, m.doc, m.labels, registry=self._registry)

    def _histogram(self, m: Metric) -> Histogram:
        return Histogram(m.name, m.doc, m.labels, registry=self._registry, buckets=m.buckets)


class _Labelled(Collector):
    """What `inner` collects, each sample with further labels."""

    def __init__(self, inner: Collector, labels: Mapping[str, str]) -> None:
        self._inner = inner
        self._labels = labels

    def collect(self) -> Iterable[families.Metric]:
        for family in self._inner.collect():  # made anew for each collection, so that it may be changed
            family.samples = [
                sample._replace(labels={**sample.labels, **self._labels}) for sample in family.samples
            ]
            yield family
