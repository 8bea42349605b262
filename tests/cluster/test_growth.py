"""The verdict on memory, on made-up lives whose growth is known."""

from __future__ import annotations

import math
import random

import pytest

from cluster.growth import growth

START = 70_000_000
LIMIT = 5_000.0
"""Bytes a second."""


def life(chances: random.Random, seconds: int, leak: float, warm_up: float = 0.0) -> list[tuple[float, int]]:
    """A sample each two seconds; noise of 200 kB that lasts for about twenty seconds."""
    noise, samples = 0.0, []
    for at_s in range(0, seconds, 2):
        noise = 0.9 * noise + chances.gauss(0.0, 200_000.0) * math.sqrt(1 - 0.9**2)
        samples.append((float(at_s), int(START + leak * at_s + warm_up * min(at_s, 100) + noise)))
    return samples


@pytest.mark.parametrize("leak", [0.0, 20_000.0])
def test_the_interval_holds_the_truth(leak: float) -> None:
    chances = random.Random(1)
    grown = [growth([life(chances, 600, leak) for _ in range(2)]) for _ in range(200)]
    held = sum(one is not None and one.low <= leak <= one.high for one in grown)
    assert held >= 180
    expected = "grows" if leak else "flat"
    assert sum(one is not None and one.verdict(LIMIT) == expected for one in grown) >= 198


def test_what_fills_during_the_warm_up_is_no_growth() -> None:
    grown = growth([life(random.Random(2), 600, 0.0, warm_up=100_000.0)])
    assert grown is not None
    assert grown.verdict(LIMIT) == "flat"


def test_replaced_processes_count_together_and_short_ones_not_at_all() -> None:
    chances = random.Random(3)
    grown = growth([life(chances, 300, 20_000.0) for _ in range(3)] + [life(chances, 150, 0.0)])
    assert grown is not None
    assert grown.lives == 3
    assert grown.verdict(LIMIT) == "grows"
    assert growth([life(chances, 150, 0.0)]) is None


def test_too_little_decides_nothing() -> None:
    grown = growth([life(random.Random(4), 190, 0.0)])
    assert grown is not None
    assert grown.verdict(LIMIT / 10) == "not decided"
