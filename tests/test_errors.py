"""The error hierarchy is complete, documented, and its codes are stable."""

from __future__ import annotations

import inspect

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


def test_every_error_is_in_the_drawing_and_has_a_docstring() -> None:
    drawing = errors.__doc__ or ""
    for name, value in _classes().items():
        assert name in drawing
        assert value.__doc__


def test_a_retryable_error_says_when() -> None:
    assert errors.Overloaded("full", delay_s=2.5).delay_s == 2.5
