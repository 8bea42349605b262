"""How fast a rollback is: from the decision to the last user's request that the candidate is given.

``python bench/rollback.py [RUNS]`` puts a real HAProxy before two small arms, sends half of a steady load to
the candidate, decides to roll back, and prints for each of several runs, in milliseconds after the decision:

- ``set``: HAProxy has the weights, read back and verified;
- ``last given``: the last request arrives at the candidate;
- ``last answered``: a user gets the candidate's last answer (requests under way are finished, not cut off).

The arms take 20 ms for a request. Failed requests are counted; there must be none.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path

from aiohttp import web

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from assay.clock import SystemClock
from assay.rollout.traffic.haproxy import HaproxyBalancer
from assay.rollout.traffic.haproxy_config import HaproxyConfig
from assay.rollout.traffic.pooling import Pooling
from assay.rollout.traffic.shares import set_slot_weights
from rollout.small_arms import Arm, Steady, scored, two_arms
from servers.haproxy import RunningHaproxy, haproxy

RUNS = 20
CLIENTS = 32
ANSWER_S = 0.02
COLUMNS = ("run", "set ms", "last given ms", "last answered ms", "candidate's answers before", "failed")


async def main(runs: int) -> int:
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}", flush=True)
    async with two_arms() as (stable, candidate):
        slots = {"blue": stable.addresses, "green": candidate.addresses}
        with haproxy(HaproxyConfig(slots=slots)) as front:
            rows = [await _run(number, front, stable, candidate) for number in range(1, runs + 1)]
    medians = [f"{statistics.median(row[column] for row in rows):.1f}" for column in (0, 1, 2)]
    worst = [f"{max(row[column] for row in rows):.1f}" for column in (0, 1, 2)]
    failed = sum(int(row[4]) for row in rows)
    print(f"| median | {' | '.join(medians)} | | |\n| worst | {' | '.join(worst)} | | {failed} |")
    return 1 if failed else 0


async def _run(number: int, front: RunningHaproxy, stable: Arm, candidate: Arm) -> tuple[float, ...]:
    given_s = 0.0

    async def respond(request: web.Request) -> web.StreamResponse:
        nonlocal given_s
        given_s = time.monotonic()
        await asyncio.sleep(ANSWER_S)
        return await scored(request)

    stable.delay_s, candidate.respond = ANSWER_S, respond
    balancer = HaproxyBalancer(front.runtime)
    pooling = Pooling(balancer, SystemClock())
    await set_slot_weights(balancer, {"blue": 50, "green": 50})
    async with Steady(front.url).running(clients=CLIENTS) as steady:
        await steady.until_answered(200, candidate.release)
        before = steady.answers[candidate.release]
        decided_s = time.monotonic()
        await set_slot_weights(balancer, {"blue": 100, "green": 0})
        set_s = time.monotonic()
        await pooling.until_idle("green")
        await steady.until_answered(200, stable.release)
    moments = (set_s, given_s, steady.last_s[candidate.release])
    row = (*((moment - decided_s) * 1000 for moment in moments), before, len(steady.failures))
    shown = (*(f"{value:.1f}" for value in row[:3]), *map(str, row[3:]))
    print(f"| {number} | {' | '.join(shown)} |", flush=True)
    return row


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else RUNS)))
