"""Tasks end, also those that take a cancellation for something else."""

from __future__ import annotations

import asyncio

from assay.tasks import end


async def test_a_task_that_swallows_cancellations_ends_at_last() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if swallowed == 2:
                    raise
                swallowed += 1

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end([task], patience_s=0.01)
    assert task.cancelled()
    assert swallowed == 2


async def test_no_tasks_and_ended_ones_are_fine() -> None:
    done = asyncio.create_task(asyncio.sleep(0))
    await done
    await end([done])
    await end([])
