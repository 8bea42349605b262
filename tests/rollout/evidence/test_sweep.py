"""Asking for texts that nobody asked for just now."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from assay.clock import FakeClock
from assay.rollout.evidence.asker import Ask, HttpAsker
from assay.rollout.evidence.compare import Answer
from assay.rollout.evidence.pairs import ArmAddress, Pairs
from assay.rollout.evidence.sweep import BATCH, Sweep, batches
from assay.rollout.evidence.told import MOST_RECENT as RECENT
from assay.rollout.judging.pair_checks import different_texts
from load.virtual_time import run_virtually
from servers.asgi import serving
from small_app import SmallApp


def test_every_recent_revision_is_asked_once_and_wikis_take_turns() -> None:
    recent = {"large": list(range(100, 135)), "small": [1, 2, 3], "empty": []}
    found = batches(recent)
    asked = Counter((batch.wiki, rev_id) for batch in found for rev_id in batch.rev_ids)
    assert set(asked.values()) == {1}
    assert len(asked) == 38
    assert [batch.wiki for batch in found] == ["large", "small", "large", "large", "large"]
    assert not any(batch.is_made for batch in found)


async def test_both_arms_score_every_text_real_or_made_up() -> None:
    with serving(SmallApp().build().asgi) as arm:
        url = f"http://127.0.0.1:{arm.port}"
        async with HttpAsker() as asker:
            sweep = Sweep(asker, url, chance=random.Random(1))
            address = ArmAddress("blue", [url])
            pairs = Pairs("one", address, address, asker, FakeClock())
            asked = [await sweep.next() for _ in range(2 * RECENT // BATCH + 2)]
            found = [await pairs.pair_of(ask) for ask in asked]
    made = [pair for pair in found if pair.made_texts]
    assert {pair.made_texts for pair in made} == {BATCH}
    assert {(pair.stable_status, pair.candidate_status) for pair in found} == {(200, 200)}
    assert not any(pair.shape_faults or pair.value_faults for pair in found)
    assert different_texts(found) >= 2 * RECENT
    assert all(pair.stable_cpu_ms is not None for pair in made), "computed, not remembered"
    assert len({ask.form for ask in asked if ask.made_texts}) == len(made)


class _Silent:
    """An arm that tells nothing, then something."""

    def __init__(self) -> None:
        self.asked = 0

    async def ask(self, url: str, ask: Ask) -> Answer:
        self.asked += 1
        if self.asked < 5:
            return Answer(0)
        if ask.target == "/api/wikis":
            return Answer(
                200, {}, b'{"wikis": [{"name": "a", "models": [{}]}, {"name": "testwiki", "models": [{}]}]}'
            )
        return Answer(200, {}, b'{"revisions": [7]}')


def test_an_arm_that_tells_no_revision_is_asked_again() -> None:
    async def story() -> None:
        silent = _Silent()
        sweep = Sweep(silent, "http://arm")
        async with asyncio.timeout(60):
            first, second, third = [await sweep.next() for _ in range(3)]
        assert first.target == "/v3/scores/a/?revids=7&features"
        assert (second.method, second.made_texts, third.made_texts) == ("POST", 1, 1)
        assert second.form != third.form
        assert silent.asked == 6, "the test wiki's texts are all alike"

    run_virtually(story())
