"""What can go wrong when a server is asked.

::

    ClientError
    ├── Refused       the server answered that it will not: `status`, `code`, `retryable`
    ├── Away          the server could not be reached, did not answer in time, or answered what Assay does not
    └── Interrupted   a stream was cut off more often than it was worth going on

A revision that cannot be scored is no exception but a `assay.client.results.ScoreError` in its place.
"""

from __future__ import annotations


class ClientError(Exception):
    """Base of all. `retryable`: whether asking again later may help."""

    retryable = False


class Refused(ClientError):
    """An error that the server told. `code` is stable; `delay_s`: when to ask again, None when it did not
    say."""

    def __init__(
        self, message: str, *, status: int, code: str, retryable: bool, delay_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retryable = retryable
        self.delay_s = delay_s


class Away(ClientError):
    """No answer, or none of Assay's."""

    retryable = True


class Interrupted(ClientError):
    """A stream brought nothing new however frequently it was asked to go on."""

    retryable = True
