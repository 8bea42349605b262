"""The drill: one defect after the other is rolled out under load, and what became of it is written down."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import orjson

from assay.clock import Deadline, SystemClock
from assay.compose.supervisor import ASSAY
from assay.drill.defects import STAGES, Defect
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
from assay.drill.users import Front, Incident, Users
from assay.errors import ReleaseError
from assay.load import Expectations
from assay.releases.launcher import clean_environment
from assay.revisions.open import open_source
from assay.revisions.types import Revision
from assay.rollout.control import orders
from assay.rollout.journal import Entry, read_journal
from assay.rollout.state import Rollout, fold
from assay.scoring.pool.loading import load_models
from assay.scoring.request import Job
from assay.scoring.score import PlanCache, compute
from assay.serving.cells import cell_document

Report = Callable[[str], None]
_MAIN_PER_S, _STANDBY_PER_S = 16.0, 4.0
_ROW_LIMIT_S: Final = 600.0
_QUIET_S: Final = 2.0
"""After a rollout: what it did to users is counted until then."""
_AT_ONCE: Final = 25
MOST_USERS: Final = 5
"""Per cent of users that a defect must not reach."""
_LOOK_AGAIN_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one defect.

    `caught`: the stage's name, with its data centre; None: it went through. `is_over`: it was refused, taken
    back or done; a rollout that had to be killed proves nothing. `weight`: the greatest share of
    users, in per cent, that the candidate was given anywhere. `served`: users' requests that it answered.
    `asked`: users' requests while the row lasted. `incidents`: those that were answered wrongly or not at
    all. `by`: the checks that were bad; ``refused`` at the start. `caught_s`: from the start to the decision.
    `safety_s`: from the decision to the last user's request on the candidate; 0 when no user met it.
    """

    defect: Defect
    caught: str | None
    reason: str
    weight: int
    served: int
    asked: int
    incidents: tuple[Incident, ...]
    by: str
    caught_s: float
    safety_s: float
    took_s: float
    is_over: bool = True

    @property
    def is_right(self) -> bool:
        """Users asked and nobody was hurt, and what is wrong was caught in time while what is right went
        through."""
        if self.incidents or not self.asked or not self.is_over:
            return False
        if self.defect.is_harmless:
            return self.caught is None
        return self.caught is not None and self.weight < MOST_USERS and self.is_in_time

    @property
    def is_in_time(self) -> bool:
        """Caught where it must be at the latest; at the start only what must be, and in so many words."""
        word = (self.caught or "none").rpartition(" ")[2]
        stage = "weight" if word == "%" else word
        if "start" in (stage, self.defect.latest):
            return stage == self.defect.latest and self.defect.refusal in self.reason
        order = list[str](STAGES)
        return order.index(stage) <= order.index(self.defect.latest)


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
        async with _users(site, defects) as users:
            rows = []
            for defect in defects:
                report(f"{defect.name}: {defect.title}")
                rows.append(await _roll_out(site, users, defect, releases[defect.name]))
            return rows


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


async def _roll_out(site: Site, users: Users, defect: Defect, release: str) -> Row:
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
    await asyncio.sleep(_QUIET_S)
    entries = read_journal(state_dir)
    ended_s = time.time()
    asked, incidents = users.asked(began_s, ended_s), tuple(users.hurt(began_s, ended_s))
    return _row(defect, entries, told, asked, incidents, began_s, ended_s)


async def _abort_when_paused(state_dir: Path) -> None:
    """What an operator would do with a release that cannot be judged."""
    while True:
        await asyncio.sleep(_LOOK_AGAIN_S)
        state = fold(read_journal(state_dir))
        if state is not None and state.status == "paused":
            order = orders.Order("abort", "the drill", f"paused: {state.reason}", state.id)
            orders.give(state_dir, order)
            return


def _row(
    defect: Defect,
    entries: Sequence[Entry],
    told: str,
    asked: int,
    incidents: tuple[Incident, ...],
    began_s: float,
    ended_s: float,
) -> Row:
    state = fold(entries)
    back = next((entry for entry in entries if entry.kind in ("rolling_back", "aborted")), None)
    last = entries[-1].data if entries else {}
    caught: str | None
    if state is None:  # refused before anything began
        caught, reason, caught_s = "start", told, ended_s - _QUIET_S - began_s
    elif state.status == "done":
        caught, reason, caught_s = None, "", ended_s - _QUIET_S - began_s
    else:
        caught, reason = state.plan.stages[state.stage].name, state.reason or told
        caught_s = (back.at_s if back else ended_s) - began_s
    last_s = last.get("last_candidate_s")
    safety_s = max(0.0, last_s - back.at_s) if back and last_s else 0.0
    return Row(
        defect,
        caught,
        reason,
        0 if state is None else _greatest_weight(entries, state.candidate.slot),
        int(last.get("served", 0)),
        asked,
        incidents,
        _by(entries, state),
        caught_s,
        safety_s,
        ended_s - began_s,
        is_over=state is None or state.is_over,
    )


def _by(entries: Sequence[Entry], state: Rollout | None) -> str:
    """Names of the checks that were bad in the last verdict."""
    if state is None:
        return "refused"
    if state.status == "done":
        return ""
    verdict = next((entry for entry in reversed(entries) if entry.kind == "verdict"), None)
    checks = verdict.data["checks"] if verdict is not None else ()
    return ", ".join(check["name"] for check in checks if check["status"] == "bad")


def _greatest_weight(entries: Sequence[Entry], slot: str) -> int:
    given = [int(entry.data["weights"].get(slot, 0)) for entry in entries if entry.kind == "weights"]
    return max(given, default=0)


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
