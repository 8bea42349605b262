"""The error hierarchy is complete, documented, and its codes are stable."""

from __future__ import annotations

import inspect
import os
import socket
import threading
from pathlib import Path

import aiohttp
import pytest
import redis

from assay import errors

CODES = {
    "AssayError": "internal_error",
    "RequestError": "bad_request",
    "UnknownWiki": "unknown_wiki",
    "UnknownModel": "unknown_model",
    "BadParameter": "bad_parameter",
    "TooManyRevisions": "too_many_revisions",
    "BadInjection": "bad_injection",
    "RetryableError": "unavailable",
    "Overloaded": "overloaded",
    "DeadlineExceeded": "deadline_exceeded",
    "EngineUnavailable": "queue_unavailable",
    "NoWorker": "queue_unavailable",
    "SourceUnavailable": "source_unavailable",
    "StoreUnavailable": "store_unavailable",
    "BalancerUnavailable": "balancer_unavailable",
    "ConfigurationError": "configuration_error",
    "SourceError": "source_error",
    "TooFewReverts": "too_few_reverts",
    "BundleError": "bundle_refused",
    "ReleaseError": "release_refused",
    "ReleaseNotFound": "release_not_found",
    "JournalError": "journal_error",
    "JournalHeld": "journal_held",
    "BalancerError": "balancer_error",
    "FleetError": "fleet_error",
    "GraphError": "graph_error",
    "DependencyCycle": "dependency_cycle",
    "MissingRoot": "missing_root",
}
"""What clients may have written into their own code; a change here breaks them."""


def _classes() -> dict[str, type[errors.AssayError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.AssayError)
    }


def test_codes_are_the_published_ones() -> None:
    assert {name: value.code for name, value in _classes().items()} == CODES


def test_the_code_of_an_engine_that_stopped_is_the_published_one_and_stands_in_one_place() -> None:
    assert errors.ENGINE_STOPPED == "engine_unavailable"
    own = Path(errors.__file__)
    found = [path for path in own.parent.rglob("*.py") if f'"{errors.ENGINE_STOPPED}"' in path.read_text()]
    assert found == [own]


def test_every_error_is_in_the_drawing_and_has_a_docstring() -> None:
    drawing = errors.__doc__ or ""
    for name, value in _classes().items():
        assert name in drawing
        assert value.__doc__


def test_a_retryable_error_says_when() -> None:
    assert errors.Overloaded("full", delay_s=2.5).delay_s == 2.5


async def _connecting(url: str) -> Exception:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientError) as refused:
            await session.get(url)
    return refused.value


async def test_an_address_that_cannot_be_reached_is_told_without_words_of_tls() -> None:
    with socket.socket() as taken:  # bound and not listened on: nobody takes connections
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        refused = await _connecting(f"http://127.0.0.1:{port}/")
        assert errors.reason_of(refused) == f"127.0.0.1:{port}: Connection refused"
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        port = taken.getsockname()[1]
        refused = await _connecting(f"http://[::1]:{port}/")
        assert errors.reason_of(refused) == f"[::1]:{port}: Connection refused"
    unknown = errors.reason_of(await _connecting("http://nosuch.invalid/"))
    assert unknown.startswith("nosuch.invalid:80: ")
    assert "ssl" not in unknown
    with socket.create_server(("127.0.0.1", 0)) as plain:
        answering = threading.Thread(target=_answer_plainly, args=(plain,))
        answering.start()
        no_tls = await _connecting(f"https://127.0.0.1:{plain.getsockname()[1]}/")
        answering.join()
    assert "SSL" in errors.reason_of(no_tls), "what is wrong with TLS is told"


def _answer_plainly(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_bytes_of_a_command_line_that_are_no_text_are_told_from_text() -> None:
    assert errors.is_utf8("")
    assert errors.is_utf8("é…\U0001f984")
    assert not errors.is_utf8(os.fsdecode(b"a\xff"))


def test_a_log_tells_the_class_of_an_error_and_its_words() -> None:
    """redis-py's own repr leaves out the words."""
    full = redis.ResponseError("MISCONF no disk is left")
    assert errors.worded(full) == "ResponseError: MISCONF no disk is left"
    assert errors.worded(TimeoutError()) == "TimeoutError"


def test_a_file_that_cannot_be_read_is_told_without_numbers_and_codecs(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xe9")
    reasons = []
    for name in ("missing", "latin", "."):
        with pytest.raises((OSError, ValueError)) as failure:
            (tmp_path / name).read_text("utf-8")
        reasons.append(errors.reason_of(failure.value))
    assert reasons == ["No such file or directory", "it is not UTF-8", "Is a directory"]
    assert errors.reason_of(TimeoutError()) == "TimeoutError"
    assert errors.reason_of(ValueError("no number")) == "no number"
