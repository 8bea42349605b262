"""How many reverted edits a wiki's own model needs to beat `anywiki` on the wiki's later time.

For each history: the latest 30 % of its rows are held out. A model of its own learns from the stretch just
before them that holds so many reverted edits, as on a wiki whose history is that short; `anywiki` learns from
the eight other histories and has never seen this one. Two ways to make an own model: *own* from its rows
alone, *grown* from its rows on top of `anywiki`'s scores, so that its trees tell only what is peculiar to the
wiki. ROC-AUC of raw scores; after it, whether the 95 % interval of the difference from `anywiki` (bootstrap
by pages) lies above 0 (+), below (-) or around it (=). Extracted rows are kept in ``work/``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lightgbm
import numpy as np

from assay.models.dataset import Array, Dataset, Floats, Indices
from assay.models.metrics import interval, roc_auc
from assay.models.model import ANY_WIKI
from assay.models.recipe import Recipe, Split
from assay.models.recipes import recipe
from assay.models.sources import rows_of
from assay.models.splits import capped, parts, prepared, row_weights
from assay.models.train import grow, masked, parameters, raw_outputs

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
WORK = Path("work")
COUNTS = (25, 50, 100, 200, 400, 800)
GROWN_ROUNDS = (50, 100, 200)


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    general = recipe(f"{ANY_WIKI}/reverted")
    data = prepared(rows_of(general, DATA, WORK), general)
    for wiki in np.unique(data["wiki"]):
        for line in measured(data, general, str(wiki)):
            print(line, flush=True)
    return 0


def measured(data: Dataset, general: Recipe, wiki: str) -> Iterator[str]:
    own = replace(recipe(f"{wiki}/reverted"), helper_weight=0.0, split=Split("time", share=0.3, wiki=wiki))
    others = np.flatnonzero(data["wiki"] != wiki)
    base = grow(data, others, general, general.rounds)
    (division,) = parts(data, own.split, own.seed)
    held = data.rows(division.held_out)
    truth, reference = held["label"] > 0, raw_outputs(base, held.x)[:, 0]
    early = division.train[data["wiki"][division.train] == wiki]
    early = early[np.argsort(data["timestamp"][early], kind="stable")]
    yield f"{wiki}: {len(held)} held out, {truth.sum()} reverted; any {roc_auc(truth, reference):.3f}"
    clusters = held["page"]
    for count, rows in stretches(data, early):
        booster = grow(data, rows, own, own.rounds)
        told = {"own": raw_outputs(booster, held.x)[:, 0]}
        for rounds in GROWN_ROUNDS:
            told[f"grown{rounds}"] = reference + grown_on(base, data, rows, own, rounds, held.x)
        cells = " | ".join(
            f"{name} {compared(truth, score, reference, clusters)}" for name, score in told.items()
        )
        yield f"  {wiki} {count} of {len(rows)} | {cells}"


def stretches(data: Dataset, early: Indices) -> Iterator[tuple[int, Indices]]:
    """The latest of the `early` rows that hold so many reverted ones, and last all of them."""
    from_end = np.cumsum(data["label"][early][::-1] > 0)
    for count in COUNTS:
        if count < from_end[-1]:
            yield count, np.sort(early[::-1][: int(np.searchsorted(from_end, count)) + 1])
    yield int(from_end[-1]), np.sort(early)


def grown_on(
    base: lightgbm.Booster, data: Dataset, rows: Indices, own: Recipe, rounds: int, held: Floats
) -> Floats:
    rows = capped(data, rows, own.rows_per_actor, own.seed)
    x, label, weight = data.x[rows], data["label"][rows].astype(float), row_weights(data, rows, own)
    (mask,) = own.masks
    x = np.concatenate([x, masked(x, data.features, mask.prefixes)])
    learned = lightgbm.Dataset(
        x,
        np.concatenate([label, label]),
        weight=np.concatenate([weight, weight * mask.weight]),
        init_score=raw_outputs(base, x)[:, 0],
        params=parameters(own),
    )
    booster = lightgbm.train(parameters(own), learned, num_boost_round=rounds)
    return raw_outputs(booster, held)[:, 0]


def compared(truth: Array, score: Floats, reference: Floats, clusters: Array) -> str:
    def difference(weight: Floats | None = None) -> float | None:
        areas = [roc_auc(truth, it, weight) for it in (score, reference)]
        return None if None in areas else areas[0] - areas[1]

    span = interval(difference, clusters, 2016)
    sign = "" if span is None else "+" if span[0] > 0 else "-" if span[1] < 0 else "="
    return f"{roc_auc(truth, score):.3f}{sign}"


if __name__ == "__main__":
    raise SystemExit(main())
