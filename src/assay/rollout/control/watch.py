"""Judges a candidate beside the stable arm where others move the users: it asks, judges and journals, and
changes nothing.

Whoever moves the users (Argo Rollouts, Flagger) reads the verdict from the page
(`assay.rollout.reporting.gate`). A candidate that was bad stays bad: nothing more is asked of it until there
is another, or it was taken away and comes again. A watcher that is killed goes on with the same candidate;
its evidence is gathered anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from assay.clock import Clock
from assay.errors import AssayError, JournalError
from assay.rollout.control.parts import Place
from assay.rollout.control.prober import Pace, Prober
from assay.rollout.control.subject import Slots, Subject, Told, is_silent, subject_in, subject_of
from assay.rollout.control.window import BLOCK_PAIRS, Window
from assay.rollout.journal import Entry, Journal
from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.judging.verdict import Verdict
from assay.rollout.options import RolloutOptions
from assay.rollout.plan import Stage, make_watch_plan
from assay.rollout.state import Rollout, after, started_data
from assay.rollout.wording import checks_of, outcome
from assay.telemetry import logger

STEADY_LOOKS: Final = 3
"""So many looks in a row must see the same: while pods are exchanged, either release may answer."""
_LOOK_LIMIT_S: Final = 5.0
"""A process that takes longer to say who it is counts as silent."""

DriftOf = Callable[[str], Awaitable[Sequence[DeclaredDrift] | None]]
"""What a release declares to change; None: nobody here knows. May raise `AssayError` for what passes."""


class Record:
    """What a watcher must remember of the journal, entry by entry, in place of the entries."""

    def __init__(self) -> None:
        self.state: Rollout | None = None
        self.rollouts = 0
        self.is_bad = False
        """Whether a verdict on the present rollout was bad."""
        self.windows: dict[int, int] = {}
        """By stage of the present rollout, the last window that was judged."""

    def add(self, entry: Entry) -> None:
        """The next entry. Raises `JournalError` when it cannot follow."""
        self.state = after(self.state, entry)
        if entry.kind == "started":
            self.rollouts += 1
            self.is_bad, self.windows = False, {}
        elif entry.kind in ("verdict", "unchanged"):
            self.is_bad |= entry.kind == "verdict" and outcome(checks_of(entry.data)) == "bad"
            stage, window = entry.data.get("stage"), entry.data.get("window")
            if isinstance(stage, int) and isinstance(window, int):
                self.windows[stage] = window


@dataclass(frozen=True, slots=True)
class _Written:
    """Of a stage, what was written last. `entry`: of the last verdict with its figures, written at
    `figures_s`."""

    outline: object = None
    compared: int = 0
    at_s: float = float("-inf")
    entry: int = 0
    figures_s: float = float("-inf")


class Watcher:
    """The one writer of a journal, which tells each entry to `record`. `places`: by data centre."""

    def __init__(
        self,
        journal: Journal,
        record: Record,
        options: RolloutOptions,
        places: Mapping[str, Place],
        slots: Slots,
        drift_of: DriftOf,
        clock: Clock,
        *,
        by: str = "controller",
        pace: Pace | None = None,
    ) -> None:
        self._journal = journal
        self._record = record
        self._options = options
        self._places = places
        self._slots = slots
        self._drift_of = drift_of
        self._clock = clock
        self._by = by
        self._pace = pace or Pace()
        self._probers: dict[int, Prober] = {}
        self._declared: Sequence[DeclaredDrift] = ()
        self._is_begun = False
        """Whether the present rollout is one that this watcher began or took up."""
        self._seen: tuple[Subject | None, str] | None = None
        self._times_seen = 0
        self._silent_since_s: float | None = None
        self._said = ""
        self._written: dict[int, _Written] = {}
        self._log = logger(__name__)

    async def run(self) -> NoReturn:
        """Until it is ended. Raises `JournalError` when the journal cannot be written any more, or another
        controller's rollout is under way in it."""
        state = self._record.state
        if state is not None and not state.is_over and not state.is_watched:
            raise JournalError(
                f"the journal's rollout of {state.candidate.release} moves users itself, and is not over: "
                "end it with `assay rollout abort`, or watch with another rollout.state_dir"
            )
        judged_s = float("-inf")
        try:
            while True:
                await self._look()
                if self._clock.monotonic_s() - judged_s >= self._pace.judge_each_s:
                    judged_s = self._clock.monotonic_s()
                    await self._judge()
                await asyncio.sleep(self._pace.look_each_s)
        finally:
            await self._leave()

    # -- who is there --------------------------------------------------------------------------------

    async def _look(self) -> None:
        told = dict(
            zip(
                self._places,
                await asyncio.gather(*(self._releases(place) for place in self._places.values())),
                strict=True,
            )
        )
        subject, reason = subject_of(told, self._slots, subject_in(self._record.state))
        if subject is not None and self._is_silent_for_long(told, subject):
            subject, reason = None, f"the arms did not both answer for {self._options.stages.limit_s:g} s"
        self._times_seen = self._times_seen + 1 if self._seen == (subject, reason) else 1
        self._seen = (subject, reason)
        if self._times_seen >= STEADY_LOOKS:
            await self._turn_to(subject, reason)

    async def _releases(self, place: Place) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(_LOOK_LIMIT_S):
                return await place.releases()
        except TimeoutError:
            return {}

    def _is_silent_for_long(self, told: Told, subject: Subject) -> bool:
        now_s = self._clock.monotonic_s()
        if not is_silent(told, subject):
            self._silent_since_s = None
        elif self._silent_since_s is None:
            self._silent_since_s = now_s
        since_s = self._silent_since_s
        return since_s is not None and now_s - since_s >= self._options.stages.limit_s

    async def _turn_to(self, subject: Subject | None, reason: str) -> None:
        present = subject_in(self._record.state)
        if subject == present and (self._is_begun or subject is None):
            self._say(f"nothing to judge: {reason}" if reason else "")
            return
        if present is not None and subject != present:
            await self._leave()
            self._journal.append("ended", {"reason": reason or f"now {_shown(subject)}"})
        if subject is None:
            self._say(f"nothing to judge: {reason}")
        else:
            await self._begin(subject)

    # -- one candidate -------------------------------------------------------------------------------

    async def _begin(self, subject: Subject) -> None:
        """A new rollout, or the journal's again after a kill."""
        release = subject.candidate.release
        try:
            declared = await self._drift_of(release)
        except AssayError as error:  # to judge without it would find bad what was declared
            self._say(f"what {release} declares to change cannot be read yet, so it is not judged: {error}")
            return
        self._declared = declared or ()
        if subject == subject_in(self._record.state):
            self._say(f"watching {release} goes on; its evidence is gathered anew")
        else:
            self._start(subject)
        if declared is None:
            self._say(f"nobody here knows what {release} declares to change: any changed score is bad")
        self._is_begun = True
        self._written = {}
        if not self._record.is_bad:
            self._ask(subject)

    def _start(self, subject: Subject) -> None:
        number, plan = self._record.rollouts + 1, make_watch_plan(self._options, subject.data_centres)
        self._journal.append(
            "started", started_data(number, subject.stable, subject.candidate, plan, by=self._by)
        )
        self._said = ""

    def _ask(self, subject: Subject) -> None:
        for stage in self._stages():
            place = self._places[stage.data_centre]
            last = self._record.windows.get(stage.number)
            window = Window(0 if last is None else last + 1, max(BLOCK_PAIRS, 2 * stage.least_pairs))
            prober = Prober(
                place,
                place.arms(subject.stable, subject.candidate, self._declared),
                subject.stable.slot,
                window,
                self._pace,
                self._options.stages.pairs_per_s,
                self._clock,
            )
            prober.start()
            self._probers[stage.number] = prober

    async def _leave(self) -> None:
        self._is_begun = False
        await self._stop_probing()

    async def _stop_probing(self) -> None:
        probers, self._probers = self._probers, {}
        await asyncio.gather(*(prober.stop() for prober in probers.values()))

    # -- verdicts ------------------------------------------------------------------------------------

    async def _judge(self) -> None:
        state = self._record.state
        for stage in self._stages() if self._probers else ():
            assert state is not None
            prober = self._probers[stage.number]
            prober.check()
            verdict = prober.window.verdict(
                stage,
                self._options.guards,
                stable=state.stable,
                candidate=state.candidate,
                declared=self._declared,
            )
            self._show(stage, prober.window, verdict)
        if self._probers and self._record.is_bad:
            assert state is not None
            await self._stop_probing()
            release = state.candidate.release
            self._say(f"{release} is bad and stays so; nothing more is asked until the arms are others")

    def _show(self, stage: Stage, window: Window, verdict: Verdict) -> None:
        """Into the journal, when it says something new or it is time, and only if it rests on something that
        was compared since the last one: a verdict's age is the age of what it knows."""
        before = self._written.get(stage.number, _Written())
        outline = [(check.name, check.status) for check in verdict.checks]
        now_s = self._clock.monotonic_s()
        is_new = verdict.bad or outline != before.outline
        is_due = is_new or now_s - before.at_s >= self._pace.write_each_s
        if not verdict.bad and (window.compared == before.compared or not is_due):
            return
        told = {"stage": stage.number, "window": window.number}
        entry, figures_s = before.entry, before.figures_s
        if is_new or now_s - figures_s >= self._pace.figures_each_s:
            whole = {**told, "checks": verdict.as_data(), "reason": _reason(stage, verdict)}
            entry, figures_s = self._journal.append("verdict", whole).number, now_s
        else:
            self._journal.append("unchanged", {**told, "entry": entry})
        self._written[stage.number] = _Written(outline, window.compared, now_s, entry, figures_s)

    # -- what is known -------------------------------------------------------------------------------

    def _stages(self) -> Sequence[Stage]:
        state = self._record.state
        return () if state is None or state.is_over else state.plan.stages

    def _say(self, text: str) -> None:
        """Once, until something else is said."""
        if text and text != self._said:
            self._journal.append("note", {"text": text})
            self._log.info("watch", text=text)
        self._said = text or self._said


def _reason(stage: Stage, verdict: Verdict) -> str:
    if verdict.bad:
        return verdict.reason
    missing = ", ".join(verdict.missing(stage.required))
    return f"{stage.name}: waiting for {missing}" if missing else f"{stage.name}: all checks are good"


def _shown(subject: Subject | None) -> str:
    if subject is None:
        return "nothing"
    where = ", ".join(subject.data_centres)
    return f"{subject.candidate.release} stands beside {subject.stable.release} in {where}"
