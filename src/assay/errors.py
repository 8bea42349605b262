"""Every error that Assay raises on purpose, split by what the caller does next.

::

    AssayError
    ├── RequestError            the client's request is wrong: mend it
    │   ├── UnknownWiki
    │   ├── UnknownModel
    │   ├── BadParameter
    │   ├── TooManyRevisions
    │   └── BadInjection
    ├── RetryableError          nothing is wrong with the request: retry after `delay_s`
    │   ├── Overloaded
    │   ├── DeadlineExceeded
    │   ├── EngineUnavailable
    │   │   └── NoWorker
    │   ├── SourceUnavailable
    │   ├── StoreUnavailable
    │   └── BalancerUnavailable
    ├── ConfigurationError      an operator must mend a setting, a file or a command line
    │   └── SourceError         a dump, history or wiki address cannot be read
    ├── TooFewReverts           a wiki's history teaches too little for a model of its own
    ├── BundleError             a model bundle is refused
    ├── ReleaseError            a release is refused, or cannot be put into its slot
    │   └── ReleaseNotFound
    ├── JournalError            the journal of rollouts is not sound, or cannot be written
    │   └── JournalHeld         another controller writes it
    ├── BalancerError           HAProxy does not do what a rollout asks: an operator must look
    ├── FleetError              a node does not do what a rollout tells it: an operator must look
    └── GraphError              a programmer's mistake in the feature graph
        ├── DependencyCycle
        └── MissingRoot

A *revision* that cannot be scored is not an exception but a value
(`assay.revisions.problem.Problem`): in a batch it concerns one cell only.
HTTP statuses are not here: they stand in one table in `assay.serving.refusals`.
"""

from __future__ import annotations

import errno
import os
import ssl
from typing import Final

ENGINE_STOPPED: Final = "engine_unavailable"
"""Code of what one process gave up since its engine stopped, or never started; another may well do it.
`EngineUnavailable` has another: there, the queue is away."""


class AssayError(Exception):
    """Base of all. `code` is stable and machine-readable; `str()` is for people and says what to do."""

    code = "internal_error"


class RequestError(AssayError):
    """The request is wrong; sending it again unchanged cannot help."""

    code = "bad_request"


class UnknownWiki(RequestError):
    """This server does not score that wiki."""

    code = "unknown_wiki"


class UnknownModel(RequestError):
    """The wiki has no model of that name."""

    code = "unknown_model"


class BadParameter(RequestError):
    """A parameter's value cannot be understood or is out of range."""

    code = "bad_parameter"


class TooManyRevisions(BadParameter):
    """More revisions than one request may name. `limit`: how many it may."""

    code = "too_many_revisions"

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"Too many revisions: {count}; at most {limit} in one request.")
        self.limit = limit


class BadInjection(BadParameter):
    """An injected value names no feature or datasource, or has the wrong type."""

    code = "bad_injection"


class RetryableError(AssayError):
    """Nothing is wrong with the request; try again after `delay_s` seconds."""

    code = "unavailable"

    def __init__(self, message: str, *, delay_s: float = 1.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class Overloaded(RetryableError):
    """A bounded queue is full; the work was not accepted."""

    code = "overloaded"


class DeadlineExceeded(RetryableError):
    """The request's deadline passed before the work was done."""

    code = "deadline_exceeded"


class EngineUnavailable(RetryableError):
    """Nothing can be computed just now: the queue of jobs is away."""

    code = "queue_unavailable"


class NoWorker(EngineUnavailable):
    """The queue is there, but nobody takes jobs from it, and waiting a little has not helped."""


class SourceUnavailable(RetryableError):
    """The wiki did not answer, or asked us to wait."""

    code = "source_unavailable"


class StoreUnavailable(RetryableError):
    """A release store did not answer, or too slowly."""

    code = "store_unavailable"


class BalancerUnavailable(RetryableError):
    """HAProxy's runtime API does not answer; what it does with users' requests is not known."""

    code = "balancer_unavailable"


class ConfigurationError(AssayError):
    """A setting, file or command line that an operator must mend."""

    code = "configuration_error"


class SourceError(ConfigurationError):
    """A dump, history or wiki address that cannot be opened or read."""

    code = "source_error"


class TooFewReverts(AssayError):
    """A wiki's history holds too few reverted edits to learn from; the message says what to use instead."""

    code = "too_few_reverts"


class BundleError(AssayError):
    """A model bundle is truncated, altered, foreign, or newer than this Assay can read."""

    code = "bundle_refused"


class ReleaseError(AssayError):
    """A release is damaged, altered, foreign or incomplete, or does not do what it promises."""

    code = "release_refused"


class ReleaseNotFound(ReleaseError):
    """There is no such release, or no such file of it, where it was looked for."""

    code = "release_not_found"


class JournalError(AssayError):
    """The journal of rollouts is altered, out of order, or cannot be written; nothing is done without it."""

    code = "journal_error"


class JournalHeld(JournalError):
    """Another controller holds the journal; the message names it."""

    code = "journal_held"


class BalancerError(AssayError):
    """HAProxy refused a command, does not know a server, or did not take what it was told."""

    code = "balancer_error"


class FleetError(AssayError):
    """A node did not do what it was told; the message holds its last lines."""

    code = "fleet_error"


class GraphError(AssayError):
    """The feature graph itself is wrong: a programmer's mistake, found when a plan is compiled."""

    code = "graph_error"


class DependencyCycle(GraphError):
    """A node depends on itself; the message names the whole cycle."""

    code = "dependency_cycle"


class MissingRoot(GraphError):
    """A node without inputs has no way to be read from a revision and was not injected."""

    code = "missing_root"


def reason_of(error: Exception) -> str:
    """Of a file that cannot be read, or an address that cannot be reached, without what only programmers
    read: numbers of errors, names of codecs, and ``ssl:default`` where nobody asked for TLS. Never empty."""
    host, cause = getattr(error, "host", None), getattr(error, "os_error", None)
    if host is not None and isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):  # aiohttp's
        place = f"[{host}]" if ":" in host else host
        return f"{place}:{getattr(error, 'port', '')}: {_system_reason(cause)}"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error) or type(error).__name__


def cannot_listen(
    error: OSError, host: str, port: int, *, port_option: str = "--port", host_option: str = "--host"
) -> ConfigurationError:
    """Why a server cannot have its address, and what to do. `port_option`, `host_option`: where an operator
    says them."""
    advice = {
        errno.EADDRINUSE: f"give another {port_option}, or end what uses it",
        errno.EACCES: f"give a {port_option} from 1024 on",
    }.get(error.errno or 0, f"give a {host_option} that is an address of this machine")
    return ConfigurationError(f"cannot listen on {host} port {port}: {_system_reason(error)}: {advice}")


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8: not what Python makes of other bytes on a command line or in
    the environment."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def worded(error: BaseException) -> str:
    """For a log: the error's class, and what it says. Not its ``repr``: redis-py's tells neither that the
    disk of a Redis is full nor where nobody answered."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _system_reason(error: OSError) -> str:
    """Python and asyncio write the address in the place of the reason, or behind it; but a host that is not
    found has a number that only they explain."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)
