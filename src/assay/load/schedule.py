"""When requests are due: seeded, so that two servers can be given the very same load."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from random import Random
from typing import Literal

Arrivals = Literal["poisson", "constant"]
"""`poisson`: independent visitors, who sometimes come in bursts. `constant`: one each 1/rate seconds."""


def due_times(rate_per_s: float, duration_s: float, arrivals: Arrivals, seed: int) -> Iterator[float]:
    """Seconds since the start, ascending, in [0, `duration_s`)."""
    times = _constant(rate_per_s) if arrivals == "constant" else _poisson(rate_per_s, Random(seed))
    return itertools.takewhile(lambda due_s: due_s < duration_s, times)


def _constant(rate_per_s: float) -> Iterator[float]:
    return (number / rate_per_s for number in itertools.count())


def _poisson(rate_per_s: float, random: Random) -> Iterator[float]:
    due_s = 0.0
    while True:
        due_s += random.expovariate(rate_per_s)
        yield due_s
