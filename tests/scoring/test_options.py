"""What stands there by default fits together, and machines of any kind get a pool."""

from __future__ import annotations

import os
import subprocess
import sys

from assay.scoring.options import MAX_REVISIONS, PoolOptions


def test_a_queue_holds_ten_full_requests_of_ordinary_and_a_few_of_great_texts() -> None:
    options = PoolOptions()
    assert options.queue_jobs >= 10 * MAX_REVISIONS
    assert options.queue_bytes >= options.queue_jobs * 50_000
    assert options.queue_bytes >= MAX_REVISIONS * 4 * 2**20


def test_there_is_a_process_for_each_core_and_one_where_that_is_not_told() -> None:
    code = (
        "import os, sys\n"
        "if sys.argv[1:]: os.cpu_count = lambda: None\n"
        "from assay.scoring.options import PoolOptions\n"
        "from assay.scoring.queue.options import WorkerOptions\n"
        "print(PoolOptions().processes, WorkerOptions().processes)"
    )
    told = [
        subprocess.check_output([sys.executable, "-c", code, *arguments], text=True).split()
        for arguments in ([], ["untold"])
    ]
    assert told == [[str(os.cpu_count())] * 2, ["1", "1"]]
