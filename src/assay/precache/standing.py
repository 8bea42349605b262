"""How Assay stands with all that it is asked, whoever asks: is a failure one edit's doing, or its own?

An edit that Assay fails on is found by halves, which takes some failures in a row while nothing else is
asked. More in a row than that, and nothing gets through: then it is left in peace as if it were away, and
asked for single edits, each time another, so that one edit which it can score is enough to know it is back.
"""

from __future__ import annotations

from assay.precache.patience import backoff_s


class Standing:
    """`batch`: edits in one request at most. `answers`: with scores in them, that it gave so far."""

    def __init__(self, batch: int) -> None:
        self._of_one_edit = batch.bit_length() + 1
        self._failures = 0
        self._asked_s = 0.0
        self._is_heard = False
        self.answers = 0

    def answered(self) -> None:
        """With a score."""
        self.answers += 1
        self._failures = 0
        self._asked_s = 0.0

    def heard(self) -> None:
        """It answered without any score: the wiki did not give the revisions. That needs no pause, and is no
        sign that it can score one."""
        self._is_heard = True

    def failed(self, delay_s: float | None = None) -> None:
        """A request that might have succeeded. `delay_s`: what it asked to wait, None if it did not."""
        self._failures += 1
        self._asked_s = delay_s or 0.0
        self._is_heard = False

    @property
    def is_bad(self) -> bool:
        """Whether so many requests failed in a row that no single edit can be the reason."""
        return self._failures > self._of_one_edit

    def pause_s(self) -> float:
        """Before the next request; 0 while single edits may be the reason, whatever was asked: others would
        wait for them."""
        if not self.is_bad or self._is_heard:
            return 0.0
        return max(backoff_s(self._failures - self._of_one_edit), self._asked_s)
