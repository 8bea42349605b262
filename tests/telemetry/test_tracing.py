"""Traces, read where they arrive: at a collector that speaks OTLP over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from assay.telemetry import (
    TracingOptions,
    configure_tracing,
    continued,
    current_traceparent,
    end_tracing,
    from_client,
    span,
)
from servers.collector import Collector, collecting

ABROAD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The example of the W3C recommendation: sampled."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector
        end_tracing()


@contextmanager
def tracing(collector: Collector, *, share: float = 1.0, trust_clients: bool = False) -> Iterator[None]:
    options = TracingOptions(True, collector.endpoint, share, trust_clients)
    configure_tracing(options, "r1", "web")
    yield
    end_tracing()


def attributes(span: Span) -> dict[str, object]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value") or "") for a in span.attributes}


def test_steps_arrive_with_their_parents_and_what_was_said_of_them(collector: Collector) -> None:
    with tracing(collector), span("request", method="GET") as request:
        with span("fetch", wiki="enwiki", revisions=3):
            pass
        request.set(status=200)
    (resource,) = collector.resources()
    of_process = {a.key: a.value.string_value for a in resource.resource.attributes}
    assert (of_process["service.name"], of_process["service.version"]) == ("assay-web", "r1")
    spans = {s.name: s for scope in resource.scope_spans for s in scope.spans}
    assert spans["fetch"].parent_span_id == spans["request"].span_id
    assert spans["fetch"].trace_id == spans["request"].trace_id
    assert attributes(spans["request"]) == {"assay.method": "GET", "assay.status": 200}
    assert attributes(spans["fetch"]) == {"assay.wiki": "enwiki", "assay.revisions": 3}


def test_a_trace_goes_on_in_another_process(collector: Collector) -> None:
    """As a job's does: the parent is a string that went through a queue."""
    worker = (
        "import sys\n"
        "from assay.telemetry import *\n"
        "configure_tracing(TracingOptions(True, sys.argv[1]), 'r1', 'worker')\n"
        "with continued(sys.argv[2]), span('extract'): pass\n"
        "end_tracing()\n"
    )
    with tracing(collector), span("job"):
        subprocess.run(
            [sys.executable, "-c", worker, collector.endpoint, current_traceparent()], check=True, timeout=120
        )
    spans = collector.spans()
    assert spans["extract"].parent_span_id == spans["job"].span_id


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # as a worker forks
def test_forked_processes_send_their_own_steps(collector: Collector) -> None:
    with tracing(collector):
        child = os.fork()
        if child == 0:
            with continued(ABROAD), span("predict"):
                pass
            end_tracing()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert collector.spans()["predict"].trace_id.hex() == ABROAD.split("-")[1]


def test_an_error_is_told(collector: Collector) -> None:
    with tracing(collector), pytest.raises(OSError, match="full"), span("store"):
        raise OSError("full")
    store = collector.spans()["store"]
    assert store.status.code == store.status.STATUS_CODE_ERROR
    assert store.events[0].name == "exception"


@pytest.mark.parametrize("trusts", [True, False])
def test_a_client_is_believed_only_behind_a_proxy_that_sets_the_header(
    collector: Collector, trusts: bool
) -> None:
    with tracing(collector, trust_clients=trusts), from_client(ABROAD), span("request"):
        pass
    assert (collector.spans()["request"].trace_id.hex() == ABROAD.split("-")[1]) is trusts


def test_whoever_continues_does_as_the_beginner_decided(collector: Collector) -> None:
    not_sampled = ABROAD[:-2] + "00"
    with tracing(collector):
        with continued(not_sampled), span("left out"):
            assert current_traceparent()[:-2] != not_sampled[:-2]
            assert current_traceparent().endswith("-00")
        with continued(ABROAD), span("kept"):
            pass
    assert list(collector.spans()) == ["kept"]


@given(text=st.text(max_size=80))
def test_rubbish_begins_a_trace_of_its_own(text: str) -> None:
    configure_tracing(TracingOptions(True, "http://127.0.0.1:9/", share=1e-9), "r1", "web")
    try:
        with continued(ABROAD), continued(text), span("request"):
            own = re.fullmatch(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", current_traceparent())
            assert own is not None
            assert own[1] != ABROAD.split("-")[1]
    finally:
        end_tracing()


def test_nothing_is_traced_unless_enabled(collector: Collector) -> None:
    configure_tracing(TracingOptions(endpoint=collector.endpoint), "r1", "web")
    with continued(ABROAD), span("request", a=1) as step, span("fetch") as inner:
        step.set(status=200)
        assert inner is step
        assert current_traceparent() == ""
    end_tracing()
    assert collector.is_empty()


def test_without_the_extra_the_operator_is_told_what_to_install() -> None:
    """In a fresh interpreter that cannot import OpenTelemetry."""
    script = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'opentelemetry': raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from assay.telemetry import *\n"
        "with span('request'): pass\n"
        "try: configure_tracing(TracingOptions(True), 'r1', 'web')\n"
        "except ImportError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == (
        "tracing.enabled needs opentelemetry, which is not installed: pip install 'assay[otel]'"
    )


@pytest.mark.parametrize("share", [0.0, -1.0, 1.01, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        TracingOptions(share=share)
