"""Tracing, for as long as a process works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import ConfigurationError
from assay.settings import Settings
from assay.telemetry import configure_tracing, end_tracing


@contextmanager
def traced(settings: Settings, role: str) -> Iterator[None]:
    """Within it, steps are traced if the settings say so. Enter it before any process is forked.

    Raises `ConfigurationError` when the extra is not installed.
    """
    try:
        configure_tracing(settings.tracing, settings.release, role)
    except ImportError as error:
        raise ConfigurationError(str(error)) from error
    try:
        yield
    finally:
        end_tracing()
