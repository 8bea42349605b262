"""What takes users is moved on real HAProxies, and journalled before and after."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from assay.compose.pooling import Move, move
from assay.errors import BalancerError, BalancerUnavailable, ConfigurationError, JournalHeld
from assay.rollout.journal import Journal, read_journal
from assay.rollout.traffic.shares import set_slot_weights
from rollout.small_site import Site


async def moved(site: Site, which: Move, place: str) -> None:
    await asyncio.to_thread(move, site.settings(), place, which, by="ada", reason="new disk")


async def states(site: Site, name: str) -> dict[str, str]:
    return {server.name: server.state for server in (await site.balancer(name).servers()).values()}


async def test_a_slot_goes_alone(two: Site) -> None:
    before = await states(two, "standby")
    await moved(two, "depool", "main/green")
    found = await states(two, "main")
    assert {name for name, state in found.items() if state == "drain"} == {"green-1", "green-2"}
    assert await states(two, "standby") == before
    await moved(two, "pool", "main/green")
    assert set((await states(two, "main")).values()) == {"ready"}
    assert [(entry.data["by"], entry.data["place"], entry.data["reason"]) for entry in told(two)] == [
        ("ada", "main/green", "new disk")
    ] * 4


def told(site: Site) -> list[Any]:
    return list(read_journal(site.state_dir))


async def test_a_data_centre_goes_and_comes_back(two: Site) -> None:
    """And the last one stays."""

    async def weight_of_remote() -> int:
        return (await two.balancer("standby").servers())["remote"].weight

    async with asyncio.timeout(30):
        while not (await two.balancer("standby").servers())["remote"].is_up:  # noqa: ASYNC110 - HAProxy's state
            await asyncio.sleep(0.02)
    await moved(two, "depool", "standby")
    found = await states(two, "standby")
    assert {state for name, state in found.items() if name != "remote"} == {"drain"}
    assert await weight_of_remote() == 100
    failed = "depool main failed: This is the last data centre"
    with pytest.raises(BalancerError, match="the last data centre"):
        await moved(two, "depool", "main")
    await moved(two, "pool", "standby")
    assert await weight_of_remote() == 0
    assert [text[: len(failed)] for text in two.texts()] == [
        "depool standby begins",
        "depool standby is done",
        "depool main begins",
        failed,
        "pool standby begins",
        "pool standby is done",
    ]


async def test_a_balancer_that_is_away_is_journalled_as_a_failure(site: Site) -> None:
    site.centre("one")["haproxy"] = str(site.folder / "nowhere.sock")
    with pytest.raises(BalancerUnavailable):
        await moved(site, "pool", "one")
    begun, failed = site.texts()
    assert (begun, failed[:16]) == ("pool one begins", "pool one failed:")
    assert {entry.data["by"] for entry in told(site)} == {"ada"}


async def test_a_move_that_is_interrupted_is_not_left_open_in_the_journal(site: Site) -> None:
    """By Ctrl-C, while a request under way is waited for."""
    await set_slot_weights(site.balancer("one"), {"blue": 50, "green": 50})
    program = (
        "import os, signal\n"
        "from assay.compose import pooling\n"
        "from assay.rollout.traffic.pooling import Pooling\n"
        "async def waiting(*_): os.kill(os.getpid(), signal.SIGINT); await __import__('asyncio').sleep(60)\n"
        "Pooling._until_idle = waiting\n"
        "from assay.cli import main; main()\n"
    )
    command = [sys.executable, "-c", program, "depool", "one/green", "-c", str(site.file)]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (130, b"")
    assert site.texts() == [
        "depool one/green begins",
        "depool one/green was broken off in the middle: it may be done again",
    ]


async def test_there_is_one_hand_on_a_balancer(site: Site) -> None:
    before = await states(site, "one")
    with Journal(site.state_dir), pytest.raises(JournalHeld):
        await moved(site, "depool", "one/green")
    assert await states(site, "one") == before


async def test_places_that_are_none(two: Site) -> None:
    """A slash with nothing after it, as a shell's unset variable leaves it, is no whole data centre."""
    known = "rollout.data_centres has standby, standby/blue, standby/green, main, main/blue, main/green"
    moves: tuple[Move, ...] = ("pool", "depool")
    for place in ("nowhere", "main/red", "main/", "/blue", "main/blue/1", ""):
        for which in moves:
            with pytest.raises(ConfigurationError, match=f"there is no {place}: {known}$"):
                await moved(two, which, place)
    assert await two.weights() == {"standby": (100, 0), "main": (100, 0)}
    assert two.kinds() == []
