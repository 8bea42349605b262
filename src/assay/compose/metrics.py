"""`/metrics` and `/livez` of a process that serves no HTTP otherwise, where an operator says."""

from __future__ import annotations

from assay.errors import cannot_listen
from assay.telemetry import Metrics, MetricsServer


def exported(metrics: Metrics, host: str, port: int, *, host_option: str = "--host") -> MetricsServer:
    """As `MetricsServer`. `host_option`: where an operator says the host. Raises `ConfigurationError` that
    says which port cannot be had."""
    try:
        return MetricsServer(metrics, host, port)
    except OSError as error:
        raise cannot_listen(
            error, host, port, port_option="--metrics-port", host_option=host_option
        ) from None
