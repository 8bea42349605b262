"""The drill: one defect after the other is rolled out under load, and what became of it is written down."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from assay.clock import Deadline, SystemClock
from assay.compose.supervisor import ASSAY
from assay.drill.defects import Defect
from assay.drill.row import Row, counted, row_of
from assay.drill.site import (
    MAIN,
    MODELS,
    STANDBY,
    WIKI,
    Site,
    build_stable,
    build_variant,
    make_site,
    running,
    until_answers,
)
from assay.drill.users import Front, Users
from assay.errors import ReleaseError
from assay.load import Expectations
from assay.releases.launcher import clean_environment
from assay.revisions.open import open_source
from assay.revisions.types import Revision
from assay.rollout.control import orders
from assay.rollout.journal import read_journal
from assay.rollout.state import fold
from assay.scoring.pool.loading import load_models
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.serving.cells import cell_document

Report = Callable[[str], None]
_MAIN_PER_S, _STANDBY_PER_S = 16.0, 4.0
_ROW_LIMIT_S: Final = 600.0
_QUIET_S: Final = 2.0
"""After a rollout: what it still does to users is its own, not the next one's."""
_AT_ONCE: Final = 25
_LOOK_AGAIN_S: Final = 0.5


async def drill(folder: Path, source: Path, defects: Sequence[Defect], report: Report) -> list[Row]:
    """Every row, in order. Everything that was started has ended afterwards.

    Raises `ConfigurationError` or `ReleaseError` when the drill itself cannot be held.
    """
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)  # and everything is ended
    report("building the releases")
    site = await asyncio.to_thread(make_site, folder, source)
    stable = await asyncio.to_thread(build_stable, site)
    releases = {}
    for defect in defects:
        report(f"building the releases: {defect.name}")
        releases[defect.name] = await asyncio.to_thread(build_variant, site, defect, stable)
    with running(site):
        report("starting two data centres")
        await _activate(site, stable)
        await asyncio.to_thread(until_answers, site)
        rows = []
        async with _users(site, defects) as users:
            for defect in defects:
                report(f"{defect.name}: {defect.title}")
                rows.append(await _roll_out(site, defect, releases[defect.name]))
        return counted(rows, users)


async def _activate(site: Site, release: str) -> None:
    """As an operator does by hand the first time."""
    commands = [
        [
            *(*ASSAY, "release", "activate", release, "--slot", "blue"),
            *("--root", str(options.root), "--store", site.store.address),
            *("--supervisor", options.supervisor_url),
        ]
        for options in site.data_centres.values()
    ]
    for status, told in await asyncio.gather(*map(_run, commands)):
        if status:
            raise ReleaseError(f"the stable release cannot be activated: {told}")


async def _roll_out(site: Site, defect: Defect, release: str) -> Row:
    """One rollout, by the command that operators use, in a journal of its own."""
    state_dir = site.state_dir
    if state_dir.exists():
        kept = site.folder / "journals"
        kept.mkdir(exist_ok=True)
        shutil.move(state_dir, kept / f"{len(list(kept.iterdir())):02}")
    command = [
        *(*ASSAY, "rollout", "start", release),
        *(["--now"] if defect.is_emergency else []),
        *("--config", str(site.configuration)),
    ]
    began_s = time.time()
    async with asyncio.TaskGroup() as group:
        minding = group.create_task(_abort_when_paused(state_dir))
        _, told = await _run(command, _ROW_LIMIT_S)
        minding.cancel()
    ended_s = time.time()
    await asyncio.sleep(_QUIET_S)
    return row_of(defect, read_journal(state_dir), told, began_s, ended_s)


async def _abort_when_paused(state_dir: Path) -> None:
    """What an operator would do with a release that cannot be judged."""
    while True:
        await asyncio.sleep(_LOOK_AGAIN_S)
        state = fold(read_journal(state_dir))
        if state is not None and state.status == "paused":
            order = orders.Order("abort", "the drill", f"paused: {state.reason}", state.id)
            orders.give(state_dir, order)
            return


# -- users -------------------------------------------------------------------------------------------


@asynccontextmanager
async def _users(site: Site, defects: Sequence[Defect]) -> AsyncIterator[Users]:
    """Asking, with what the stable release says of every revision as what is right, or what a model that was
    retrained in the open says."""
    revisions = await _revisions(site)
    scores = await _scores(site.front_url(MAIN), sorted(revisions))
    retrained = [site.changed_bundles(defect) for defect in defects if defect.bundles == "retrained"]
    fronts = [
        Front(MAIN, site.front_url(MAIN), _MAIN_PER_S),
        Front(STANDBY, site.front_url(STANDBY), _STANDBY_PER_S),
    ]
    expected = [Expectations({WIKI: scores})]
    for bundles in retrained:
        kept = [revision for rev_id, revision in revisions.items() if str(rev_id) in scores]
        expected.append(Expectations({WIKI: await asyncio.to_thread(_computed, bundles, kept)}))
    users = Users(fronts, WIKI, MODELS, sorted(map(int, scores)), expected)
    async with users.asking():
        yield users


async def _revisions(site: Site) -> dict[int, Revision]:
    source, clock = open_source(WIKI, str(site.sample), cache_dir=site.folder / "cache"), SystemClock()
    try:
        rev_ids = await source.recent(1000, Deadline.after(60, clock))
        found = await source.fetch(rev_ids, Deadline.after(60, clock))
    finally:
        await source.aclose()
    return {rev_id: one for rev_id, one in found.items() if isinstance(one, Revision)}


def _computed(bundles: Path, revisions: Sequence[Revision]) -> dict[str, dict[str, Any]]:
    """What these bundles say, as JSON has it, without any server."""
    paths = [str(bundles / "enwiki" / model) for model in MODELS]
    models, plans = load_models(paths, {WIKI: "enwiki"}).of(WIKI), PlanCache()
    scores: dict[str, dict[str, Any]] = {}
    for revision in revisions:
        cells = compute(Job(WIKI, MODELS, revision), models, plans).cells
        scores[str(revision.id)] = {
            name: cell_document(cell, models[name])["score"] for name, cell in cells.items()
        }
    return scores


async def _scores(url: str, rev_ids: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Of the revisions that every model scores, by revision and model."""
    scores: dict[str, dict[str, Any]] = {}
    async with aiohttp.ClientSession() as session:
        for start in range(0, len(rev_ids), _AT_ONCE):
            revids = "|".join(map(str, rev_ids[start : start + _AT_ONCE]))
            query = {"models": "|".join(MODELS), "revids": revids}
            async with session.get(f"{url}/v3/scores/{WIKI}/", params=query) as answer:
                document = orjson.loads(await answer.read())
            for rev_id, cells in document[WIKI]["scores"].items():
                if all("score" in cell for cell in cells.values()):
                    scores[rev_id] = {model: cell["score"] for model, cell in cells.items()}
    return scores


async def _run(command: Sequence[str], limit_s: float = 300.0) -> tuple[int, str]:
    """A command of Assay; its exit status, and the end of what it said."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environment(),
    )
    try:
        async with asyncio.timeout(limit_s):
            output, _ = await process.communicate()
    except TimeoutError:
        return -1, f"`{' '.join(command[2:5])}` did not end within {limit_s:g} s"
    finally:  # too late, or the drill is cancelled: a controller left behind would go on
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if not line.startswith("{")]
    return process.returncode or 0, " ".join(lines[-3:]).removeprefix("assay: ")
