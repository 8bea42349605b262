"""How far our features and scores agree with the legacy's on the same real edits and articles.

``PYTHONPATH=tests python -m bench.agreement`` prints the figures whose goals the tests of features and of
shipped bundles check.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from bench.probe import table

from assay.models.statistics.metrics import spearman
from features.oracle import Table, needs_word_list, of_articles, of_edits
from models.skew import scored_twice
from shared_data import SHARED


def main() -> int:
    if not SHARED.exists():
        print(f"needs the real data in {SHARED}, which is not beside this checkout")
        return 1
    table(
        "Features",
        ("list", "features", "without word lists", "of them equal in all rows (to 1e-9)", "with", "Spearman"),
        [("damaging", *_figures(of_edits())), ("articlequality", *_figures(of_articles()))],
    )
    with tempfile.TemporaryDirectory() as folder:
        scores = {name: np.array(pairs).T for name, pairs in scored_twice(Path(folder)).items()}
    table(
        "Scores from our feature values and from the legacy's",
        ("model", "edits", "Spearman"),
        [(name, own.size, f"{spearman(own, legacy):.4f}") for name, (own, legacy) in scores.items()],
    )
    return 0


def _figures(features: Table) -> tuple[int, int, str, int, str]:
    exact = [pairs for name, pairs in features.items() if not needs_word_list(name)]
    equal = sum(all(abs(own - expected) <= 1e-9 for expected, own in pairs) for pairs in exact)
    ranks = [
        spearman(*np.array(pairs, dtype=np.float64).T)
        for name, pairs in features.items()
        if needs_word_list(name)
    ]
    told = [rank for rank in ranks if rank is not None]
    rows = len(next(iter(features.values())))
    return (
        len(features),
        len(exact),
        f"{equal} (of {rows} rows)",
        len(ranks),
        f"{min(told):.5f} to {max(told):.5f}",
    )


if __name__ == "__main__":
    raise SystemExit(main())
