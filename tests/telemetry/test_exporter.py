"""Metrics of processes without a web server, over real connections."""

from __future__ import annotations

import http.client
import os
import socket

import pytest

from assay.telemetry import JOBS, METRICS_CONTENT_TYPE, Metrics, MetricsServer


def ask(server: MetricsServer, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_metrics_are_shown_as_they_are_now() -> None:
    metrics = Metrics(release="r", role="worker")
    with MetricsServer(metrics) as server:
        metrics.count(JOBS, "done", by=3)
        status, content_type, body = ask(server, "/metrics")
    assert (status, content_type) == (200, METRICS_CONTENT_TYPE)
    assert b'assay_engine_jobs_total{outcome="done",release="r",role="worker"} 3.0' in body


def test_it_says_that_the_process_lives() -> None:
    with MetricsServer(Metrics()) as server:
        assert ask(server, "/livez") == (200, "application/json", b'{"alive":true}')


def test_heads_have_no_body_and_there_is_nothing_else() -> None:
    with MetricsServer(Metrics()) as server:
        assert ask(server, "/livez", "HEAD") == (200, "application/json", b"")
        assert ask(server, "/")[0] == 404


def test_a_silent_client_does_not_keep_others_waiting() -> None:
    with (
        MetricsServer(Metrics()) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=30),
    ):
        assert ask(server, "/livez")[0] == 200


def test_only_this_machine_is_answered_unless_told_otherwise() -> None:
    another_of_our_addresses = "127.0.0.2"
    with MetricsServer(Metrics()) as server, pytest.raises(ConnectionRefusedError):
        socket.create_connection((another_of_our_addresses, server.port), timeout=30)


def test_a_taken_port_is_an_error() -> None:
    with MetricsServer(Metrics()) as server, pytest.raises(OSError, match="in use"):
        MetricsServer(Metrics(), port=server.port)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # threads and forks are the very subject
def test_the_port_is_free_again_although_children_live_on() -> None:
    server = MetricsServer(Metrics())
    wait_for_parent, ended = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        os.read(wait_for_parent, 1)
        os._exit(0)
    try:
        server.close()
        with socket.create_server(("127.0.0.1", server.port), reuse_port=False) as again:
            assert again.getsockname()[1] == server.port
    finally:
        os.close(ended)
        os.close(wait_for_parent)
        os.waitpid(child, 0)
