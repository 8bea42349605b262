"""Where the time of an extraction goes: the dearest nodes, and the plan itself, as shares of a parse.

``python -m bench.nodes``: the edits and the warm state of `bench.extraction`. A node that looks first pays
for what is found on demand and then kept, such as the counts of tokens.
"""

from __future__ import annotations

import gc
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from statistics import median
from typing import Any

from bench.extraction import DATA, LEXICONS, ROUNDS, feature_lists, measure, sample

from assay.features.catalogue import features
from assay.features.graph.node import Feature
from assay.features.graph.plan import Plan
from assay.revisions.types import Revision

SHOWN = 15


class TimedPlan(Plan):
    """Adds up the seconds that each node takes, in `spent`."""

    def __init__(self, targets: tuple[Feature, ...]) -> None:
        super().__init__(targets)
        self.spent: dict[str, float] = defaultdict(float)
        self._steps = tuple(
            step._replace(compute=self._timed(step.node.name, step.compute)) for step in self._steps
        )

    def _timed(self, name: str, compute: Callable[..., Any]) -> Callable[..., Any]:
        def compute_timed(*inputs: Any) -> Any:
            start = time.perf_counter()
            value = compute(*inputs)
            self.spent[name] += time.perf_counter() - start
            return value

        return compute_timed


class IdlePlan(Plan):
    """Its nodes do nothing: what is left is the cost of the plan."""

    def __init__(self, targets: tuple[Feature, ...]) -> None:
        super().__init__(targets)
        self._steps = tuple(step._replace(compute=_nothing) for step in self._steps)


def _nothing(*_: Any) -> float:
    return 0.0


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    edits = sample()
    gc.collect()
    gc.freeze()
    for size, chosen in edits.items():
        for name, names in feature_lists().items():
            print(f"{size}, {name}")
            report(chosen, features(names, LEXICONS))
    return 0


def report(edits: list[Revision], wanted: tuple[Feature, ...]) -> None:
    """Medians over the edits."""
    shares: dict[str, list[float]] = defaultdict(list)
    plan, idle = TimedPlan(wanted), IdlePlan(wanted)
    for edit in edits:
        plan.run(edit)
        plan.spent.clear()
        parse_s, _ = measure(plan, wanted, edit, "warm")
        for node, seconds in plan.spent.items():
            shares[node].append(seconds / (parse_s * ROUNDS))
        _, idle_s = measure(idle, wanted, edit, "warm")
        shares["the plan, when no node does anything"].append(idle_s / parse_s)
    medians = sorted(((median(found), name) for name, found in shares.items()), reverse=True)
    for share, name in medians[:SHOWN]:
        print(f"  {share:>6.3f}  {name}")
    print(f"  {sum(share for share, _ in medians[SHOWN:]):>6.3f}  {len(medians) - SHOWN} others together")


if __name__ == "__main__":
    raise SystemExit(main())
