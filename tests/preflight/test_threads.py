"""Work in a thread that nobody has to wait for, and work that is done once."""

from __future__ import annotations

import asyncio
import threading

import pytest

from assay.preflight.threads import in_thread, once


async def test_what_it_returns_or_raises_is_the_callers() -> None:
    assert await in_thread(lambda: 5) == 5
    assert await in_thread(lambda: threading.current_thread().daemon), "it must not keep a report from ending"
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_who_gives_up_leaves_it_behind() -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        go_on.wait()
        ended.set()

    waiting = asyncio.ensure_future(in_thread(hang))
    await in_thread(begun.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    go_on.set()
    await in_thread(ended.wait)
    await in_thread(lambda: None)  # whose result comes after that of the one given up


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
