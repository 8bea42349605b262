"""Counters and log lines."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from assay.telemetry import (
    CELLS,
    METRICS,
    QUEUE_WAIT_SECONDS,
    LogOptions,
    Metrics,
    configure_logging,
    logger,
)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    before, level = logging.getLogger().handlers, logging.getLogger().level
    stream = io.StringIO()
    configure_logging(LogOptions(), stream)
    yield stream
    logging.getLogger().handlers = before
    logging.getLogger().setLevel(level)
    structlog.reset_defaults()


def records(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_two_applications_do_not_share_counters() -> None:
    first, second = Metrics(), Metrics()
    first.count(CELLS, "enwiki", "damaging", "scored", by=3)
    first.observe(QUEUE_WAIT_SECONDS, 0.5, "bulk")
    assert first.value(CELLS, "enwiki", "damaging", "scored") == 3
    assert first.value(QUEUE_WAIT_SECONDS, "bulk") == 1
    assert second.value(CELLS, "enwiki", "damaging", "scored") == 0


def test_names_are_unique_and_in_prometheus_style() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    for metric in METRICS:
        assert metric.name.startswith("assay_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_seconds") == (metric.kind == "histogram")
        assert metric.doc.endswith(".")


def test_a_line_is_one_json_object(log: io.StringIO) -> None:
    logger("assay.test").info("fetched", wiki="enwiki", revisions=3)
    (record,) = records(log)
    assert record["event"] == "fetched"
    assert (record["wiki"], record["revisions"], record["level"]) == ("enwiki", 3, "info")
    assert record["logger"] == "assay.test"
    assert str(record["timestamp"]).endswith("Z")


def test_the_standard_library_is_written_the_same_way(log: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").warning("slow %s", "client")
    logging.getLogger("uvicorn.access").info("not this one: our own line says more")
    (record,) = records(log)
    assert (record["event"], record["level"]) == ("slow client", "warning")


def test_line_breaks_cannot_forge_a_line(log: io.StringIO) -> None:
    logger("assay.test").info("request", path='/x\n{"event": "forged"}')
    assert len(records(log)) == 1


def test_secrets_are_never_written(log: io.StringIO) -> None:
    logger("assay.test").info(
        "connect",
        password="hunter2",
        api_key="hunter2",
        url="https://user:hunter2@wiki.example/api.php",
    )
    logging.getLogger("other").warning("cannot reach redis://:hunter2@host/0")
    assert "hunter2" not in log.getvalue()
    assert "wiki.example" in log.getvalue()


def test_less_severe_lines_are_left_out(log: io.StringIO) -> None:
    logger("assay.test").debug("detail")
    assert records(log) == []
