"""The newest evidence on a candidate that is watched, for as long as it stands, in bounded memory.

Pairs fill blocks; judged are the last full block and the one that is being filled. With each new block
another window begins, which is tested anew. So that weeks of tests raise no more false alarms than one
rollout may, window number k spends only its share of them (`assay.rollout.judging.looks.spent`): it is
sharpest at the beginning, when the others decide whether users shall meet the candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from assay.rollout.failures import is_answer
from assay.rollout.guards import GuardOptions
from assay.rollout.judging.check import Check
from assay.rollout.judging.drift import DeclaredDrift
from assay.rollout.judging.looks import spent
from assay.rollout.judging.verdict import Verdict, judge
from assay.rollout.plan import ANSWERS, SYNTHETIC, Stage
from assay.rollout.samples import Arm, Evidence, MemorySeen, Pair

BLOCK_PAIRS: Final = 2000
"""At ten a second, three minutes. Twice so many are judged within some hundredths of a second."""
MEMORY_LOOKS: Final = 600
"""Beyond, every other look at memory is forgotten: what grows for ever shows in what is left."""


class Window:
    """Of one data centre. `number`: of the first window, from 0; a watcher that goes on after a kill begins
    with a later one, for the earlier ones have spent their share. `block`: pairs of a block, at least twice
    what the stage wants."""

    def __init__(self, number: int = 0, block: int = BLOCK_PAIRS) -> None:
        self.number = number
        self.compared = 0
        """Pairs so far to which the stable arm had an answer: while they do not rise, nothing is new."""
        self._block = block
        self._full: list[Pair] = []
        self._filling: list[Pair] = []
        self._suite: tuple[Pair, ...] = ()
        self._memory: list[tuple[MemorySeen, ...]] = []

    def add(self, pair: Pair) -> None:
        """The newest one; one that a third release answered is left out."""
        if pair.has_stranger:
            return
        self.compared += is_answer(pair.stable_status)
        self._filling.append(pair)
        if len(self._filling) >= self._block:
            self._full, self._filling = self._filling, []
            self.number += 1

    def add_suite(self, pairs: Sequence[Pair]) -> bool:
        """All pairs of a synthetic suite, in place of the last one's. False: a third release answered some of
        them, so that the suite says nothing."""
        if any(pair.has_stranger for pair in pairs):
            return False
        self.compared += any(is_answer(pair.stable_status) for pair in pairs)
        self._suite = tuple(pairs)
        return True

    def add_memory(self, seen: Sequence[MemorySeen]) -> None:
        """One look at all processes."""
        self._memory.append(tuple(seen))
        if len(self._memory) > MEMORY_LOOKS:
            self._memory = self._memory[::2]

    def evidence(self) -> Evidence:
        """In time order, without the suite."""
        memory = tuple(sample for look in self._memory for sample in look)
        return Evidence(pairs=(*self._full, *self._filling), memory=memory)

    def verdict(
        self,
        stage: Stage,
        guards: GuardOptions,
        *,
        stable: Arm,
        candidate: Arm,
        declared: Sequence[DeclaredDrift] = (),
    ) -> Verdict:
        """The checks that the stage requires; others need what nobody sees here."""

        def judged(evidence: Evidence, at: Stage) -> Verdict:
            return judge(evidence, at, guards, stable=stable, candidate=candidate, declared=declared)

        level = spent(stage.alpha, self.number)
        live = judged(self.evidence(), replace(stage, alpha=level))
        suite = judged(Evidence(pairs=self._suite), replace(stage, alpha=0.0, least_pairs=1))
        required = [check for check in live.checks if check.name in stage.required]
        return Verdict((_suite_check(suite, self._suite), *required))


def _suite_check(found: Verdict, pairs: Sequence[Pair]) -> Check:
    """All answers to one suite together."""
    figures = {"pairs": len(pairs), "at_s": pairs[0].at_s if pairs else None}
    answers = Verdict(tuple(check for check in found.checks if check.name in ANSWERS))
    if answers.bad:
        return Check(SYNTHETIC, "bad", answers.reason[:400], figures, answers.bad_since_s)
    if missing := answers.missing(ANSWERS):
        what = f"{len(pairs)} synthetic requests told nothing of {', '.join(missing)}"
        return Check(SYNTHETIC, "no_data", what, figures)
    return Check(SYNTHETIC, "good", f"{len(pairs)} synthetic requests were answered alike", figures)
