"""Several streamed answers as one: nothing is lost, and nothing is asked for in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

import pytest

from assay.client import Away, Refused
from assay.client.merging import Line, merged

Told = Callable[[list[int]], AsyncGenerator[Line]]


def no_place() -> Refused:
    return Refused("2 streams at once", status=429, code="too_many_requests", retryable=True)


async def plain(ids: list[int]) -> AsyncGenerator[Line]:
    for rev_id in ids:
        yield {"revision": rev_id}


async def ids_of(answer: Told, parts: list[list[int]], at_once: int) -> list[int]:
    async with asyncio.timeout(30):
        return [line["revision"] async for line in merged(answer, iter(parts), at_once)]


@pytest.mark.parametrize("at_once", [1, 2, 5])
async def test_every_line_of_every_part_comes(at_once: int) -> None:
    parts = [list(range(start, start + 150)) for start in range(0, 1500, 150)]
    assert sorted(await ids_of(plain, parts, at_once)) == list(range(1500))
    assert await ids_of(plain, [], at_once) == []


async def test_parts_are_under_way_together() -> None:
    meeting = asyncio.Barrier(3)

    async def answer(ids: list[int]) -> AsyncGenerator[Line]:
        await meeting.wait()
        yield {"revision": ids[0]}

    assert sorted(await ids_of(answer, [[1], [2], [3]], 3)) == [1, 2, 3]


async def test_what_has_no_place_is_left_to_the_others_from_where_it_stopped() -> None:
    refused = asyncio.Event()
    asked: list[list[int]] = []

    async def answer(ids: list[int]) -> AsyncGenerator[Line]:
        asked.append(ids)
        if ids[0] == 1:
            await refused.wait()
        for rev_id in ids:
            if rev_id == 11 and not refused.is_set():
                refused.set()
                raise no_place()
            yield {"revision": rev_id}

    assert sorted(await ids_of(answer, [[1, 2], [10, 11, 12], [20]], 2)) == [1, 2, 10, 11, 12, 20]
    assert asked == [[1, 2], [10, 11, 12], [11, 12], [20]]


async def test_who_has_no_place_at_all_is_told() -> None:
    async def answer(ids: list[int]) -> AsyncGenerator[Line]:
        await asyncio.sleep(0)
        raise no_place()
        yield {"revision": ids[0]}

    with pytest.raises(Refused, match="2 streams at once"):
        await ids_of(answer, [[1], [2]], 2)


async def test_an_error_ends_all_after_the_lines_that_came_before() -> None:
    is_ended = asyncio.Event()

    async def answer(ids: list[int]) -> AsyncGenerator[Line]:
        if ids == [1]:
            try:
                await asyncio.Event().wait()
            finally:
                is_ended.set()
        yield {"revision": ids[0]}
        raise Away("gone")

    lines = merged(answer, iter([[1], [2, 3]]), 2)
    assert await anext(lines) == {"revision": 2}
    with pytest.raises(Away, match="gone"):
        await anext(lines)
    assert is_ended.is_set()


async def test_an_error_comes_behind_its_lines_also_when_another_reader_has_ended_before() -> None:
    has_begun, has_ended, has_failed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    def parts() -> Iterator[list[int]]:
        yield [1]
        yield [2, 3]
        has_ended.set()

    async def answer(ids: list[int]) -> AsyncGenerator[Line]:
        if ids == [1]:
            await has_begun.wait()
        else:
            has_begun.set()
            await has_ended.wait()
        for rev_id in ids:
            yield {"revision": rev_id}
        if ids != [1]:
            has_failed.set()
            raise Away("gone")

    lines = merged(answer, parts(), 2)
    assert await anext(lines) == {"revision": 1}
    async with asyncio.timeout(30):
        await has_failed.wait()
    assert [(await anext(lines))["revision"] for _ in range(2)] == [2, 3]
    with pytest.raises(Away, match="gone"):
        await anext(lines)


async def test_closing_it_ends_the_work() -> None:
    ended: list[int] = []

    async def answer(ids: list[int]) -> AsyncGenerator[Line]:
        try:
            while True:
                yield {"revision": ids[0]}
        finally:
            ended.append(ids[0])

    async with aclosing(merged(answer, iter([[1], [2], [3]]), 2)) as lines:
        await anext(lines)
    assert sorted(ended) == [1, 2]
