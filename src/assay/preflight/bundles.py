"""Every bundle loads with its trees, and gives the scores that the release promises."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import orjson

from assay.compose.bundles import Choice
from assay.errors import BundleError
from assay.preflight.check import Check, Failed, Group, Outcome, Passed, Skipped
from assay.scoring.codec import decode_computed
from assay.scoring.request import Cell
from assay.threads import in_thread

LOAD_LIMIT_S: Final = 120.0
GOLDEN_LIMIT_S: Final = 300.0
_MIB: Final = 1024 * 1024
_SHOWN: Final = 3


class Golden(Protocol):
    """Scores that a release promises, on real revisions."""

    def prove(self) -> Sequence[str]:
        """How this machine's scores differ from them, in sentences; empty: they are exactly equal."""
        ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What loading told. `shared_bytes`: memory that scoring processes share; `process_bytes`: what each has
    for itself. `answers`: the cells of the made-up revision that was asked for, by wiki and model."""

    models: int
    seconds: float
    shared_bytes: int
    process_bytes: int
    answers: Mapping[str, Mapping[str, Cell]]


Load = Callable[[], Awaitable[Loaded]]


async def load(choice: Choice, wikis: Sequence[str], rev_id: int) -> Loaded:
    """In a process of its own, so that a bundle that crashes it, or eats memory, is only told.

    Raises `BundleError`.
    """
    question = {
        "paths": [str(path) for path in choice.paths],
        "borrowed": dict(choice.borrowed),
        "wikis": list(wikis),
        "rev_id": rev_id,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "assay.preflight.measure"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    try:
        told, log = await process.communicate(orjson.dumps(question))
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        lines = log.decode("utf-8", "replace").strip().splitlines()
        last = f": {lines[-1][:300]}" if lines else ""
        raise BundleError(f"the process that loads them ended with status {process.returncode}{last}")
    answer = orjson.loads(told)
    if "fault" in answer:
        raise BundleError(answer["fault"])
    answers = {
        wiki: decode_computed(base64.b64decode(cells)).cells for wiki, cells in answer["answers"].items()
    }
    return Loaded(
        answer["models"], answer["seconds"], answer["shared_bytes"], answer["process_bytes"], answers
    )


def group(paths: Sequence[Path], loaded: Load, golden: Golden | None, *, without_golden: bool) -> Group:
    """`golden`: None when this process does not run from a release; `without_golden`: the operator knows."""

    async def loads() -> Outcome:
        try:
            done = await loaded()
        except BundleError as error:
            return Failed(str(error), "install the release again, or mend bundle_directories")
        return Passed(
            f"{done.models} models loaded in {done.seconds:.1f} s; {done.shared_bytes // _MIB} MiB shared, "
            f"{done.process_bytes // _MIB} MiB more for each scoring process"
        )

    async def proves() -> Outcome:
        if golden is None:
            return Skipped(
                "not applicable: this process runs from no release, so nothing says what it must score",
                "run the release's own bin/assay preflight; where there are no releases say --without-golden",
                waived=without_golden,
            )
        if differences := await in_thread(golden.prove):
            more = len(differences) - _SHOWN
            told = "; ".join(differences[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
            return Failed(told, "do not use this release on this machine: install it again, or build it anew")
        return Passed("every golden score is exact")

    subject = f"{len(paths)} bundles" if paths else ""
    checks = [
        Check("load", subject, loads, "see why loading takes so long: memory, disk", LOAD_LIMIT_S),
        Check("golden", subject, proves, "verify the release: assay release verify", GOLDEN_LIMIT_S),
    ]
    return Group("bundles", checks, "give the wikis models: train bundles, or set bundle_directories")
