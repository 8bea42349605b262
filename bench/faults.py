"""What faults cost clients: every fault of ``tests/cluster``, done to a whole cluster under load.

``python bench/faults.py`` prints a table: answers judged, lost and wrong ones (the promise is none), refusals
with 503 that clients obeyed, and seconds from the end of the fault to answers as before.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from cluster.faults import FAULTS, Figures, suffer
from cluster.small_cluster import small_cluster

COLUMNS = ("fault", "answers", "lost", "wrong", "503", "other attempts repeated", "recovery s")


def main() -> int:
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}", flush=True)
    failures = 0
    with (
        tempfile.TemporaryDirectory(prefix="assay-faults-") as folder,
        small_cluster(Path(folder)) as cluster,
    ):
        for name in FAULTS:
            figures = suffer(cluster, name)
            cluster.until_whole()
            failures += len(figures.lost) + len(figures.wrong)
            print(_row(figures), flush=True)
    return 1 if failures else 0


def _row(figures: Figures) -> str:
    others = sum(figures.repeated.values()) - figures.refused
    cells = (
        figures.fault,
        figures.answers,
        len(figures.lost),
        len(figures.wrong),
        figures.refused,
        others,
        figures.recovery_s,
    )
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    raise SystemExit(main())
