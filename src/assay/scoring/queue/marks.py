"""Which jobs a worker has had in hand for longer than ordinary ones take, told in Redis.

A web process that waits too long for a reply looks there: is its job worked on, by whom, and does that worker
live? Nearly all jobs are done before anybody could ask, so marking each of them would cost a round trip for
nothing: only what is in hand at two looks in a row is marked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final

from redis import Redis
from redis.exceptions import RedisError

from assay.errors import worded
from assay.scoring.codec import CodecError
from assay.scoring.queue.envelope import decode_envelope
from assay.telemetry import logger

LOOKS: Final = 4
"""In the time between two signs of life, which is also that between two looks of a web process after what is
overdue: a job is marked by the second look here, so it is not taken for one that vanished."""
TAKEN_MARGIN_S: Final = 60.0
"""Seconds beyond its deadline that a job stays marked when its worker dies."""


class Marks:
    """Those of one worker, kept by its main process. `name`: the worker's. `connect`: makes its client."""

    def __init__(self, name: str, connect: Callable[[], Redis]) -> None:
        self._name = name
        self._connect = connect
        self._redis: Redis | None = None
        self._seen: frozenset[Hashable] = frozenset()
        self._marked: frozenset[str] = frozenset()
        self._log = logger(__name__)

    def look(self, in_hand: Mapping[Hashable, Callable[[], bytes]]) -> None:
        """To be called `LOOKS` times between two signs of life, with every job in hand, each with what gets
        its envelope. What is done with loses its mark: should its reply never arrive, nobody works on it. A
        Redis that is away gets the marks when it is back."""
        long = self._seen & in_hand.keys()
        self._seen = frozenset(in_hand)
        if long or self._marked:
            self._tell(_lives(in_hand[one]() for one in long))

    def close(self) -> None:
        """Again: no harm. The last marks wear off by themselves."""
        if self._redis is not None:
            self._redis.close()

    def _tell(self, lives_ms: Mapping[str, int]) -> None:
        if self._redis is None:
            self._redis = self._connect()
        pipeline = self._redis.pipeline(transaction=False)
        for key, ms in lives_ms.items():
            pipeline.set(key, self._name, px=ms)
        if gone := self._marked - lives_ms.keys():
            pipeline.delete(*gone)
        try:
            pipeline.execute()
            self._marked = frozenset(lives_ms)
        except (RedisError, OSError) as error:
            self._marked |= lives_ms.keys()
            self._log.warning("no sign of jobs in hand was sent", reason=worded(error))


def _lives(envelopes: Iterable[bytes]) -> dict[str, int]:
    """Milliseconds for which each attempt's mark holds, by key."""
    lives = {}
    for data in envelopes:
        try:
            envelope = decode_envelope(data)
        except CodecError:  # its process says so
            continue
        remaining_s = max(0.0, envelope.deadline_s - time.time())
        lives[envelope.taken_key] = round((remaining_s + TAKEN_MARGIN_S) * 1000)
    return lives
