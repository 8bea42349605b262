"""A process is traced while it works, and sends what it traced however its work ends."""

from __future__ import annotations

import sys

import pytest

from assay.compose.tracing import traced
from assay.errors import ConfigurationError
from assay.settings import Settings
from assay.telemetry import TracingOptions, current_traceparent, span
from servers.collector import Collector, collecting


def settings(collector: Collector | None = None) -> Settings:
    endpoint = collector.endpoint if collector else "http://127.0.0.1:9/"
    return Settings(release="r1", tracing=TracingOptions(enabled=True, endpoint=endpoint))


def test_its_spans_arrive_under_its_role_and_release_although_it_fails() -> None:
    def work() -> None:
        with traced(settings(collector), "worker"), span("step"):
            raise ZeroDivisionError(current_traceparent())

    with collecting() as collector:
        with pytest.raises(ZeroDivisionError, match=r"^00-"):
            work()
        (resource,) = collector.resources()
        with span("later"):
            assert current_traceparent() == ""
    attributes = {it.key: it.value.string_value for it in resource.resource.attributes}
    assert (attributes["service.name"], attributes["service.version"]) == ("assay-worker", "r1")
    assert [it.name for scope in resource.scope_spans for it in scope.spans] == ["step"]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'assay\[otel\]'"), traced(settings(), "web"):
        pytest.fail("it works without")


def test_what_is_not_to_be_traced_needs_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with traced(Settings(), "web"), span("step"):
        assert current_traceparent() == ""
