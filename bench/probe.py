"""What the kernel tells of processes, and how figures are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As Markdown, at once, so that a run that is broken off has told something."""
    print(f"\n### {title}\n")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(map(_shown, row))} |", flush=True)


def _shown(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds of all threads of these processes since they began."""
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def memory_mib(family: Iterable[int]) -> float:
    """Proportional set size of a parent and its forks, as if nothing else ran on the machine.

    Of files (libraries), which other programs may have mapped too, the family counts one whole copy.
    """
    rollups = [_rollup_kib(pid) for pid in family]
    files_kib = max(rollup["Rss"] - rollup["Anonymous"] for rollup in rollups)
    return (sum(rollup["Pss_Anon"] for rollup in rollups) + files_kib) / 1024


def _rollup_kib(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
