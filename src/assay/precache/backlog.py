"""Edits that wait to be scored: bounded, and given out in batches of what can be asked for together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass

from assay.events import Change, Wanted
from assay.precache.ledger import Ledger, Ticket


@dataclass(slots=True)
class Task:
    """One edit on its way. `heard`: how many answers Assay had given to anybody when this edit was taken or
    last tried. `attempts`: so far. `tried_s`: between them, without the time in which Assay gave nobody an
    answer. `last_s`: of the last, monotonic."""

    change: Change
    wanted: Wanted
    ledger: Ledger
    ticket: Ticket
    heard: int
    attempts: int = 0
    tried_s: float = 0.0
    last_s: float = 0.0


class Backlog:
    """`limit`: edits at most between `put` and `gone`, those under way included."""

    def __init__(self, limit: int) -> None:
        self._room = asyncio.Semaphore(limit)
        self._waiting: OrderedDict[Wanted, deque[Task]] = OrderedDict()
        self._some = asyncio.Condition()
        self._is_closed = False
        self.size = 0

    async def put(self, task: Task) -> None:
        """Waits for room."""
        await self._room.acquire()
        self.size += 1
        await self.put_back(task)

    async def put_back(self, task: Task) -> None:
        """One that has its room already."""
        async with self._some:
            self._waiting.setdefault(task.wanted, deque()).append(task)
            self._some.notify()

    async def take(self, most: int) -> list[Task]:
        """Of one wiki and its same models, those that have waited longest; empty at the end."""
        async with self._some:
            await self._some.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return []
            wanted, tasks = self._waiting.popitem(last=False)
            batch = [tasks.popleft() for _ in range(min(most, len(tasks)))]
            if tasks:  # to the end, so that a busy wiki does not make the others wait
                self._waiting[wanted] = tasks
            return batch

    def gone(self, count: int) -> None:
        """So many are done with."""
        self.size -= count
        for _ in range(count):
            self._room.release()

    async def close(self) -> None:
        """Nothing more is given out."""
        async with self._some:
            self._is_closed = True
            self._some.notify_all()
