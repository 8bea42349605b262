"""Time and memory of scoring a whole dump from the shell, all processes together.

``python bench/score_dump.py [WIKI=FILE] [PROCESSES]``; default: the Anarchism dump (1.05 GB unpacked)
with English Wikipedia's models and one scoring process. Memory is the sum of the processes'
proportional set sizes (a shared page counts once), and the largest resident set of any one; both are
sampled ten times a second.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
DEFAULT = f"anarchism={DATA / 'histories' / 'enwiki-anarchism' / 'dump.xml.lzma'}"


def main() -> int:
    source = sys.argv[1] if len(sys.argv) > 1 else DEFAULT
    processes = sys.argv[2] if len(sys.argv) > 2 else "1"
    wiki = source.partition("=")[0]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "scores.jsonl"
        command = [sys.executable, "-m", "assay.cli", "score", source, "--all", "--processes", processes]
        command += ["--bundles", f"{wiki}=enwiki", "--output", str(output)]
        started_s = time.monotonic()
        with subprocess.Popen(command) as process:
            shared_kib = resident_kib = 0
            while process.poll() is None:
                memory = [_memory_kib(pid) for pid in _family(process.pid)]
                shared_kib = max(shared_kib, sum(pss for pss, _ in memory))
                resident_kib = max([resident_kib, *(rss for _, rss in memory)])
                time.sleep(0.1)
        seconds = time.monotonic() - started_s
        lines = output.read_bytes().count(b"\n")
    print(
        f"{wiki}: {lines} revisions in {seconds:.0f} s with {processes} scoring process(es); "
        f"memory of all processes {shared_kib / 1024:.0f} MiB, largest one {resident_kib / 1024:.0f} MiB"
    )
    return process.returncode


def _family(pid: int) -> list[int]:
    """The process and all that it started, directly or not."""
    found = [pid]
    for parent in found:
        try:
            threads = list(Path(f"/proc/{parent}/task").iterdir())
            found += [int(child) for task in threads for child in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def _memory_kib(pid: int) -> tuple[int, int]:
    """Proportional and resident set size; 0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0, 0
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return sizes.get("Pss", 0), sizes.get("Rss", 0)


if __name__ == "__main__":
    raise SystemExit(main())
