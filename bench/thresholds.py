"""A hundred threshold queries of one shipped model, answered from its table and by a look at every row.

    PYTHONPATH=tests python -m bench.thresholds

Both in one process, in turns, on the same queries; a table that was just read counts as the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from bench.probe import table

from assay.models.facts import read_statistics
from assay.models.library import shipped_folder
from assay.models.statistics.query import Query, Row
from assay.models.statistics.threshold_table import ThresholdTable
from models.plain_thresholds import plainly_best

ROUNDS: Final = 9
QUERIES: Final = [Query.parse(f"maximum recall @ precision >= 0.{part:02}") for part in range(100)]
MODELS: Final = (("enwiki", "damaging"), ("enwiki", "articlequality"))


def main() -> int:
    rows: list[Sequence[Any]] = []
    for wiki, name in MODELS:
        told = read_statistics(shipped_folder() / wiki / name)["thresholds"]
        tables = {label: ThresholdTable(found) for label, found in told.items()}
        first_ms = _spent_ms(lambda query, rows: rows.best(query), tables)
        fast, plain = [], []
        for _ in range(ROUNDS):
            fast.append(_spent_ms(lambda query, rows: rows.best(query), tables))
            plain.append(_spent_ms(plainly_best, tables))
        size = sum(map(len, told.values()))
        rows.append((f"{wiki} {name}", len(told), size, first_ms, median(fast), median(plain)))
    columns = ("model", "labels", "rows", "first, ms", "table, ms", "every row, ms")
    table("A hundred queries for each label", columns, rows)
    return 0


def _spent_ms(
    best: Callable[[Query, ThresholdTable], Row | None], tables: Mapping[str, ThresholdTable]
) -> float:
    started_s = time.process_time()
    for rows in tables.values():
        for query in QUERIES:
            best(query, rows)
    return 1e3 * (time.process_time() - started_s)


if __name__ == "__main__":
    raise SystemExit(main())
