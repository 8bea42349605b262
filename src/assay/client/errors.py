"""What can go wrong when a server is asked.

::

    ClientError
    ├── Refused       the server answered that it will not: `status`, `code`, `retryable`
    ├── Away          the server could not be reached, did not answer in time, or answered what Assay does not
    ├── TooLarge      the answer was larger than this client takes: `max_answer_bytes`
    └── Interrupted   a stream was cut off more often than it was worth going on

A revision that cannot be scored is no exception but a `assay.client.results.ScoreError` in its place.
"""

from __future__ import annotations

from typing import Any


class ClientError(Exception):
    """Base of all. `retryable`: whether asking again later may help. Can be pickled, as a pool of processes
    does with what its work raises."""

    retryable = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again without `__init__`, which takes other arguments than `args`: else unpickling fails, and
        breaks the pool."""
        return ClientError.__new__, (type(self), *self.args), self.__dict__


class Refused(ClientError):
    """An error that the server told. `code` is stable; `delay_s`: when to ask again, `limit`: how much one
    request may hold; None when it did not say."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        retryable: bool,
        delay_s: float | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retryable = retryable
        self.delay_s = delay_s
        self.limit = limit


class Away(ClientError):
    """No answer, or none of Assay's."""

    retryable = True


class TooLarge(ClientError):
    """The answer, or one line of a stream, was larger than the client takes, and was not read to its end."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"the answer has more than {limit_bytes} bytes: ask for less at once, or raise max_answer_bytes"
        )


class Interrupted(ClientError):
    """A stream brought nothing new however frequently it was asked to go on."""

    retryable = True
