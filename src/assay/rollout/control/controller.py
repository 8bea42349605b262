"""Carries a rollout from its start to its end: looks, has it judged and decided, writes it down, then acts.

What is to be true is in the journal before it is made true, so that a controller that is killed at any moment
goes on from there: it sets the weights that the journal's state means, and takes the stage up again. With
the controller dead, nothing changes: HAProxy goes on with the weights it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from assay.clock import Clock
from assay.errors import BalancerError, BalancerUnavailable, JournalError
from assay.rollout.control import orders
from assay.rollout.control.decide import Decision, decide
from assay.rollout.control.gathering import Gathering
from assay.rollout.control.orders import Order
from assay.rollout.control.parts import Parts
from assay.rollout.control.progress import Progress
from assay.rollout.journal import Journal
from assay.rollout.judging.check import Check, Status
from assay.rollout.judging.drift import DeclaredDrift, OperatingPoints
from assay.rollout.judging.verdict import Earlier, Verdict, earlier, judge
from assay.rollout.options import RolloutOptions
from assay.rollout.plan import USERS, Stage
from assay.rollout.samples import Evidence, Observed
from assay.rollout.state import Rollout, weights
from assay.rollout.traffic.shares import server_weights, set_slot_weights
from assay.telemetry import logger

_TICK_S: Final = 0.25
"""Between two looks after orders, and after balancers that were away."""
_JUDGE_EACH_S: Final = 1.0
"""Judging a hundred thousand samples takes a good part of a second."""
_VERDICT_EACH_S: Final = 5.0
"""A verdict that says the same as the one before is journalled so often, for the plots; in a stage that
lasts, such as a paused one, more and more seldom: after `_VERDICT_SHARE` of its time. So a day writes five
hundred of them."""
_VERDICT_SHARE: Final = 0.01
_REST: Final = 9
"""So many times as long as a verdict took, orders and users' lines are dealt with before the next."""
_NOTICE_EACH_S: Final = 2.0
"""Between two looks whether HAProxy still has the weights that were set."""
_LAST_USERS_S: Final = 5.0
"""How long a rollback waits for the candidate's last request to be logged."""
_LAST_LOOK_S: Final = 0.1
_POINTS_LIMIT_S: Final = 10.0
"""Orders wait meanwhile."""


