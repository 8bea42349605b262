"""Counters, and the labels that everything shown carries."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from assay.telemetry import BUILD, CELLS, QUEUE_WAIT_SECONDS, Metrics


def test_two_applications_do_not_share_counters() -> None:
    first, second = Metrics(), Metrics()
    first.count(CELLS, "enwiki", "damaging", "scored", by=3)
    first.observe(QUEUE_WAIT_SECONDS, 0.5, "bulk")
    assert first.value(CELLS, "enwiki", "damaging", "scored") == 3
    assert first.value(QUEUE_WAIT_SECONDS, "bulk") == 1
    assert second.value(CELLS, "enwiki", "damaging", "scored") == 0


def test_everything_shown_says_its_release_and_role() -> None:
    metrics = Metrics("1.2", "2026-11", "worker")
    metrics.count(CELLS, "enwiki", "damaging", "scored")
    metrics.observe(QUEUE_WAIT_SECONDS, 0.5, "bulk")
    families = list(text_string_to_metric_families(metrics.exposition().decode()))
    samples = [sample for family in families for sample in family.samples]
    assert {"process_resident_memory_bytes", BUILD.name, CELLS.name} <= {sample.name for sample in samples}
    for sample in samples:
        assert (sample.labels["release"], sample.labels["role"]) == ("2026-11", "worker")
    (cells,) = (sample for sample in samples if sample.name == CELLS.name)
    assert cells.labels["wiki"] == "enwiki"


def test_reading_twice_shows_the_same() -> None:
    metrics = Metrics()
    metrics.count(CELLS, "enwiki", "damaging", "scored")
    shown = [line for line in metrics.exposition().splitlines() if line.startswith(b"assay_cells")]
    assert shown == [line for line in metrics.exposition().splitlines() if line.startswith(b"assay_cells")]
