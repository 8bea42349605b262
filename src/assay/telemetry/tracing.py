"""Traces of requests for OpenTelemetry, from a web process to the scoring process that does the work.

An extra (``pip install assay[otel]``), off by default. While it is off, `span` hands out one shared object
that does nothing, and nothing of OpenTelemetry is imported. A trace crosses a queue as the text of a W3C
``traceparent`` header: `current_traceparent` where a job is sent, `continued` where it is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

Attribute = str | bool | int | float
_EXPORT_TIMEOUT_S: Final = 2.0
"""For one batch, retries included: a collector that is away must not hold up the end of a process."""


@dataclass(frozen=True, slots=True)
class TracingOptions:
    """Where traces go, and how many."""

    enabled: bool = False
    """Whether requests are traced; needs the extra ``assay[otel]``."""

    endpoint: str = "http://127.0.0.1:4318/v1/traces"
    """URL of a collector that takes OTLP over HTTP."""

    share: float = 1.0
    """Part of the requests that is traced, above 0, at most 1. Whoever continues a trace does as its beginner
    decided."""

    trust_clients: bool = False
    """Whether a request's ``traceparent`` header is continued: only behind a proxy that sets it, else clients
    decide what is traced."""

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError("share must lie above 0 and not above 1 (`enabled` switches tracing off)")


class Traced:
    """What `span` gives: a step under way. This one, given while tracing is off, does nothing."""

    def set(self, **attributes: Attribute) -> None:
        """Say more about the step, once it is known."""


class _Recorded(Traced):
    def __init__(self, span: Span) -> None:
        self._span = span

    def set(self, **attributes: Attribute) -> None:
        self._span.set_attributes({f"assay.{name}": value for name, value in attributes.items()})


_OFF: Final[AbstractContextManager[Traced]] = nullcontext(Traced())
_NOWHERE: Final[AbstractContextManager[None]] = nullcontext()


class _Tracing:
    """OpenTelemetry, once it is configured. The imports stand here because it is an extra."""

    def __init__(self, options: TracingOptions, release: str, role: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        self.trusts_clients = options.trust_clients
        self.provider: TracerProvider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(options.share)),
            resource=Resource.create({"service.name": f"assay-{role}", "service.version": release}),
        )
        exporter = OTLPSpanExporter(endpoint=options.endpoint, timeout=_EXPORT_TIMEOUT_S)
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer: Tracer = self.provider.get_tracer("assay")

    @contextmanager
    def span(self, name: str, attributes: dict[str, Attribute]) -> Iterator[Traced]:
        with self.tracer.start_as_current_span(name) as span:
            traced = _Recorded(span)
            traced.set(**attributes)
            yield traced

    @contextmanager
    def continued(self, traceparent: str) -> Iterator[None]:
        from opentelemetry import context
        from opentelemetry.context import Context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {"traceparent": traceparent}
        token = context.attach(TraceContextTextMapPropagator().extract(carrier, Context()))
        try:
            yield
        finally:
            context.detach(token)

    def traceparent(self) -> str:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier.get("traceparent", "")


_tracing: _Tracing | None = None


def configure_tracing(options: TracingOptions, release: str, role: str) -> None:
    """Trace from now on, or not; call it before any process is forked, and `end_tracing` at the end.

    Raises ImportError, with what to install, when tracing is enabled and the extra is absent.
    """
    global _tracing
    end_tracing()
    if options.enabled:
        try:
            _tracing = _Tracing(options, release, role)
        except ModuleNotFoundError as error:
            raise ImportError(
                f"tracing.enabled needs {error.name}, which is not installed: pip install 'assay[otel]'"
            ) from error


def end_tracing() -> None:
    """Send what was traced (waiting a few seconds at most) and trace no more."""
    global _tracing
    ended, _tracing = _tracing, None
    if ended is not None:
        ended.provider.shutdown()


def span(name: str, **attributes: Attribute) -> AbstractContextManager[Traced]:
    """Trace one step: ``with span("fetch", wiki="enwiki") as step``. An exception that leaves it is kept."""
    return _OFF if _tracing is None else _tracing.span(name, attributes)


def current_traceparent() -> str:
    """Of the present step, for `continued` in another process; empty when there is none."""
    return "" if _tracing is None else _tracing.traceparent()


def continued(traceparent: str) -> AbstractContextManager[None]:
    """Within it, steps belong to the trace begun elsewhere; empty or malformed: to none."""
    return _NOWHERE if _tracing is None else _tracing.continued(traceparent)


def from_client(traceparent: str) -> AbstractContextManager[None]:
    """As `continued`, for what a client sent: believed only where `TracingOptions.trust_clients` says so."""
    believed = _tracing is not None and _tracing.trusts_clients
    return continued(traceparent if believed else "")
