"""Whole rollouts in virtual time: those that go through, those that do not, controllers that are killed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.errors import BalancerError, BalancerUnavailable, JournalError
from assay.rollout.control import orders
from assay.rollout.control.orders import Order
from assay.rollout.journal import Entry, Journal, read_journal
from assay.rollout.state import Rollout, fold
from load.virtual_time import run_virtually
from rollout.fake_world import MAIN, STANDBY, Faults, World, weights_of

TIME_LIMIT_S = 3600.0


def kinds(entries: tuple[Entry, ...]) -> list[str]:
    return [entry.kind for entry in entries]


def notes(folder: Path) -> list[str]:
    return [str(entry.data["text"]) for entry in read_journal(folder) if entry.kind == "note"]


async def given(world: World, data_centre: str, weight: int) -> None:
    """Wait until the candidate has that weight there."""
    while dict(weights_of(world))[data_centre] != weight:  # noqa: ASYNC110 - in virtual time
        await asyncio.sleep(0.1)


def rolled(world: World, *, now: bool = False, during: Any = None, ask_points: Any = None) -> Rollout:
    """The end of a rollout. `during`: a coroutine function that runs beside it."""

    async def run() -> Rollout:
        with Journal(world.folder, world.clock) as journal:
            world.start(journal, now=now)
            async with asyncio.timeout(TIME_LIMIT_S), asyncio.TaskGroup() as group:
                beside = group.create_task(during()) if during else None
                state = await world.controller(journal, ask_points=ask_points).run()
                if beside is not None:
                    beside.cancel()
            return state

    return run_virtually(run())


def test_a_good_release_reaches_all_users_step_by_step(tmp_path: Path) -> None:
    world = World(tmp_path)
    state = rolled(world)
    assert state.status == "done"
    assert world.deployed == [STANDBY, MAIN]  # where nobody asks first
    for name in (STANDBY, MAIN):
        assert world.candidate_weights(name) == [0, 5, 50, 100]
    assert dict(weights_of(world)) == {STANDBY: 100, MAIN: 100}
    assert world.retired == []
    served = read_journal(tmp_path)[-1].data
    assert served["served"] > 100
    assert served["failed"] == 0


def test_what_cannot_be_deployed_meets_nobody_and_is_retired(tmp_path: Path) -> None:
    world = World(tmp_path, Faults(refuses=frozenset({STANDBY})))
    state = rolled(world)
    assert (state.status, state.stage) == ("rolled_back", 0)
    assert "Redis refuses our password" in state.reason
    assert world.deployed == []
    assert world.retired == [STANDBY]
    assert world.candidate_weights(STANDBY) == world.candidate_weights(MAIN) == [0]


def test_a_second_data_centre_that_refuses_takes_the_first_back(tmp_path: Path) -> None:
    world = World(tmp_path, Faults(refuses=frozenset({MAIN})))
    assert rolled(world).status == "rolled_back"
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}
    assert world.retired == [STANDBY, MAIN]


def test_a_wrong_shape_is_caught_before_any_user(tmp_path: Path) -> None:
    world = World(tmp_path, Faults(shape=True))
    state = rolled(world)
    assert (state.status, state.plan.stages[state.stage].kind) == ("rolled_back", "synthetic")
    assert read_journal(tmp_path)[-1].data == {"served": 0, "failed": 0, "last_candidate_s": None}


def test_slowness_is_caught_in_the_shadow(tmp_path: Path) -> None:
    world = World(tmp_path, Faults(slow=2.0))
    state = rolled(world)
    assert (state.status, state.plan.stages[state.stage].kind) == ("rolled_back", "shadow")


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_errors_that_only_users_see_cost_few_of_them(tmp_path: Path, share: float) -> None:
    world = World(tmp_path, Faults(errors_for_users=share))
    state = rolled(world)
    assert state.status == "rolled_back"
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}
    assert state.plan.stages[state.stage].weight <= 5
    entries = read_journal(tmp_path)
    back = next(entry for entry in entries if entry.kind == "rolling_back")
    zero = next(entry for entry in entries if entry.kind == "weights" and entry.number > back.number)
    assert zero.at_s - back.at_s < 1.0
    assert entries[-1].data["failed"] > 0


def test_without_users_nothing_is_good(tmp_path: Path) -> None:
    class Silent(World):
        async def never(self) -> Any:
            await asyncio.sleep(10 * TIME_LIMIT_S)

    world = Silent(tmp_path, rate=0.0)
    world.users.next_copy = world.never  # type: ignore[method-assign]
    state = rolled(world)
    assert (state.status, state.plan.stages[state.stage].kind) == ("rolled_back", "shadow")
    assert "not good after" in state.reason


def test_an_emergency_still_does_preflight_and_asks_synthetic_requests(tmp_path: Path) -> None:
    assert rolled(World(tmp_path / "good"), now=True).status == "done"
    refused = World(tmp_path / "bad", Faults(refuses=frozenset({STANDBY})))
    assert rolled(refused, now=True).status == "rolled_back"
    misshapen = World(tmp_path / "ugly", Faults(shape=True))
    assert rolled(misshapen, now=True).status == "rolled_back"
    assert dict(weights_of(misshapen)) == {STANDBY: 0, MAIN: 0}


def test_operators_pause_go_on_hurry_and_abort(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def give() -> None:
        for at_s, order in (
            (20, Order("pause", "ann", "lunch")),
            (80, Order("resume", "ann")),
            (81, Order("promote", "ann")),
            (82, Order("resume", "ann")),
            (83, Order("abort", "bob", "looks odd")),
        ):
            await asyncio.sleep(max(0, 1000 + at_s - asyncio.get_running_loop().time()))
            orders.give(tmp_path, order)
        (tmp_path / "orders" / "0.json").write_text("{")
        await asyncio.sleep(TIME_LIMIT_S)

    state = rolled(world, during=give)
    assert (state.status, state.is_aborted, state.reason) == ("rolled_back", True, "looks odd")
    told = [entry for entry in read_journal(tmp_path) if entry.data.get("by") in ("ann", "bob")]
    assert [entry.kind for entry in told] == ["paused", "resumed", "stage", "aborted"]
    assert told[0].data["reason"] == "lunch"
    assert any("does not fit" in note for note in notes(tmp_path))
    paused, resumed = told[0], told[1]
    between = read_journal(tmp_path)[paused.number : resumed.number - 1]
    assert "stage" not in kinds(between)


def test_a_balancer_that_is_away_is_tried_until_it_is_there(tmp_path: Path) -> None:
    world = World(tmp_path, Faults(errors_for_users=0.5, errors_in=frozenset({MAIN})))

    async def go_away() -> None:
        await given(world, MAIN, 5)
        world.balancers[MAIN].failure = BalancerUnavailable("HAProxy's runtime API did not answer.")
        await asyncio.sleep(60)
        world.balancers[MAIN].failure = None
        await asyncio.sleep(TIME_LIMIT_S)

    state = rolled(world, during=go_away)
    assert state.status == "rolled_back"
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}
    assert len([note for note in notes(tmp_path) if "did not answer" in note]) == 1


def test_a_balancer_that_was_restarted_gets_its_weights_again(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def restart() -> None:
        await given(world, MAIN, 50)
        await world.balancers[MAIN].set_weights({"blue-1": 100, "blue-2": 100, "green-1": 0, "green-2": 0})
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, during=restart).status == "done"
    assert world.candidate_weights(MAIN) == [0, 5, 50, 0, 50, 100]
    assert [note for note in notes(tmp_path) if "changed by somebody else" in note]


def test_users_are_looked_after_while_another_weight_cannot_be_set(tmp_path: Path) -> None:
    """A balancer whose runtime API is away goes on sharing users out, and these may fare badly."""
    world = World(tmp_path)

    async def go_away() -> None:
        await given(world, MAIN, 5)
        world.balancers[MAIN].failure = BalancerUnavailable("HAProxy's runtime API did not answer.")
        world.faults = Faults(errors_for_users=0.9)
        while "rolling_back" not in kinds(read_journal(tmp_path)):  # noqa: ASYNC110
            await asyncio.sleep(1)
        world.balancers[MAIN].failure = None
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, during=go_away).status == "rolled_back"
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}


@pytest.mark.parametrize(("away", "bad"), [(STANDBY, MAIN), (MAIN, STANDBY)])
def test_a_controller_that_begins_while_a_balancer_is_away_looks_after_users_all_the_same(
    tmp_path: Path, away: str, bad: str
) -> None:
    """Killed, and started again: which weights that balancer has it cannot know, but those who fare badly
    elsewhere must not wait for that."""
    world = World(tmp_path)

    async def live_and_go_on() -> Rollout:
        with Journal(world.folder, world.clock) as journal:
            world.start(journal)
            killed = asyncio.create_task(world.controller(journal).run())
            await given(world, MAIN, 5)
            killed.cancel()
            await asyncio.wait([killed])
        world.faults = Faults(errors_for_users=0.9, errors_in=frozenset({bad}))
        world.balancers[away].failure = BalancerUnavailable("HAProxy's runtime API did not answer.")
        with Journal(world.folder, world.clock) as journal:
            async with asyncio.timeout(TIME_LIMIT_S), asyncio.TaskGroup() as group:
                ending = group.create_task(world.controller(journal).run())
                asked = group.create_task(_ask(world, STANDBY))
                await given(world, bad, 0)
                world.balancers[away].failure = None
                state = await ending
                asked.cancel()
        return state

    assert run_virtually(live_and_go_on()).status == "rolled_back"
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}
    assert world.deployed == [STANDBY, MAIN]


async def _ask(world: World, data_centre: str) -> None:
    """At a front door where few do."""
    while True:
        await asyncio.sleep(0.2)
        world.fronts[data_centre] += 1


def test_before_weights_are_known_nothing_is_deployed_and_in_the_end_an_operator_is_called(
    tmp_path: Path,
) -> None:
    """A balancer that is away from the beginning may give users to the slot that is to be filled."""
    world = World(tmp_path)
    world.balancers[MAIN].failure = BalancerUnavailable("HAProxy's runtime API did not answer.")

    async def mend() -> None:
        while "paused" not in kinds(read_journal(tmp_path)):  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(1)
        assert world.deployed == []
        world.balancers[MAIN].failure = None
        orders.give(tmp_path, Order("resume", "ann"))
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, during=mend).status == "done"
    (paused,) = (entry for entry in read_journal(tmp_path) if entry.kind == "paused")
    assert paused.data["reason"] == "a balancer is away: HAProxy's runtime API did not answer."


def test_nobody_more_is_given_the_candidate_while_a_balancer_is_away(tmp_path: Path) -> None:
    """Also one whose users have it already: they could not be taken back."""
    world = World(tmp_path)

    async def go_away() -> None:
        await given(world, MAIN, 5)
        world.balancers[STANDBY].failure = BalancerUnavailable("HAProxy's runtime API did not answer.")
        await asyncio.sleep(100)
        assert dict(weights_of(world))[MAIN] == 5
        world.balancers[STANDBY].failure = None
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, during=go_away).status == "done"
    assert [note for note in notes(tmp_path) if "did not answer" in note] == [
        "standby: its balancer cannot be asked: HAProxy's runtime API did not answer."
    ]


def test_a_balancer_that_answers_but_obeys_nobody_is_told_of_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    set_weights = world.balancers[MAIN].set_weights

    async def refuse(weights: Mapping[str, int]) -> None:
        raise BalancerError("HAProxy: permission denied.")

    async def turn() -> None:
        await given(world, STANDBY, 100)
        world.balancers[MAIN].set_weights = refuse  # type: ignore[method-assign]
        await asyncio.sleep(200)
        world.balancers[MAIN].set_weights = set_weights  # type: ignore[method-assign]
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, during=turn).status == "done"
    assert [note for note in notes(tmp_path) if "denied" in note] == [
        "main: weights were not set: HAProxy: permission denied."
    ]


@pytest.mark.parametrize("hours", [12, -12])
def test_whoever_sets_the_clock_moves_no_rollout(tmp_path: Path, hours: int) -> None:
    """Neither is a stage given up, nor does one that has lasted long enough begin to wait again."""
    world = World(tmp_path)

    async def set_clock() -> None:
        await given(world, STANDBY, 5)
        world.clock.set_by = timedelta(hours=hours)
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, during=set_clock).status == "done"
    assert "paused" not in kinds(read_journal(tmp_path))


def test_an_emergency_watches_users_as_long_as_planned_though_the_clock_is_set(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def set_clock() -> None:
        await given(world, STANDBY, 100)
        world.clock.set_by = timedelta(hours=12)
        began_s = world.clock.monotonic_s()
        while (state := fold(read_journal(tmp_path))) is None or state.data_centre != MAIN:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        assert world.clock.monotonic_s() - began_s >= world.stages.least_s - 0.5
        await asyncio.sleep(TIME_LIMIT_S)

    assert rolled(world, now=True, during=set_clock).status == "done"


class Full(Journal):
    """On a disk that is full as soon as users are to be taken back, or (`is_full`) from the beginning."""

    is_full = False

    def append(self, kind: str, data: Mapping[str, Any]) -> Entry:
        if self.is_full or data.get("decision") == "roll_back" or kind == "aborted":
            raise JournalError("no space left")
        return super().append(kind, data)


@pytest.mark.parametrize("is_ordered", [False, True])
def test_a_full_disk_keeps_no_user_on_a_candidate_that_must_go(tmp_path: Path, is_ordered: bool) -> None:
    faults = Faults() if is_ordered else Faults(errors_for_users=1.0, errors_in=frozenset({MAIN}))
    world = World(tmp_path, faults)

    async def order() -> None:
        await given(world, MAIN, 5)
        if is_ordered:
            orders.give(tmp_path, Order("abort", "bob", "looks odd"))

    async def run() -> None:
        with Full(world.folder, world.clock) as journal:
            world.start(journal)
            await asyncio.gather(world.controller(journal).run(), order())

    with pytest.raises(JournalError, match="no space left"):
        run_virtually(run())
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}


def test_a_rollback_that_is_taken_up_on_a_full_disk_takes_users_back_everywhere(tmp_path: Path) -> None:
    """Also where the balancer takes its time, while what another one did cannot be written down."""
    world = World(tmp_path)
    set_weights = world.balancers[MAIN].set_weights

    async def set_late(weights: Mapping[str, int]) -> None:
        await asyncio.sleep(1)
        await set_weights(weights)

    async def run() -> None:
        with Full(world.folder, world.clock) as journal:
            world.start(journal)
            journal.append("rolling_back", {"reason": "slow", "bad_since_s": None})
            for balancer in world.balancers.values():
                await balancer.set_weights({"blue-1": 0, "blue-2": 0, "green-1": 100, "green-2": 100})
            world.balancers[MAIN].set_weights = set_late  # type: ignore[method-assign]
            journal.is_full = True
            await world.controller(journal).run()

    with pytest.raises(JournalError, match="no space left"):
        run_virtually(run())
    assert dict(weights_of(world)) == {STANDBY: 0, MAIN: 0}


class Killed(BaseException):
    """As by kill -9: nothing more is done by that controller."""


class Mortal(Journal):
    """A journal whose process is killed right after so many entries."""

    def __init__(self, folder: Path, clock: Any, entries: int) -> None:
        super().__init__(folder, clock)
        self._left = entries

    def append(self, kind: str, data: Mapping[str, Any]) -> Entry:
        entry = super().append(kind, data)
        self._left -= 1
        if self._left == 0:
            raise Killed
        return entry


@pytest.mark.parametrize("faults", [Faults(), Faults(errors_for_users=0.5)], ids=["good", "bad"])
def test_a_controller_killed_after_any_few_entries_goes_on(tmp_path: Path, faults: Faults) -> None:
    """Killed again and again, each time a little later, it comes to the same end."""
    world = World(tmp_path, faults)
    expected = "rolled_back" if faults.errors_for_users else "done"

    async def live_and_die() -> int:
        with Journal(world.folder, world.clock) as journal:
            world.start(journal)
        for lives in range(1, 500):
            try:
                with Mortal(world.folder, world.clock, 16 + lives % 7) as journal:
                    for name in world.balancers:  # HAProxy was restarted, too
                        await world.balancers[name].set_weights({"blue-1": 100, "green-1": 0})
                    await world.controller(journal).run()
                return lives
            except* Killed:
                assert fold(read_journal(world.folder)) is not None
        raise AssertionError("it never ended")

    lives = run_virtually(live_and_die())
    assert lives > 1
    state = fold(read_journal(world.folder))
    assert state is not None
    assert state.status == expected
    assert dict(weights_of(world)) == dict.fromkeys(world.balancers, 100 if expected == "done" else 0)


def test_the_time_without_a_controller_does_not_count(tmp_path: Path) -> None:
    """Killed in the shadow and taken up after a night: it is judged from there, not given up at once."""
    world = World(tmp_path)

    async def live_sleep_and_go_on() -> Rollout:
        with Mortal(world.folder, world.clock, 16) as journal:
            world.start(journal)
            with pytest.raises(Killed):
                await world.controller(journal).run()
        state = fold(read_journal(world.folder))
        assert state is not None
        assert not state.is_over
        await asyncio.sleep(12 * 3600)
        with Journal(world.folder, world.clock) as journal:
            return await world.controller(journal).run()

    assert run_virtually(live_sleep_and_go_on()).status == "done"


@pytest.mark.parametrize("is_silent", [True, False])
def test_thresholds_are_asked_for_once_and_nothing_but_their_stage_waits(
    tmp_path: Path, is_silent: bool
) -> None:
    world, asked = World(tmp_path), list[str]()

    async def ask_points(data_centre: str) -> dict[tuple[str, str], dict[str, tuple[float, ...]]]:
        asked.append(data_centre)
        await asyncio.sleep(TIME_LIMIT_S if is_silent else 1)
        return {("w", "damaging"): {"true": (0.5,)}}

    state = rolled(world, ask_points=ask_points)
    assert state.status == "done"
    assert asked[0] == STANDBY
    assert (len(asked) > 1) is is_silent
    assert any("does not tell its thresholds" in note for note in notes(tmp_path)) is is_silent


def test_no_way_back_waits_for_thresholds(tmp_path: Path) -> None:
    """As of an arm that is slow, which is why an operator aborts."""
    world = World(tmp_path)
    orders.give(tmp_path, Order("abort", "bob", "all is slow"))

    async def never(_: str) -> Any:
        raise AssertionError("asked")

    assert rolled(world, ask_points=never).is_aborted


@pytest.mark.parametrize("faults", [Faults(), Faults(shape=True)], ids=["done", "rolled back"])
def test_after_the_end_the_weights_are_set_again(tmp_path: Path, faults: Faults) -> None:
    """HAProxy was restarted and has those of its configuration, or somebody else's."""
    world = World(tmp_path, faults)
    ended = rolled(world)
    before = dict(weights_of(world))

    async def restarted() -> Rollout:
        for balancer in world.balancers.values():
            await balancer.set_weights({"blue-1": 50, "blue-2": 50, "green-1": 50, "green-2": 50})
        with Journal(world.folder, world.clock) as journal:
            return await world.controller(journal).run()

    assert run_virtually(restarted()) == ended
    assert dict(weights_of(world)) == before


def test_every_answer_of_the_candidate_counts(tmp_path: Path) -> None:
    """Also those between two stages, and while a controller that was killed asks for thresholds again."""
    world, answers = World(tmp_path), 0
    take = world.users.take

    def counted() -> Any:
        nonlocal answers
        seen = take()
        answers += sum(one.slot == "green" for one in seen)
        return seen

    async def ask_points(_: str) -> dict[tuple[str, str], dict[str, tuple[float, ...]]]:
        await asyncio.sleep(5)
        return {}

    world.users.take = counted  # type: ignore[method-assign]
    assert rolled(world, ask_points=ask_points).status == "done"
    assert read_journal(tmp_path)[-1].data["served"] == answers
