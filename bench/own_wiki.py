"""How many reverted edits a wiki's own model needs to beat `anywiki` on the wiki's later time.

For each history: the latest 30 % of its rows are held out. A model of its own learns from the stretch just
before them that holds so many reverted edits, as on a wiki whose history is that short; `anywiki` learns from
the eight other histories and has never seen this one. Two ways to make an own model: *own* from its rows
alone, as many trees as `anywiki` has; *grown* from its rows on top of `anywiki`'s scores, as `assay train
--wiki https://…` does, so that its trees tell only what is peculiar to the wiki. ROC-AUC of raw scores; after
it, whether the 95 % interval of the difference from `anywiki` (bootstrap by pages) lies above 0 (+), below
(−) or around it (=). Extracted rows are kept in ``work/``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.models.base_model import Base
from assay.models.dataset import Array, Dataset, Floats, Indices
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe, Split
from assay.models.statistics.metrics import interval, roc_auc
from assay.models.training.own_wiki import ROUNDS
from assay.models.training.recipes import recipe
from assay.models.training.sources import rows_of
from assay.models.training.splits import parts, prepared
from assay.models.training.train import grow, raw_outputs, tree_text

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
WORK = Path("work")
COUNTS = (25, 50, 100, 200, 400, 800)


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    general = recipe(f"{ANY_WIKI}/reverted")
    data = prepared(rows_of(general, DATA, WORK), general)
    gains = defaultdict(list)
    print("| wiki | reverted, learned | edits, learned | anywiki | own | grown |\n|" + " --- |" * 6)
    for wiki in np.unique(data["wiki"]):
        for count, rows, any_area, own, grown in measured(data, general, str(wiki)):
            print(f"| {wiki} | {count} | {rows} | {any_area:.3f} | {told(own)} | {told(grown)} |", flush=True)
            gains[min(COUNTS, key=lambda it: abs(it - count))].append((own[0], grown[0]))
    print("\n| reverted, about | wikis | own, mean gain | grown, mean gain |\n|" + " --- |" * 4)
    for count, found in sorted(gains.items()):
        means = " | ".join(f"{mean:+.3f}" for mean in np.mean(found, axis=0))
        print(f"| {count} | {len(found)} | {means} |")
    return 0


Gain = tuple[float, float, str]
"""ROC-AUC less that of `anywiki`, ROC-AUC, and the sign of the difference."""


def measured(data: Dataset, general: Recipe, wiki: str) -> Iterator[tuple[int, int, float, Gain, Gain]]:
    """Reverted and all edits learned from, the area of `anywiki`, and both ways."""
    own = replace(
        recipe(f"{wiki}/reverted"),
        helper_weight=0.0,
        split=Split("time", share=0.3, wiki=wiki),
        grown_on=None,
    )
    base = _base(data, general, wiki)
    (division,) = parts(data, own.split, own.seed)
    held = data.rows(division.held_out)
    reference = base.raw(held.x)[:, 0]
    any_area = _area(held["label"] > 0, reference)
    for count, rows in _stretches(data, division.train[data["wiki"][division.train] == wiki]):
        alone = raw_outputs(grow(data, rows, own, own.rounds), held.x)[:, 0]
        grown = reference + raw_outputs(grow(data, rows, own, ROUNDS, base), held.x)[:, 0]
        yield count, len(rows), any_area, _gain(held, alone, reference), _gain(held, grown, reference)


def told(gain: Gain) -> str:
    return f"{gain[1]:.3f} {gain[2]}"


def _base(data: Dataset, general: Recipe, wiki: str) -> Base:
    others = np.flatnonzero(data["wiki"] != wiki)
    return Base(general.id, "", data.features, tree_text(grow(data, others, general, general.rounds)))


def _stretches(data: Dataset, early: Indices) -> Iterator[tuple[int, Indices]]:
    """The latest of the `early` rows that hold so many reverted ones, and last all of them."""
    early = early[np.argsort(data["timestamp"][early], kind="stable")]
    from_end = np.cumsum(data["label"][early][::-1] > 0)
    for count in COUNTS:
        if count < from_end[-1]:
            yield count, np.sort(early[::-1][: int(np.searchsorted(from_end, count)) + 1])
    yield int(from_end[-1]), np.sort(early)


def _area(truth: Array, score: Floats, weight: Floats | None = None) -> float:
    area = roc_auc(truth, score, weight)
    return float("nan") if area is None else area


def _gain(held: Dataset, score: Floats, reference: Floats) -> Gain:
    truth = held["label"] > 0

    def difference(weight: Floats | None = None) -> float | None:
        gain = _area(truth, score, weight) - _area(truth, reference, weight)
        return None if np.isnan(gain) else gain

    span = interval(difference, held["page"], 2016)
    sign = "" if span is None else "+" if span[0] > 0 else "−" if span[1] < 0 else "="
    return difference() or 0.0, _area(truth, score), sign


if __name__ == "__main__":
    raise SystemExit(main())
