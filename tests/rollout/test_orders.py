"""Orders: each is obeyed once, by the rollout that it is meant for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assay.rollout import orders
from assay.rollout.journal import Journal, read_journal
from assay.rollout.orders import Order
from assay.rollout.state import Rollout
from load.virtual_time import run_virtually
from rollout.fake_world import World

PAUSE, ABORT = Order("pause", "ann", "lunch", "r1"), Order("abort", "bob", "looks odd", "r1")


def taken(folder: Path, known: set[str]) -> list[Order | str]:
    return [order for _, order in orders.take(folder, known)]


def test_they_come_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    assert taken(tmp_path, set()) == []
    orders.give(tmp_path, PAUSE)
    orders.give(tmp_path, ABORT)
    assert taken(tmp_path, set()) == [PAUSE, ABORT]
    assert taken(tmp_path, set()) == []


def test_one_that_was_journalled_but_not_removed_is_removed_only(tmp_path: Path) -> None:
    orders.give(tmp_path, PAUSE)
    (name, _) = next(orders.take(tmp_path, set()))  # killed before it asked for the next
    assert taken(tmp_path, {name}) == []
    assert list((tmp_path / "orders").iterdir()) == []


def rolled(world: World) -> Rollout:
    async def run() -> Rollout:
        with Journal(world.folder, world.clock) as journal:
            world.start(journal)
            async with asyncio.timeout(3600):
                return await world.controller(journal).run()

    return run_virtually(run())


def test_an_order_for_a_rollout_that_is_over_does_not_end_the_next(tmp_path: Path) -> None:
    orders.give(tmp_path, Order("abort", "bob", "once more", "r0"))
    assert rolled(World(tmp_path)).status == "done"
    told = [str(e.data["text"]) for e in read_journal(tmp_path) if e.kind == "note"]
    assert "bob ordered abort of r0, which is over" in told


def test_an_order_that_may_not_be_removed_is_obeyed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that root gave to a controller that runs as somebody else."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    orders.give(tmp_path, PAUSE)
    orders.give(tmp_path, ABORT)
    monkeypatch.setattr(Path, "unlink", refused)
    world = World(tmp_path)
    assert rolled(world).is_aborted
    entries = read_journal(tmp_path)
    assert [entry.kind for entry in entries if "order" in entry.data] == ["paused", "aborted"]
    assert world.retired
