"""What a running Assay tells its operator: counters for Prometheus, log lines as JSON, traces."""

from assay.telemetry.exporter import MetricsServer as MetricsServer
from assay.telemetry.logs import LogOptions as LogOptions
from assay.telemetry.logs import bound as bound
from assay.telemetry.logs import configure_logging as configure_logging
from assay.telemetry.logs import is_secret as is_secret
from assay.telemetry.logs import logger as logger
from assay.telemetry.logs import redacted as redacted
from assay.telemetry.logs import request_id as request_id
from assay.telemetry.metrics import METRICS_CONTENT_TYPE as METRICS_CONTENT_TYPE
from assay.telemetry.metrics import Metrics as Metrics
from assay.telemetry.table import *  # noqa: F403  # every metric, so that a new one needs one place
from assay.telemetry.tracing import Traced as Traced
from assay.telemetry.tracing import TracingOptions as TracingOptions
from assay.telemetry.tracing import configure_tracing as configure_tracing
from assay.telemetry.tracing import continued as continued
from assay.telemetry.tracing import current_traceparent as current_traceparent
from assay.telemetry.tracing import end_tracing as end_tracing
from assay.telemetry.tracing import from_client as from_client
from assay.telemetry.tracing import span as span
