"""Time and memory of indexing a dump and of reading every revision back, in a process of its own.

python bench/index_dump.py [FILE]        (default: the 1.05 GB export of "Anarchism")
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from assay.revisions.index.file import ensure_index
from assay.revisions.index.source import IndexedSource

ANARCHISM = Path(__file__).resolve().parents[2] / "shared/data/histories/enwiki-anarchism/dump.xml.lzma"


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=ANARCHISM)
    path: Path = parser.parse_args().file
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        start = time.perf_counter()
        ensure_index(path, index)
        built = time.perf_counter()
        print(f"indexed in {built - start:.1f} s; index {index.stat().st_size / 2**20:.1f} MB", end="; ")
        print(f"peak memory {peak_mb():.0f} MB")
        source = IndexedSource(index)
        lengths = [len(it.text) for it in source.revisions("page") if isinstance(it.text, str)]
        read = time.perf_counter()
        print(f"read {len(lengths)} texts, {sum(lengths)} characters, in {read - built:.1f} s", end="; ")
        print(f"peak memory {peak_mb():.0f} MB")
        reverted = sum(edit.label.reverted for edit in source.labels())
        print(
            f"labelled {source.count()} revisions, {reverted} reverted, in {time.perf_counter() - read:.1f} s"
        )
        source.close()


if __name__ == "__main__":
    main()
