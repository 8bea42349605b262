"""Log lines."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from assay.telemetry import LogOptions, bound, configure_logging, logger, request_id


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
        arms=["http://:hunter2@h:80", ("http://u:hunter2@h:81", {"token": "hunter2", "n": 1})],
    )
    logging.getLogger("other").warning("cannot reach redis://:hunter2@host/0")
    assert "hunter2" not in log.getvalue()
    assert "wiki.example" in log.getvalue()


def test_less_severe_lines_are_left_out(log: io.StringIO) -> None:
    logger("assay.test").debug("detail")
    assert records(log) == []


def test_lines_within_a_request_hold_its_id_whoever_writes_them(log: io.StringIO) -> None:
    with bound(request_id="r1"):
        assert request_id() == "r1"
        logger("assay.test").info("ours")
        logging.getLogger("other").warning("theirs")
    logger("assay.test").info("afterwards")
    assert request_id() == ""
    assert [record.get("request_id") for record in records(log)] == ["r1", "r1", None]


async def test_requests_at_the_same_time_keep_their_ids_apart() -> None:
    both_are_bound = asyncio.Barrier(2)

    async def one(name: str) -> str:
        with bound(request_id=name):
            await both_are_bound.wait()
            return request_id()

    assert list(await asyncio.gather(one("a"), one("b"))) == ["a", "b"]
