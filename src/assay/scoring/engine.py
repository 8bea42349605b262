"""How a job is computed, behind one small interface: inline, in a pool of processes, or by Celery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from assay.clock import Deadline
from assay.scoring.request import Cell, Job


class Engine(Protocol):
    """Computes jobs. Every engine passes the one suite in ``tests/scoring/test_engine.py``."""

    async def score(self, job: Job, deadline: Deadline) -> Mapping[str, Cell]:
        """One cell for each of the job's models.

        A revision that takes too long, or kills its process twice, is a `Problem` in its cells.
        Raises `Overloaded` when the bounded queue is full; the job was not accepted.
        """
        ...

    async def start(self) -> None: ...

    async def aclose(self) -> None:
        """Finish accepted jobs, then end every process."""
        ...
