"""Edits that wait: how many, in which order, and what is asked for together."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from assay.events import Change, Wanted
from assay.precache.backlog import Backlog, Task
from assay.precache.ledger import Ledger, Mark

DAMAGING = Wanted("clubwiki", ("damaging",))
BOTH = Wanted("clubwiki", ("damaging", "goodfaith"))
OTHER = Wanted("otherwiki", ("damaging",))


def task(rev_id: int, wanted: Wanted = DAMAGING) -> Task:
    change, ledger = Change("clubwiki", rev_id, None, None, False), Ledger(Mark(), 10)
    return Task(change, wanted, ledger, ledger.enter(change.identity, None), 0)


def ids(batch: list[Task]) -> list[int]:
    return [one.change.rev_id for one in batch]


async def test_a_batch_is_of_one_wiki_and_the_same_models() -> None:
    backlog = Backlog(10)
    for rev_id, wanted in enumerate((DAMAGING, BOTH, OTHER, DAMAGING, BOTH)):
        await backlog.put(task(rev_id + 1, wanted))
    assert [ids(await backlog.take(50)) for _ in range(3)] == [[1, 4], [2, 5], [3]]


async def test_a_busy_wiki_does_not_make_the_others_wait() -> None:
    backlog = Backlog(10)
    for rev_id in range(1, 6):
        await backlog.put(task(rev_id))
    await backlog.put(task(6, OTHER))
    assert [ids(await backlog.take(2)) for _ in range(4)] == [[1, 2], [6], [3, 4], [5]]


async def test_what_was_put_back_is_given_out_again_and_needs_no_room() -> None:
    backlog = Backlog(1)
    await backlog.put(task(1))
    (taken,) = await backlog.take(50)
    async with asyncio.timeout(30):
        await backlog.put_back(taken)
    assert await backlog.take(50) == [taken]
    assert backlog.size == 1


async def test_there_is_room_again_once_edits_are_gone() -> None:
    backlog = Backlog(2)
    await backlog.put(task(1))
    await backlog.put(task(2))
    waiting = [asyncio.create_task(backlog.put(task(rev_id))) for rev_id in (3, 4, 5)]
    assert ids(await backlog.take(50)) == [1, 2], "those that are taken keep their room"
    await _all_others()
    assert not any(one.done() for one in waiting)
    assert backlog.size == 2
    backlog.gone(2)
    await asyncio.wait(waiting[:2])
    await _all_others()
    assert not waiting[2].done()
    assert ids(await backlog.take(50)) == [3, 4]
    assert backlog.size == 2
    waiting[2].cancel()


async def test_who_waits_for_an_edit_gets_the_first_and_at_the_end_nothing() -> None:
    backlog = Backlog(2)
    takers = [asyncio.create_task(backlog.take(50)) for _ in range(3)]
    await _all_others()
    await backlog.put(task(1))
    assert ids(await takers[0]) == [1]
    await backlog.close()
    assert [await taker for taker in takers[1:]] == [[], []]


async def test_nothing_that_waits_is_given_out_after_the_end() -> None:
    backlog = Backlog(2)
    await backlog.put(task(1))
    await backlog.close()
    assert await backlog.take(50) == []


def suspect(rev_id: int) -> Task:
    one = task(rev_id)
    one.is_suspect = True
    return one


async def test_suspects_are_given_out_alone_and_one_at_a_time() -> None:
    backlog = Backlog(10)
    for one in (suspect(1), suspect(2), task(3), task(4)):
        await backlog.put(one)
    first = await backlog.take(50)
    assert ids(first) == [1]
    others = await backlog.take(50)
    assert ids(others) == [3, 4]
    taking = asyncio.create_task(backlog.take(50))
    await backlog.tried(others)
    await _all_others()
    assert not taking.done(), "the first is under way"
    await backlog.tried(first)
    assert ids(await taking) == [2]


async def test_who_waits_while_a_suspect_is_under_way_gets_what_comes() -> None:
    backlog = Backlog(10)
    await backlog.put(suspect(1))
    await backlog.take(50)
    await backlog.put(suspect(2))
    taking = asyncio.create_task(backlog.take(50))
    await _all_others()
    await backlog.put(task(3))
    assert ids(await taking) == [3]


async def test_suspects_and_others_take_turns() -> None:
    """With one worker, neither waits for all of the others."""
    backlog = Backlog(20)
    for rev_id in range(1, 4):
        await backlog.put(suspect(rev_id))
    for rev_id in range(11, 15):
        await backlog.put(task(rev_id))
    found = []
    for _ in range(7):
        batch = await backlog.take(1)
        found += ids(batch)
        await backlog.tried(batch)
    assert found == [1, 11, 2, 12, 3, 13, 14]


async def test_a_suspect_that_was_cleared_is_as_others() -> None:
    backlog = Backlog(10)
    one = suspect(1)
    await backlog.put(one)
    batch = await backlog.take(50)
    one.is_suspect = False
    await backlog.tried(batch)
    await backlog.put_back(one)
    await backlog.put(task(2))
    assert ids(await backlog.take(50)) == [1, 2]
    await backlog.put(suspect(3))
    assert ids(await backlog.take(50)) == [3]


@given(st.lists(st.sampled_from([DAMAGING, BOTH, OTHER]), max_size=20), st.integers(1, 5))
def test_each_is_given_out_once_and_those_of_one_kind_in_order(kinds: list[Wanted], most: int) -> None:
    async def taken() -> list[list[Task]]:
        backlog = Backlog(100)
        for number, wanted in enumerate(kinds, 1):
            await backlog.put(task(number, wanted))
        batches: list[list[Task]] = []
        while sum(map(len, batches)) < len(kinds):
            batches.append(await backlog.take(most))
        return batches

    batches = asyncio.run(taken())
    assert all(1 <= len(batch) <= most for batch in batches)
    for kind in set(kinds):
        found = [one.change.rev_id for batch in batches for one in batch if one.wanted == kind]
        assert found == [number for number, wanted in enumerate(kinds, 1) if wanted == kind]


async def _all_others() -> None:
    """Until every other task waits for something."""
    for _ in range(10):
        await asyncio.sleep(0)