class Controller:
    """The one controller of a journal. `declared`: what the candidate's release says it will change.
    `ask_points`: tells the probabilities at which users act, as the stable arm of a data centre has them;
    asked when they are first needed, so that no way back waits for it. None: predictions only."""

    def __init__(
        self,
        journal: Journal,
        options: RolloutOptions,
        parts: Parts,
        clock: Clock,
        declared: Sequence[DeclaredDrift] = (),
        ask_points: Callable[[str], Awaitable[OperatingPoints]] | None = None,
    ) -> None:
        self._journal = journal
        self._options = options
        self._parts = parts
        self._clock = clock
        self._declared = declared
        self._ask_points = ask_points
        self._points: OperatingPoints = {}
        self._gathering: Gathering | None = None
        self._earlier: list[Earlier] = []
        self._progress = progress = Progress(journal)
        self._served, self._failed, self._last_s = progress.served, progress.failed, progress.last_s
        self._shown: tuple[int, list[tuple[str, Status]], float] = (-1, [], 0.0)
        self._set: dict[str, int] = {}
        self._trouble: dict[str, str] = {}
        """By data centre, why its balancer cannot be asked or told."""
        self._judge_at_s = self._noticed_s = float("-inf")
        self._present: object = None
        self._since_s = 0.0
        """Since when there is `_present`, on the clock that nobody sets."""
        self._is_going_back = False
        self._log = logger(__name__)

    async def run(self) -> Rollout:
        """Until the rollout is done or rolled back; its last state. Of one that was over already the weights
        are set again, as after a restart of HAProxy.

        Raises `JournalError` when the journal tells of no rollout, or cannot be written any more: then
        nothing is changed any more either.
        """
        try:
            while not ((state := self._progress.state).is_over and await self._set_weights(state)):
                if not state.is_over:
                    await self._step(state)
                await asyncio.sleep(_TICK_S)
            return state
        except JournalError:
            if self._is_going_back:  # users must not wait for a disk that is full
                await self._take_back(self._progress.state)
            raise
        finally:
            await self._leave_stage()

    # -- one look ------------------------------------------------------------------------------------

    async def _step(self, state: Rollout) -> None:
        self._obey(state)
        state = self._progress.state
        self._is_going_back |= state.status == "rolling_back"
        await self._notice_changes(state)
        has_weights = await self._set_weights(state)
        if state.status == "rolling_back":
            if has_weights:
                await self._end(state)
            return
        seen = await self._enter_stage(state, has_weights=has_weights)
        self._see_users(state)
        began_s = self._clock.monotonic_s()
        if self._present != (seen, state.since_s):
            self._present, self._since_s = (seen, state.since_s), began_s
        if began_s >= self._judge_at_s:
            await self._decide(state, seen)
            took_s = self._clock.monotonic_s() - began_s
            self._judge_at_s = began_s + max(_JUDGE_EACH_S, _REST * took_s)

    async def _decide(self, state: Rollout, seen: Gathering) -> None:
        """While a balancer is away nothing goes on: whom it gives the candidate could not be taken back."""
        verdict = self._judge(state, seen)
        decision = decide(state.plan, replace(state, stage=seen.stage.number), verdict, self._elapsed_s())
        if self._trouble and not verdict.bad:
            decision = self._troubled(state, seen.stage)
        self._is_going_back |= decision.action == "roll_back"
        self._show(seen.stage.number, verdict, decision)
        await self._act(state, verdict, decision)

    def _troubled(self, state: Rollout, stage: Stage) -> Decision:
        reason = f"a balancer is away: {'; '.join(self._trouble.values())}"
        is_long = self._elapsed_s() >= stage.limit_s
        return Decision("pause" if is_long and state.status == "running" else "wait", reason)

    def _elapsed_s(self) -> float:
        """In the stage, or since it was resumed, as long as there was a controller: without one there is no
        evidence, and the time counts neither as waiting nor against the limit."""
        return self._clock.monotonic_s() - self._since_s

    def _obey(self, state: Rollout) -> None:
        """Orders become entries of the journal; one that does not fit is told, and has no effect."""
        for name, order in orders.take(Path(self._options.state_dir), self._progress.orders):
            kind, data = ("note", {"text": order}) if isinstance(order, str) else self._entry(state, order)
            self._is_going_back |= kind == "aborted"
            self._journal.append(kind, {**data, "order": name})
            state = self._progress.state

    def _entry(self, state: Rollout, order: Order) -> tuple[str, dict[str, Any]]:
        """What an order means now."""
        if order.rollout not in ("", state.id):
            return "note", {"text": f"{order.by} ordered {order.kind} of {order.rollout}, which is over"}
        told = {"reason": order.reason or f"ordered by {order.by}", "by": order.by}
        entry: tuple[str, dict[str, Any]] | None = {
            "pause": ("paused", told) if state.status == "running" else None,
            "resume": ("resumed", told) if state.status == "paused" else None,
            "abort": ("aborted", told) if state.status in ("running", "paused") else None,
            "promote": self._promotion(state, order.by),
        }[order.kind]
        text = f"{order.by} ordered {order.kind}, which does not fit a rollout that is {state.status}"
        return entry or ("note", {"text": text})

    def _promotion(self, state: Rollout, by: str) -> tuple[str, dict[str, Any]] | None:
        """To the next stage; never out of a preflight, nor past the last stage."""
        stage = state.plan.stages[state.stage]
        if state.status != "running" or stage.kind == "preflight" or state.plan.is_last(state.stage):
            return None
        return "stage", {**_stage_data(state, state.stage + 1), "by": by}

    def _judge(self, state: Rollout, seen: Gathering) -> Verdict:
        elsewhere = tuple(self._elsewhere(state, seen))
        if seen.stage.kind == "preflight":
            return Verdict((*seen.checks, *elsewhere))
        verdict = judge(
            seen.evidence(),
            seen.stage,
            self._options.guards,
            stable=state.stable,
            candidate=state.candidate,
            declared=self._declared,
            operating_points=self._points,
            before=self._earlier,
        )
        return Verdict((*verdict.checks, *elsewhere))

    def _elsewhere(self, state: Rollout, seen: Gathering) -> Iterator[Check]:
        """What is bad in data centres that the candidate has already, while another one is judged."""
        for name, weight in weights(state).items():
            if not weight or name == seen.stage.data_centre:
                continue
            reached = [s for s in state.plan.stages if s.data_centre == name and s.number <= state.stage]
            found = judge(
                Evidence(observed=seen.evidence().observed),
                reached[-1],
                self._options.guards,
                stable=state.stable,
                candidate=state.candidate,
            )
            bad = [check for check in found.bad if check.name in USERS]
            yield from (replace(check, name=f"{check.name} in {name}") for check in bad)

    def _show(self, number: int, verdict: Verdict, decision: Decision) -> None:
        """Into the journal, when it says something new or it is time; always before it is acted upon.
        `number`: of the stage that was judged."""
        outline = [(check.name, check.status) for check in verdict.checks]
        stage, before, at_s = self._shown
        is_new = (stage, before) != (number, outline) or decision.action != "wait"
        each_s = max(_VERDICT_EACH_S, _VERDICT_SHARE * self._elapsed_s())
        if is_new or self._clock.monotonic_s() - at_s >= each_s:
            self._journal.append(
                "verdict",
                {
                    "stage": number,
                    "checks": verdict.as_data(),
                    "decision": decision.action,
                    "reason": decision.reason,
                    "served": self._served,
                    "failed": self._failed,
                    "last_candidate_s": self._last_s,
                },
            )
            self._shown = (number, outline, self._clock.monotonic_s())

    async def _act(self, state: Rollout, verdict: Verdict, decision: Decision) -> None:
        if decision.action == "advance":
            self._journal.append("stage", _stage_data(state, state.stage + 1))
        elif decision.action == "finish":
            self._journal.append("done", {"served": self._served, "failed": self._failed})
        elif decision.action == "pause":
            self._journal.append("paused", {"reason": decision.reason, "by": "controller"})
        elif decision.action == "roll_back":
            entry = {"reason": decision.reason, "bad_since_s": verdict.bad_since_s}
            self._journal.append("rolling_back", entry)
            await self._set_weights(self._progress.state)

    # -- stages --------------------------------------------------------------------------------------

    async def _enter_stage(self, state: Rollout, *, has_weights: bool) -> Gathering:
        """Gather evidence of the state's stage, once its weights are set. Until then users are looked after
        in the stage that they are in; which one that is, a controller that has just begun cannot know: it
        asks nothing and deploys nothing, but sees what users get."""
        present = self._gathering
        if present is not None:
            if not has_weights or (present.is_started and present.stage.number == state.stage):
                return present
            self._see_users(state)
        await self._keep_stage(state)
        stage = state.plan.stages[state.stage]
        if stage.number and state.plan.stages[stage.number - 1].data_centre != stage.data_centre:
            self._earlier = []
        if has_weights:
            await self._learn_points(stage)
        self._see_users(state)  # what was answered before belongs to no verdict on this stage
        self._gathering = Gathering(
            stage,
            state.candidate.slot,
            state.candidate.release,
            self._parts,
            self._options.stages,
            self._clock,
            has_users=self._options.data_centres[stage.data_centre].is_active,
        )
        if has_weights:
            self._gathering.start()
        return self._gathering

    async def _learn_points(self, stage: Stage) -> None:
        """For stages whose scores are compared."""
        if self._points or self._ask_points is None or "scores" not in stage.required:
            return
        try:
            async with asyncio.timeout(_POINTS_LIMIT_S):
                self._points = await self._ask_points(stage.data_centre)
        except TimeoutError:
            text = (
                f"{stage.name}: the stable arm does not tell its thresholds: flips are those of predictions"
            )
            self._note(text)

    async def _keep_stage(self, state: Rollout) -> None:
        """What was seen in the stage that is over counts for the later ones of its data centre."""
        if (left := self._gathering) is not None:
            await self._leave_stage()
            centre, arms = left.stage.data_centre, {"stable": state.stable, "candidate": state.candidate}
            self._earlier.append(earlier(left.evidence(), centre, **arms))

    async def _leave_stage(self) -> None:
        if self._gathering is not None:
            await self._gathering.stop()
            self._gathering = None

    def _see_users(self, state: Rollout) -> None:
        for observed in self._parts.users.take():
            if self._gathering is not None:
                self._gathering.see(observed)
            self._count(observed, state)

    def _count(self, observed: Observed, state: Rollout) -> None:
        """What users had of the candidate, in all data centres."""
        if observed.slot == state.candidate.slot:
            self._served += 1
            self._failed += observed.is_failed
            self._last_s = max(self._last_s or 0.0, observed.at_s)

    # -- weights -------------------------------------------------------------------------------------

    async def _set_weights(self, state: Rollout) -> bool:
        """What the state means, in all data centres at once; whatever this controller has not set itself is
        set, since HAProxy may have been restarted. False: a balancer is away; it keeps the weights it has,
        and the next look tries again."""
        wanted = weights(state)
        missing = [name for name, weight in wanted.items() if self._set.get(name) != weight]
        done = await asyncio.gather(*(self._set_weight(state, name, wanted[name]) for name in missing))
        return all(done)

    async def _take_back(self, state: Rollout) -> None:
        """All users, without the journal."""
        for name in weights(state):
            try:
                await set_slot_weights(self._parts.balancers[name], _shares(state, 0))
            except (BalancerUnavailable, BalancerError) as error:
                self._log.error("users were not taken back", data_centre=name, reason=str(error))

    async def _notice_changes(self, state: Rollout) -> None:
        """Weights that are not as they were set: HAProxy was restarted, or somebody else set them. They are
        set again, since the verdict is on users that were shared out as the journal says."""
        if self._clock.monotonic_s() - self._noticed_s < _NOTICE_EACH_S:
            return
        self._noticed_s = self._clock.monotonic_s()
        for name, candidate in list(self._set.items()):
            try:
                servers = await self._parts.balancers[name].servers()
                wanted = server_weights(servers, _shares(state, candidate))
            except (BalancerUnavailable, BalancerError) as error:
                self._tell_trouble(name, f"its balancer cannot be asked: {error}", error)
                continue
            if candidate == weights(state)[name]:
                self._trouble.pop(name, None)
            if any(servers[server].weight != weight for server, weight in wanted.items()):
                self._note(f"{name}: weights were changed by somebody else")
                del self._set[name]

    async def _set_weight(self, state: Rollout, data_centre: str, candidate: int) -> bool:
        shares = _shares(state, candidate)
        try:
            await set_slot_weights(self._parts.balancers[data_centre], shares)
        except (BalancerUnavailable, BalancerError) as error:
            self._tell_trouble(data_centre, f"weights were not set: {error}", error)
            return False
        self._set[data_centre] = candidate
        self._trouble.pop(data_centre, None)
        self._journal.append("weights", {"data_centre": data_centre, "weights": shares})
        return True

    async def _end(self, state: Rollout) -> None:
        """No user meets the candidate any more. Its processes end, too: they may do harm as long as they run,
        as workers that take from a queue which is not theirs."""
        await self._leave_stage()
        centres = [name for name in self._parts.balancers if name in _centres(state)]
        await self._see_last_users(state, centres)
        for name in centres:
            try:
                await self._parts.fleet.retire(name, state.candidate.slot)
            except Exception as error:  # users are safe; whoever reads the journal must know of the rest
                self._note(f"{name}: the candidate still runs: {error}")
        self._journal.append(
            "rolled_back",
            {"served": self._served, "failed": self._failed, "last_candidate_s": self._last_s},
        )

    async def _see_last_users(self, state: Rollout, centres: Sequence[str]) -> None:
        """Until the candidate answers nobody any more, and the log has told of it."""
        until_s = self._clock.monotonic_s() + _LAST_USERS_S
        while self._clock.monotonic_s() < until_s:
            busy = [name for name in centres if await self._is_answering(name, state.candidate.slot)]
            await asyncio.sleep(_LAST_LOOK_S)
            self._see_users(state)
            if not busy:
                return

    async def _is_answering(self, data_centre: str, slot: str) -> bool:
        try:
            servers = await self._parts.balancers[data_centre].servers()
        except (BalancerUnavailable, BalancerError):
            return False
        return any(server.slot == slot and server.sessions for server in servers.values())

    # -- what is known -------------------------------------------------------------------------------

    def _tell_trouble(self, data_centre: str, text: str, error: BalancerUnavailable | BalancerError) -> None:
        """Once, until it is another one."""
        if self._trouble.get(data_centre) != str(error):
            self._note(f"{data_centre}: {text}")
            self._log.error("balancer away", data_centre=data_centre, reason=str(error))
        self._trouble[data_centre] = str(error)

    def _note(self, text: str) -> None:
        self._journal.append("note", {"text": text})


def _shares(state: Rollout, candidate: int) -> dict[str, int]:
    """Per cent of users by slot."""
    return {state.candidate.slot: candidate, state.stable.slot: 100 - candidate}


def _centres(state: Rollout) -> set[str]:
    """Those in which the candidate may run."""
    return {stage.data_centre for stage in state.plan.stages if stage.number <= state.stage}


def _stage_data(state: Rollout, number: int) -> dict[str, Any]:
    stage = state.plan.stages[number]
    return {
        "number": number,
        "data_centre": stage.data_centre,
        "kind": stage.kind,
        "weight": stage.weight,
    }
