"""Targets that users could ask, of revisions that an arm tells."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from hypothesis import given
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.rollout.evidence.asker import Ask
from assay.rollout.evidence.compare import Answer
from assay.rollout.evidence.meaning import route_of
from assay.rollout.evidence.observe import is_for_scores
from assay.rollout.evidence.questions import BATCH, KEPT, RENEW_EACH_S, Questions, targets
from assay.rollout.evidence.told import MOST_RECENT as RECENT
from assay.rollout.samples import Observed
from load.virtual_time import run_virtually
from rollout.fake_world import LoopClock


@dataclass
class Told:
    """An arm that tells these revisions."""

    revisions: Mapping[str, Sequence[Any]]
    is_away: bool = False
    asked: list[str] = field(default_factory=list)

    async def ask(self, url: str, ask: Ask) -> Answer:
        assert url == "http://arm"
        self.asked.append(ask.target)
        if self.is_away:
            return Answer(0, lost="away")
        if ask.target == "/api/wikis":
            wikis = [{"name": name, "models": [{"name": "a b"}, {"name": "c"}]} for name in self.revisions]
            return Answer(200, {}, json.dumps({"wikis": wikis}).encode())
        wiki = unquote(ask.target.split("/")[2])
        return Answer(200, {}, json.dumps({"revisions": self.revisions[wiki]}).encode())


@given(
    st.lists(st.integers(1, 10**12), min_size=1, max_size=30, unique=True),
    st.text(min_size=1, max_size=5).filter(str.isalnum),
    st.integers(),
)
def test_every_target_asks_for_scores_of_what_was_told(revisions: list[int], wiki: str, seed: int) -> None:
    found = list(targets(wiki, ["damaging", "good/faith"], revisions, random.Random(seed)))
    assert len(found) == len(revisions)
    for target, rev_id in zip(found, revisions, strict=True):
        assert is_for_scores(Observed(0, "d", "blue", "r", 200, 1, None, "GET", target))
        assert route_of(target) in ("v3", "api")
        path, _, query = target.partition("?")
        asked = parse_qs(query)["revids"][0].split("|") if query else [path.strip("/").split("/")[3]]
        assert asked[0] == str(rev_id)
        assert len(asked) <= BATCH
        assert set(map(int, asked)) <= set(revisions)


def revision_of(target: str) -> int:
    path, _, query = target.partition("?")
    return int(parse_qs(query)["revids"][0].split("|")[0] if query else path.strip("/").split("/")[3])


def test_all_recent_revisions_of_all_wikis_come_before_any_comes_again() -> None:
    async def run() -> None:
        arm = Told({"w": list(range(100, 60, -1)), "x": [1, 2], "empty": []})
        questions = Questions(arm, "http://arm", FakeClock(), chance=random.Random(1))
        for _ in range(2):
            round_ = [await questions.next() for _ in range(42)]
            assert {revision_of(target) for target in round_} == {*range(61, 101), 1, 2}
        assert arm.asked.count("/api/wikis") == 1

    run_virtually(run())


def test_newer_revisions_are_fetched_and_older_ones_remembered() -> None:
    async def run() -> None:
        clock = FakeClock()
        arm = Told({"w": list(range(RECENT, 0, -1))})
        questions = Questions(arm, "http://arm", clock, chance=random.Random(1))
        await questions.next()
        arm.revisions = {"w": list(range(2 * RECENT, RECENT, -1))}
        clock.advance(RENEW_EACH_S)
        newest = {revision_of(await questions.next()) for _ in range(RECENT)}
        assert newest == set(range(RECENT + 1, 2 * RECENT + 1))
        assert {revision_of(await questions.next()) for _ in range(RECENT)} == set(range(1, RECENT + 1))
        for number in range(3, 30):
            arm.revisions = {"w": list(range(number * RECENT, (number - 1) * RECENT, -1))}
            clock.advance(RENEW_EACH_S)
            await questions.next()
        again = {revision_of(await questions.next()) for _ in range(KEPT)}
        assert len(again) >= KEPT - 1
        assert min(again) > 29 * RECENT - KEPT

    run_virtually(run())


def test_an_arm_that_is_away_is_waited_for_at_first_and_later_asked_what_it_told() -> None:
    async def run() -> None:
        clock = LoopClock()
        arm = Told({"w": [5]}, is_away=True)
        questions = Questions(arm, "http://arm", clock)
        begun_s = clock.monotonic_s()

        async def come_back() -> None:
            await asyncio.sleep(7)
            arm.is_away = False

        back = asyncio.create_task(come_back())
        assert revision_of(await questions.next()) == 5
        assert clock.monotonic_s() - begun_s >= 7
        await back
        arm.is_away = True
        await asyncio.sleep(2 * RENEW_EACH_S)
        assert revision_of(await questions.next()) == 5

    run_virtually(run())
