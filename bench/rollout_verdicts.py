"""What the verdict on a release is worth: false alarms on equal arms, and how soon each defect is caught.

``python bench/rollout_verdicts.py [ROLLOUTS [RUNS]]`` (of equal arms; of each defect)
prints the tables of docs/measurements.md; the arms are
simulated (``tests/rollout/arms.py``), the thresholds and stages are the default ones. Seeds are fixed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np

from assay.rollout.judging.statistics import clopper_pearson
from rollout.arms import MIB, PAIRS_PER_S, Caught, Defect, evidence, judged_stages, run, verdict_of
from rollout.crowd import Crowd

SEED = 20160801
DEFECTS = {
    "worker twice as slow": Defect(slow=2.0),
    "computing doubled, small pages, 60 ms of fetching": Defect(slow=2.0, cpu_ms=4.0, fetch_ms=60.0),
    "computing doubled for 20 % of the texts": Defect(slow=2.0, slow_texts=0.2),
    "crashes on 2 % of texts": Defect(crash_share=0.02),
    "crashes on 0.5 % of texts": Defect(crash_share=0.005),
    "leaks 1 MiB a job": Defect(leak_bytes=MIB),
    "leaks 256 KiB a job": Defect(leak_bytes=MIB // 4),
    "all scores of one model changed": Defect(changed_model="damaging"),
    "1 % of the scores of one model changed": Defect(changed_model="damaging", changed_share=0.01),
    "wrong shape": Defect(shape_fault="a key more: models"),
    "null for an object in 1 % of answers": Defect(shape_fault="null for an object", shape_share=0.01),
    "wrong release in every answer": Defect(wrong_release_share=1.0),
    "wrong release in 2 % of answers": Defect(wrong_release_share=0.02),
    "2 % of cached answers differ from computed": Defect(cache_differs_share=0.02),
    "1 % more HTTP 500": Defect(error_share=0.01),
    "5 % more HTTP 503": Defect(passing_share=0.05),
    "1 % more HTTP 503": Defect(passing_share=0.01),
    "30 % more HTTP 503, to users only": Defect(user_share=0.3),
    "5 % more HTTP 503, to users only": Defect(user_share=0.05),
}
SLOWNESS = (1.0, 1.25, 1.4, 1.5, 1.75, 2.0, 3.0)
SAMPLES = 100_000


def main(rollouts: int, runs: int) -> None:
    _false_alarms(rollouts)
    _defects(runs)
    _slow_arms(runs)
    _speed()


def _false_alarms(rollouts: int) -> None:
    print("| stages' samples | rollouts | false alarms | share, 95 % interval | checks |")
    print("| --- | --- | --- | --- | --- |")
    for larger, count in ((1.0, rollouts), (4.0, rollouts // 8)):
        rng = np.random.default_rng(SEED)
        stages = tuple(judged_stages())
        crowd = Crowd(rng, stages, larger)
        ends = [run(rng, make=crowd.evidence, stages=stages) for _ in range(count)]
        alarms = Counter(end.check for end in ends if end.stage)
        low, high = (f"{100 * share:.2f}" for share in clopper_pearson(alarms.total(), count))
        print(
            f"| {larger:g} times the least | {count} | {alarms.total()} | {low} – {high} % | {dict(alarms)} |"
        )
    print(flush=True)


def _defects(runs: int) -> None:
    print(
        "| defect | caught | in the first shadow | before 5 % | where, mostly | by | samples, median "
        "| served: median / most |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, defect in DEFECTS.items():
        print(_row(name, _ends(defect, runs)), flush=True)
    print()


def _row(name: str, ends: list[Caught]) -> str:
    caught = [end for end in ends if end.stage]
    unseen = sum(_is_first_centre(end) and end.stage is not None and not end.stage.weight for end in caught)
    early = sum(end.stage is not None and end.stage.weight < 5 and _is_first_centre(end) for end in caught)
    if not caught:
        return f"| {name} | 0 % | 0 % | 0 % | | | | |"
    where, by = (
        Counter(words).most_common(1)[0][0]
        for words in ((end.stage.name for end in caught if end.stage), (end.check for end in caught))
    )
    samples = statistics.median(end.samples for end in caught)
    served = [end.served for end in ends]
    cells = (
        name, f"{100 * len(caught) / len(ends):.0f} %", f"{100 * unseen / len(ends):.0f} %",
        f"{100 * early / len(ends):.0f} %", where, by,
        f"{samples:.0f}", f"{statistics.median(served):.0f} / {max(served)}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _is_first_centre(end: Caught) -> bool:
    return end.stage is not None and end.stage.data_centre == next(judged_stages()).data_centre


def _ends(defect: Defect, runs: int) -> list[Caught]:
    rng = np.random.default_rng(SEED)
    return [run(rng, defect) for _ in range(runs)]


def _slow_arms(runs: int) -> None:
    print(f"| times as slow | caught before users | caught at all | median s at {PAIRS_PER_S:g} pairs/s |")
    print("| --- | --- | --- | --- |")
    for slow in SLOWNESS:
        ends = _ends(Defect(slow=slow), runs)
        early = [end for end in ends if end.stage and not end.served]
        caught = sum(end.stage is not None for end in ends)
        seconds = f"{statistics.median(end.samples for end in early) / PAIRS_PER_S:.0f}" if early else "–"
        print(
            f"| {slow:g} | {100 * len(early) / runs:.0f} % | {100 * caught / runs:.0f} % | {seconds} |",
            flush=True,
        )
    print()


def _speed() -> None:
    stage = next(stage for stage in judged_stages() if stage.weight == 50)
    rng = np.random.default_rng(SEED)
    seen = evidence(rng, stage, larger=SAMPLES / (2.2 * stage.least_observed))
    took = []
    for _ in range(5):
        start_s = time.process_time()
        verdict_of(seen, stage)
        took.append(time.process_time() - start_s)
    samples = f"{len(seen.observed)} users' requests and {len(seen.pairs)} pairs"
    print(f"A verdict on {samples} takes {statistics.median(took):.2f} s of CPU (median of 5).")


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]]
    main(*numbers, *(4000, 100)[len(numbers) :])
