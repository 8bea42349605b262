"""Tasks end, also those that take a cancellation for something else."""

from __future__ import annotations

import asyncio

import pytest

from assay.tasks import end, once


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


async def test_all_who_ask_get_the_same_and_who_gives_up_takes_nothing_from_them() -> None:
    go_on, begun = asyncio.Event(), 0

    async def work() -> object:
        nonlocal begun
        begun += 1
        await go_on.wait()
        return object()

    ask = once(work)
    first, second = (asyncio.ensure_future(ask()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go_on.set()
    assert await second is await ask()
    assert begun == 1


async def test_nothing_is_begun_before_somebody_asks_and_a_failure_is_everybodys() -> None:
    begun = 0

    async def work() -> None:
        nonlocal begun
        begun += 1
        raise ZeroDivisionError

    ask = once(work)
    await asyncio.sleep(0)
    assert begun == 0
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await ask()
    assert begun == 1
