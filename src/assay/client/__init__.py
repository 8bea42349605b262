"""A client of Assay's HTTP API: `AsyncClient`, and `Client` for programs without an event loop.

It stands alone: nothing of the server is imported with it, no model and no numpy.
"""

from assay.client.asynchronous import AsyncClient
from assay.client.blocking import Client
from assay.client.errors import Away, ClientError, Interrupted, Refused, TooLarge
from assay.client.results import (
    Cells,
    Cut,
    ExplainedRevision,
    Explanation,
    ModelDescription,
    ModelInfo,
    OperatingPoint,
    Optimum,
    Result,
    Score,
    ScoreError,
    Thresholds,
    WikiInfo,
)
from assay.client.transport import Patience

__all__ = [
    "AsyncClient",
    "Away",
    "Cells",
    "Client",
    "ClientError",
    "Cut",
    "ExplainedRevision",
    "Explanation",
    "Interrupted",
    "ModelDescription",
    "ModelInfo",
    "OperatingPoint",
    "Optimum",
    "Patience",
    "Refused",
    "Result",
    "Score",
    "ScoreError",
    "Thresholds",
    "TooLarge",
    "WikiInfo",
]
