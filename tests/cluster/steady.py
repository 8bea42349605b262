"""A steady, open load on several web processes whose every answer is judged: none lost, none wrong.

Half of the requests are for fresh ids of the test wiki, whose scores anybody can work out; half for fresh
copies of real edits, whose scores were computed beforehand in one process. No cache knows any of them.

A client here does what clients should: it obeys Retry-After, tries another server when a connection breaks
or an answer says that it can be asked again, and gives up after `PATIENCE_S`. Only then is an answer lost.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from servers.wiki_api import STRIDE
from waiting import until

PATIENCE_S: Final = 60.0
"""A lost answer is one that nobody gave in three times the server's own limit for a request."""
ATTEMPT_S: Final = 25.0
CLEAN_S: Final = 2.0
CLEAN_IN_A_ROW: Final = 10
"""So many requests answered at once, the first time, mean that all is as before."""
_PAUSE_S: Final = 0.1
_RETRYABLE: Final = frozenset({429, 503, 504})

Scores = Mapping[str, Mapping[str, float]]
"""Of one revision, by model: probabilities by label as JSON names it."""


@dataclass(frozen=True)
class Asked:
    """One request for one revision, and what it must be answered."""

    path: str
    wiki: str
    rev_id: int
    scores: Scores


@dataclass(frozen=True)
class Answered:
    """`due_s`, `done_s`: on the monotonic clock. `attempts`: the first included."""

    due_s: float
    done_s: float
    attempts: int

    @property
    def is_clean(self) -> bool:
        return self.attempts == 1 and self.done_s - self.due_s < CLEAN_S


@dataclass
class Tally:
    """What became of all requests. `told`: why attempts were repeated, by status, word or error."""

    answered: list[Answered] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    told: Counter[str] = field(default_factory=Counter)

    def recovery_s(self, since_s: float) -> float | None:
        """Seconds from then to the first of `CLEAN_IN_A_ROW` clean requests in the order they were due."""
        row: list[Answered] = []
        for one in sorted(self.answered, key=lambda one: one.due_s):
            if one.due_s >= since_s:
                row = [*row, one] if one.is_clean else []
                if len(row) == CLEAN_IN_A_ROW:
                    return row[0].due_s - since_s
        return None


class Load:
    """`urls`: of web processes, asked in turn. `scores`: of the original revisions."""

    def __init__(self, urls: Sequence[str], scores: Mapping[int, Scores], *, first: int) -> None:
        self._urls = list(urls)
        self._questions = _questions(scores, first)
        self._turn = itertools.count()
        self.tally = Tally()
        self._stopping = threading.Event()

    @contextmanager
    def running(self, rate: float = 10.0) -> Iterator[Load]:
        """Requests are sent while the block runs; at its end, all that were sent have an ending."""
        thread = threading.Thread(target=lambda: asyncio.run(self._send_all(rate)), name="steady-load")
        thread.start()
        try:
            yield self
        finally:
            self._stopping.set()
            thread.join()

    def until_answered(self, more: int, limit_s: float = PATIENCE_S) -> None:
        """Wait for so many further answers."""
        target = len(self.tally.answered) + more
        until(lambda: len(self.tally.answered) >= target, limit_s, self._shown)

    def until_told(self, word: str, more: int, limit_s: float = PATIENCE_S) -> None:
        """Wait until so many further attempts had to be repeated for that reason: the fault is felt."""
        target = self.tally.told[word] + more
        until(lambda: self.tally.told[word] >= target, limit_s, self._shown)

    def until_normal(self, since_s: float, limit_s: float = PATIENCE_S) -> float:
        """Wait until requests are answered as if nothing had been; the seconds that it took."""
        until(lambda: self.tally.recovery_s(since_s) is not None, limit_s, self._shown)
        recovered_s = self.tally.recovery_s(since_s)
        assert recovered_s is not None
        return recovered_s

    def _shown(self) -> str:
        return (
            f"{len(self.tally.answered)} answered, told {dict(self.tally.told)}, lost {self.tally.lost[:3]}"
        )

    async def _send_all(self, rate: float) -> None:
        """Open loop: a request is due at its moment, whatever became of those before."""
        begun_s = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=ATTEMPT_S)
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            for number in itertools.count():
                due_s = begun_s + number / rate
                await asyncio.sleep(due_s - time.monotonic())
                if self._stopping.is_set():
                    return
                group.create_task(self._settle(session, next(self._questions), due_s))

    async def _settle(self, session: aiohttp.ClientSession, asked: Asked, due_s: float) -> None:
        for attempt in itertools.count(1):
            reason, wait_s = await self._ask(session, asked)
            if reason is None:
                self.tally.answered.append(Answered(due_s, time.monotonic(), attempt))
                return
            self.tally.told[reason] += 1
            if time.monotonic() + wait_s - due_s > PATIENCE_S:
                self.tally.lost.append(f"{asked.path} after {attempt} attempts, the last: {reason}")
                return
            await asyncio.sleep(wait_s)

    async def _ask(self, session: aiohttp.ClientSession, asked: Asked) -> tuple[str | None, float]:
        """Why this attempt brought no answer (None: it did), and how long to wait before the next."""
        url = self._urls[next(self._turn) % len(self._urls)] + asked.path
        try:
            async with session.get(url) as response:
                document = await response.json(content_type=None)
                if response.status in _RETRYABLE and "Retry-After" in response.headers:
                    return str(response.status), float(response.headers["Retry-After"])
                if response.status != 200:
                    return f"{response.status} without Retry-After", _PAUSE_S
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return type(error).__name__, _PAUSE_S
        return self._judge(asked, document), _PAUSE_S

    def _judge(self, asked: Asked, document: Any) -> str | None:
        """Notes a wrong score; returns the code of a cell that is an error."""
        cells = document[asked.wiki]["scores"][str(asked.rev_id)]
        for model, expected in asked.scores.items():
            cell = cells.get(model, {})
            if "error" in cell:
                return str(cell["error"].get("code") or cell["error"].get("type"))
            if not same(expected, cell.get("score", {}).get("probability", {})):
                self.tally.wrong.append(f"{asked.path} {model}: {cell}, not {expected}")
        return None


def same(expected: Mapping[str, float], actual: Mapping[str, float]) -> bool:
    """Whether two scores are one, but for how a number was written."""
    return expected.keys() == actual.keys() and all(
        math.isclose(expected[label], actual[label], rel_tol=1e-9, abs_tol=1e-12) for label in expected
    )


def _questions(scores: Mapping[int, Scores], first: int) -> Iterator[Asked]:
    """Without end, no revision twice; `first`: unlike that of every other load on the same cluster."""
    for number in itertools.count(first):
        rev_id = number * STRIDE + 12
        reversed_digits = int(str(rev_id % 100)[::-1]) / 100 if rev_id % 100 >= 10 else 0.0
        yield Asked(
            f"/v3/scores/testwiki/{rev_id}/revid?error_codes",
            "testwiki",
            rev_id,
            {"revid": {"true": reversed_digits, "false": 1 - reversed_digits}},
        )
        original = [*scores][number % len(scores)]
        copied = original + number * STRIDE
        models = scores[original]
        yield Asked(
            f"/v3/scores/samplewiki/?models={'|'.join(models)}&revids={copied}&error_codes",
            "samplewiki",
            copied,
            models,
        )
