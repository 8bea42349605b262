"""The table of metrics: complete, in Prometheus's style, and with nothing in it that nobody counts."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from prometheus_client.parser import text_string_to_metric_families

from assay.telemetry import table
from assay.telemetry.metrics import Metrics
from assay.telemetry.table import METRICS, Metric
from shared_data import ROOT

NAMED = {name: value for name, value in vars(table).items() if isinstance(value, Metric)}


def test_names_are_unique_and_in_prometheus_style() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("assay_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_seconds") == (metric.kind == "histogram")
        assert metric.doc.endswith(".")


def test_each_is_listed_once_in_the_order_in_which_it_stands() -> None:
    assert list(NAMED.values()) == list(METRICS)


def test_each_is_counted_somewhere() -> None:
    words: set[str] = set()
    for path in (ROOT / "src/assay").rglob("*.py"):
        if path.name != "table.py":
            words.update(re.findall(r"\b[A-Z_]+\b", path.read_text("utf-8")))
    assert set(NAMED) <= words


def test_the_real_exposition_tells_each_with_its_kind_and_its_words() -> None:
    shown = {
        family.name: family for family in text_string_to_metric_families(Metrics().exposition().decode())
    }
    for metric in METRICS:
        family = shown[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.doc)


def test_histograms_have_rising_buckets_around_what_is_usual() -> None:
    for metric in METRICS:
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert all(0 < low < high for low, high in pairwise(metric.buckets))


def test_labels_are_words_that_prometheus_takes() -> None:
    for metric in METRICS:
        assert len(set(metric.labels)) == len(metric.labels)
        assert all(re.fullmatch("[a-z_]+", label) and label != "le" for label in metric.labels)


@pytest.mark.parametrize("label", ["release", "role"])
def test_no_metric_has_such_a_label_of_its_own(label: str) -> None:
    assert [metric.name for metric in METRICS if label in metric.labels] == []
