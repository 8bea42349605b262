"""Loads a release's bundles as a worker does, in a process of its own, and says what they cost and answer.

``python -m assay.preflight.measure`` reads a question from standard input and writes the answer to standard
output, both JSON::

    {"paths": [bundle, …], "borrowed": {wiki: wiki}, "wikis": [wiki, …], "rev_id": 123}
    {"models": 7, "seconds": 1.4, "shared_bytes": …, "process_bytes": …, "answers": {wiki: "base64"}}
    {"fault": "why the bundles are refused"}

`shared_bytes`: memory once loaded and warm, which scoring processes share. `process_bytes`: what one scoring
process has for itself after some work. `answers`: the cells of `synthetic_revision(rev_id)`, encoded.
"""

from __future__ import annotations

import base64
import gc
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import orjson

from assay.errors import AssayError, BundleError, worded
from assay.scoring.codec import encode_computed
from assay.scoring.pool.loading import load_models
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.warming import warm
from assay.scoring.wikis import ModelSets

_ROUNDS: Final = 3
_MAX_REASON_BYTES: Final = 1000
"""Less than a pipe holds, so that nobody must read while it is written."""


def main() -> None:
    importlib.import_module("assay.scoring.queue.worker")  # a worker's own code takes memory, too
    question = orjson.loads(sys.stdin.buffer.read())
    try:
        answer = measure(question)
    except AssayError as error:
        answer = {"fault": str(error)}
    sys.stdout.buffer.write(orjson.dumps(answer))


def measure(question: dict[str, Any]) -> dict[str, Any]:
    """Raises `BundleError` and `ConfigurationError`."""
    started_s = time.perf_counter()
    models, plans = load_models(question["paths"], question["borrowed"]), PlanCache()
    warm(models, plans)
    gc.collect()
    gc.freeze()
    seconds = time.perf_counter() - started_s
    shared_bytes = memory_bytes("Pss")
    rev_id, wikis = question["rev_id"], question["wikis"]
    return {
        "models": len(models.digests),
        "seconds": seconds,
        "shared_bytes": shared_bytes,
        "process_bytes": _forked(models, plans, wikis, rev_id),
        "answers": {wiki: base64.b64encode(_answer(models, plans, wiki, rev_id)).decode() for wiki in wikis},
    }


def _answer(models: ModelSets, plans: PlanCache, wiki: str, rev_id: int) -> bytes:
    own = models.of(wiki)
    return encode_computed(compute(Job(wiki, tuple(own), synthetic_revision(rev_id)), own, plans))


def _forked(models: ModelSets, plans: PlanCache, wikis: list[str], rev_id: int) -> int:
    """The private memory of a child that has scored; 0 where the system does not tell. Raises `BundleError`
    for one that does not live to tell it: a machine without memory for scoring kills it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for _ in range(_ROUNDS):
                for wiki in wikis:
                    _answer(models, plans, wiki, rev_id)
            os.write(writing, str(memory_bytes("Private_Dirty", "Private_Clean")).encode())
            code = 0
        except Exception as error:
            os.write(writing, worded(error).encode()[:_MAX_REASON_BYTES])
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if code := os.waitstatus_to_exitcode(status):
        reason = f": {told.decode('utf-8', 'replace')}" if told else ""
        raise BundleError(f"they load, but a process that scored with them ended with status {code}{reason}")
    return int(told)


def memory_bytes(*kinds: str, pid: int | str = "self") -> int:
    """One process's sum of these kinds (``Pss``, ``Private_Dirty``, …); 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.partition(":")[0] in kinds)


if __name__ == "__main__":
    main()
