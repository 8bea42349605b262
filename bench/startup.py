"""What it costs to start a command that has hardly anything to do: processor time, and the imports in it.

    python bench/startup.py [ROUNDS]

Each round runs every command once, so that a busy machine is busy for all of them. Processor time (user and
system) is the kernel's, of the whole process; time of imports is the sum of ``python -X importtime``, from a
run of its own, as that makes the process slower, and by the clock. Medians.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROUNDS = 15
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "assay --help": ["-m", "assay.cli", "--help"],
    "assay config check": ["-m", "assay.cli", "config", "check"],
    "assay config schema": ["-m", "assay.cli", "config", "schema"],
    "assay rollout status": ["-m", "assay.cli", "rollout", "status"],
    "assay release slots": ["-m", "assay.cli", "release", "slots", "--root", "."],
}


def processor_s(arguments: Sequence[str], folder: Path) -> float:
    process = subprocess.Popen(
        [sys.executable, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime


def imports(arguments: Sequence[str], folder: Path) -> tuple[float, int]:
    """Seconds in imports, and modules imported."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments], cwd=folder, capture_output=True, text=True
    ).stderr
    times = [
        int(line.split("|")[0].removeprefix("import time:"))
        for line in told.splitlines()
        if line.startswith("import time:") and line.split("|")[0].split(":")[1].strip().isdecimal()
    ]
    return sum(times) / 1e6, len(times)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        used: dict[str, list[float]] = {name: [] for name in COMMANDS}
        importing: dict[str, list[tuple[float, int]]] = {name: [] for name in COMMANDS}
        for _ in range(rounds):
            for name, arguments in COMMANDS.items():
                used[name].append(processor_s(arguments, Path(folder)))
                importing[name].append(imports(arguments, Path(folder)))
    print("| command | processor time, s | in imports, s | modules |\n| --- | --- | --- | --- |")
    for name in COMMANDS:
        times = statistics.median(seconds for seconds, _ in importing[name])
        modules = statistics.median(count for _, count in importing[name])
        print(f"| `{name}` | {statistics.median(used[name]):.2f} | {times:.2f} | {modules:.0f} |")


if __name__ == "__main__":
    main()
