"""One request asked of both arms directly, past the load balancer, and what came of it.

A target whose answer may come from the cache is asked twice of each arm: as it is, both at once, and again
with ``features``, which no cache answers, one arm after the other in an order drawn by lot. The second round
compares what the arms compute, and tells how long each takes for the very same work.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final
from urllib.parse import parse_qsl

from assay.clock import Clock
from assay.rollout.evidence.again import has_changed, must_ask_again, settled
from assay.rollout.evidence.asker import Ask, Asker, ask_arm
from assay.rollout.evidence.compare import (
    RELEASE_HEADER,
    Answer,
    Comparison,
    Fault,
    compare,
    lasting,
    release_fault,
)
from assay.rollout.evidence.meaning import Declared, route_of
from assay.rollout.samples import CellPair, Pair

_COMPUTED_ANEW: Final = ("features", "explain", "inject")


@dataclass(frozen=True, slots=True)
class ArmAddress:
    """Where an arm's web processes answer, without final slashes, and the release that they must be of;
    None: of one that is not known, as before the first rollout."""

    slot: str
    urls: Sequence[str]
    release: str | None = None


class Pairs:
    """Makes `Pair`s in one data centre. Requests go round an arm's processes.

    `declared`: models that the candidate's release declares to be others.
    """

    def __init__(
        self,
        data_centre: str,
        stable: ArmAddress,
        candidate: ArmAddress,
        asker: Asker,
        clock: Clock,
        declared: Declared | None = None,
        *,
        chance: random.Random | None = None,
    ) -> None:
        self._data_centre = data_centre
        self._arms = (_Arm("stable", stable, asker), _Arm("candidate", candidate, asker))
        self._clock = clock
        self._declared = declared or Declared()
        self._chance = chance or random.Random()

    async def pair(self, target: str) -> Pair:
        """A GET of `target` (path and query, as a client sent it), asked of both. Never raises."""
        if is_computed_anew(target) or not target.startswith("/v3/scores/"):
            return await self.pair_of(Ask(target), is_timed=route_of(target) in ("v3", "api"))
        plain = await self.pair_of(Ask(target))
        anew = await self.pair_of(Ask(with_features(target)), is_timed=True)
        return _joined(plain, anew)

    async def pair_of(self, ask: Ask, *, is_timed: bool = False) -> Pair:
        """Any request, once. `is_timed`: one arm after the other, so that neither slows the other down."""
        stable, candidate = await (self._in_turn(ask) if is_timed else self._at_once(ask))
        found = compare(ask.target, stable, candidate, self._declared)
        if found.faults or must_ask_again(stable, candidate, found.cells):
            again = await self._at_once(ask)
            if has_changed(stable, again[0]):
                return self._pair(ask, *again, compare(ask.target, *again, self._declared), is_timed=False)
            found = self._lasting(ask, found, candidate, again)
        return self._pair(ask, stable, candidate, found, is_timed=is_timed)

    def _lasting(
        self, ask: Ask, found: Comparison, candidate: Answer, again: tuple[Answer, Answer]
    ) -> Comparison:
        """What was `found`, without what was different only because of the time between two questions."""
        kept = lasting(found, compare(ask.target, again[0], candidate, self._declared))
        cells = settled(found.cells, compare(ask.target, *again, self._declared).cells)
        return Comparison(cells, kept.faults)

    async def _at_once(self, ask: Ask) -> tuple[Answer, Answer]:
        stable, candidate = self._arms
        return await asyncio.gather(stable.ask(ask), candidate.ask(ask))

    async def _in_turn(self, ask: Ask) -> tuple[Answer, Answer]:
        stable, candidate = self._arms
        if self._chance.random() < 0.5:
            first = await stable.ask(ask)
            return first, await candidate.ask(ask)
        first = await candidate.ask(ask)
        return await stable.ask(ask), first

    def _pair(
        self, ask: Ask, stable: Answer, candidate: Answer, found: Comparison, *, is_timed: bool
    ) -> Pair:
        wrong = [arm.fault(answer) for arm, answer in zip(self._arms, (stable, candidate), strict=True)]
        both_well = is_timed and stable.status == candidate.status == 200
        costs = (stable.cpu_ms, candidate.cpu_ms)
        if None in costs:
            costs = (None, None)
        return Pair(
            at_s=self._clock.now().timestamp(),
            data_centre=self._data_centre,
            target=ask.target,
            stable_status=stable.status,
            candidate_status=candidate.status,
            cells=found.cells,
            shape_faults=found.sentences("shape"),
            value_faults=(*(str(fault) for fault in wrong if fault), *found.sentences("value")),
            stable_ms=stable.ms if both_well else None,
            candidate_ms=candidate.ms if both_well else None,
            stable_cpu_ms=costs[0],
            candidate_cpu_ms=costs[1],
            has_stranger=any(
                arm.is_foreign(answer) for arm, answer in zip(self._arms, (stable, candidate), strict=True)
            ),
            made_texts=ask.made_texts,
        )


class _Arm:
    def __init__(self, role: str, address: ArmAddress, asker: Asker) -> None:
        self._role = role
        self._release = address.release
        self._urls: Iterator[str] = cycle(address.urls)
        self._asker = asker

    async def ask(self, ask: Ask) -> Answer:
        return await ask_arm(self._asker, next(self._urls), ask)

    def fault(self, answer: Answer) -> Fault | None:
        return release_fault(self._role, answer, self._release)

    def is_foreign(self, answer: Answer) -> bool:
        told = answer.headers.get(RELEASE_HEADER, "")
        return self._release is not None and told not in ("", self._release)


def is_computed_anew(target: str) -> bool:
    """Whether no cache answers it, because it asks for features, an explanation or injected values."""
    names = {name for name, _ in _parameters(target)}
    return any(name in _COMPUTED_ANEW or name.startswith(("feature.", "datasource.")) for name in names)


def with_features(target: str) -> str:
    """The same request with ``features``."""
    return target + ("&" if "?" in target else "?") + "features"


def _parameters(target: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(target.partition("?")[2], keep_blank_values=True, max_num_fields=2000)
    except ValueError:
        return []


def _joined(plain: Pair, anew: Pair) -> Pair:
    """Both rounds of one request as one pair: the worse status, all faults, each cell once."""
    worse = max(
        (plain, anew), key=lambda pair: _badness(pair.candidate_status) - _badness(pair.stable_status)
    )
    return Pair(
        at_s=plain.at_s,
        data_centre=plain.data_centre,
        target=plain.target,
        stable_status=worse.stable_status,
        candidate_status=worse.candidate_status,
        cells=_telling(plain.cells, anew.cells),
        shape_faults=tuple(dict.fromkeys((*plain.shape_faults, *anew.shape_faults))),
        value_faults=tuple(dict.fromkeys((*plain.value_faults, *anew.value_faults))),
        stable_ms=anew.stable_ms,
        candidate_ms=anew.candidate_ms,
        stable_cpu_ms=anew.stable_cpu_ms,
        candidate_cpu_ms=anew.candidate_cpu_ms,
        has_stranger=plain.has_stranger or anew.has_stranger,
    )


def _telling(plain: tuple[CellPair, ...], anew: tuple[CellPair, ...]) -> tuple[CellPair, ...]:
    """Cells as they were computed, for a cache that both arms share would make them equal; but as users got
    them where only those differ."""
    differing = {cell.key: cell for cell in plain if cell.stable != cell.candidate}
    computed = [differing.get(cell.key, cell) if cell.stable == cell.candidate else cell for cell in anew]
    known = {cell.key for cell in computed}
    return (*computed, *(cell for cell in plain if cell.key not in known))


def _badness(status: int) -> int:
    return 600 if status == 0 else status
