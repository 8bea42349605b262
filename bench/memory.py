"""Whether a scoring process ends growing: texts of words that nobody has seen, until all memos were full.

``python -m bench.memory``: every text of about 20 kB consists of new words, so that each memo is
filled and emptied several times in some minutes; real edits need days for that.
"""

from __future__ import annotations

import gc
import random
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.probe import table

from assay.compose.bundles import SAMPLE_WIKI, choose
from assay.compose.models import load_chosen
from assay.features.memo import memos
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.warming import warm
from assay.settings import Settings

REVISIONS: Final = 4_000
EACH: Final = 250
WORDS: Final = 2_000
"""New ones in each text."""
LETTERS: Final = "etaoinshrdlucmfwypvbgkjqxzабвгдежзийклмноп"


def main() -> None:
    models, plans = load_chosen(choose(Settings()), with_trees=True), PlanCache()
    warm(models, plans)
    gc.collect()
    gc.freeze()
    names = tuple(models.of(SAMPLE_WIKI))
    before_mib = resident_mib()
    emptied = dict.fromkeys((memo.name for memo in memos()), 0)
    seen = dict.fromkeys(emptied, 0)
    rows = []
    for number, text in enumerate(texts(), start=1):
        revision = synthetic_revision(number)
        compute(Job(SAMPLE_WIKI, names, replace(revision, text=text)), models.of(SAMPLE_WIKI), plans)
        for memo in memos():
            emptied[memo.name] = emptied.get(memo.name, 0) + (len(memo) < seen.get(memo.name, 0))
            seen[memo.name] = len(memo)
        if number % EACH == 0:
            kept_mib = sum(memo.size_bytes for memo in memos()) / 2**20
            rows.append((number, resident_mib() - before_mib, kept_mib, sum(seen.values())))
    table(
        "Memory while words never end", ("revisions", "RSS beyond the start, MiB", "memos", "entries"), rows
    )
    ends = [(memo.name, memo.max_entries, emptied[memo.name]) for memo in memos() if emptied[memo.name]]
    table("Memos that were full", ("memo", "entries at most", "times emptied"), sorted(ends))
    print(f"\nat most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def texts() -> Iterator[str]:
    chosen = random.Random(2016)
    for _ in range(REVISIONS):
        yield " ".join("".join(chosen.choices(LETTERS, k=chosen.randint(4, 14))) for _ in range(WORDS))


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


if __name__ == "__main__":
    main()
