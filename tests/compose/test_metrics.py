"""Metrics of a process without HTTP of its own, and a port that cannot be had."""

from __future__ import annotations

import socket
from urllib.request import urlopen

import pytest

from assay.compose.metrics import exported
from assay.compose.worker import build_worker
from assay.errors import ConfigurationError
from assay.settings import load
from assay.telemetry import Metrics


def test_metrics_are_served_where_they_are_to_be() -> None:
    with exported(Metrics(), "127.0.0.1", 0) as server:
        assert urlopen(f"http://127.0.0.1:{server.port}/livez").status == 200


def test_a_port_that_cannot_be_had_is_named_with_its_option() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = (
            f"cannot listen on 127.0.0.1 port {port}: Address already in use: give another --metrics-port, or"
        )
        with pytest.raises(ConfigurationError, match=told):
            exported(Metrics(), "127.0.0.1", port)
        worker = {"metrics_port": port}
        with pytest.raises(ConfigurationError, match=told):
            build_worker(load(flags={"worker": worker}, environment={}))()
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1 .*: give a worker\.metrics_host that is an"):
        exported(Metrics(), "192.0.2.1", port, host_option="worker.metrics_host")
