"""What each kind of stage gathers, in virtual time, and what it says when it cannot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from assay.errors import AssayError, FleetError
from assay.rollout.control.gathering import Gathering
from assay.rollout.control.parts import Parts
from assay.rollout.judging.check import Check
from assay.rollout.options import StageOptions
from assay.rollout.plan import Stage
from assay.rollout.samples import MemorySeen, Observed, Pair
from load.virtual_time import run_virtually
from rollout.fake_world import LoopClock
from rollout.seen import SHADOW, cell, pair

WEIGHT = replace(SHADOW, kind="weight", weight=5, least_texts=0)


@dataclass
class Site:
    """One data centre that counts what is asked of it. `deploys_in_s`: how long that takes; `refusal`: what
    becomes of it; `broken`: a method that fails."""

    deploys_in_s: float = 1.0
    refusal: Exception | None = None
    broken: str = ""
    asked: Counter[str] = field(default_factory=Counter)

    def _count(self, what: str) -> None:
        self.asked[what] += 1
        if what == self.broken:
            raise ZeroDivisionError(what)

    async def deploy(self, data_centre: str, slot: str, release: str) -> None:
        self._count(f"deploy {release} in {data_centre}/{slot}")
        await asyncio.sleep(self.deploys_in_s)
        if self.refusal is not None:
            raise self.refusal

    async def retire(self, data_centre: str, slot: str) -> None:
        raise AssertionError

    def take(self) -> Sequence[Observed]:
        raise AssertionError

    async def next_copy(self) -> Observed:
        await asyncio.sleep(1)
        return Observed(0.0, SHADOW.data_centre, "blue", "", 200, 1.0, None, "GET", "/v3/scores/w/5/")

    async def ask(self, target: str) -> Pair:
        self._count("ask")
        return pair(target=target)

    async def ask_front_door(self, target: str) -> None:
        self._count("front door")

    async def sweep(self) -> Pair:
        """Two texts, the first of which was swept before."""
        self._count("sweep")
        await asyncio.sleep(0.1)
        number = self.asked["sweep"]
        return pair(*(cell(0.3, 0.3, wiki="w", rev_id=rev_id) for rev_id in (number, number + 1)))

    async def synthetic(self) -> Sequence[Pair]:
        self._count("synthetic")
        return [pair()]

    async def memory(self) -> Sequence[MemorySeen]:
        self._count("memory")
        return []


def gathered(stage: Stage, site: Site, seconds: float = 30.0, *, has_users: bool = True) -> Gathering:
    """What there is after that time."""

    async def run() -> Gathering:
        parts = Parts({}, site, site, {stage.data_centre: site})
        found = Gathering(stage, "green", "new-1", parts, StageOptions(), LoopClock(), has_users=has_users)
        found.start()
        await asyncio.sleep(seconds)
        await found.stop()
        return found

    return run_virtually(run())


def preflight(site: Site, limit_s: float = 10.0) -> Check:
    stage = replace(SHADOW, kind="preflight", limit_s=limit_s)
    (check,) = gathered(stage, site).checks
    return check


def test_a_release_that_was_deployed_passes() -> None:
    site = Site()
    assert (preflight(site).status, preflight(site).bad_since_s) == ("good", None)
    assert site.asked == {f"deploy new-1 in {SHADOW.data_centre}/green": 2}


@pytest.mark.parametrize(
    ("refusal", "deploys_in_s", "said"),
    [
        (FleetError("node1: no space left"), 1.0, "node1: no space left"),
        (AssayError("it is damaged"), 1.0, "it is damaged"),
        (None, 10.5, "the release was not deployed within 10 s"),
        (KeyError("slot"), 1.0, "deployment failed: KeyError('slot')"),
    ],
)
def test_a_release_that_was_not_is_bad_from_then_on(
    refusal: Exception | None, deploys_in_s: float, said: str
) -> None:
    check = preflight(Site(deploys_in_s, refusal))
    assert (check.name, check.status, check.sentence) == ("preflight", "bad", said)
    assert check.bad_since_s is not None


def test_until_it_is_deployed_nothing_is_said() -> None:
    stage = replace(SHADOW, kind="preflight", limit_s=10.0)
    assert gathered(stage, Site(deploys_in_s=5.0), 4.0).checks == ()


def test_the_synthetic_suite_is_asked_once() -> None:
    site = Site()
    found = gathered(replace(SHADOW, kind="synthetic"), site)
    assert site.asked == {"synthetic": 1}
    assert len(found.evidence().pairs) == 1


def test_in_an_emergency_nothing_is_waited_for() -> None:
    site = Site()
    gathered(replace(WEIGHT, required=()), site)
    assert site.asked == {}


@pytest.mark.parametrize(
    ("stage", "has_users", "goes"),
    [(WEIGHT, False, True), (WEIGHT, True, False), (SHADOW, False, False), (SHADOW, True, False)],
)
def test_only_where_no_users_are_copies_go_through_the_front_door(
    stage: Stage, has_users: bool, goes: bool
) -> None:
    """And only once the candidate is to meet some."""
    site = Site()
    gathered(stage, site, has_users=has_users)
    assert site.asked["ask"] > 0
    assert site.asked["front door"] == (site.asked["ask"] if goes else 0)


def test_four_copies_are_asked_at_once() -> None:
    site = Site()
    gathered(WEIGHT, site, 10.5)
    assert site.asked["ask"] == 40
    assert site.asked["memory"] == 6, "every two seconds"


@pytest.mark.parametrize(("wanted", "sweeps"), [(0, 0), (1, 1), (2, 1), (6, 5)])
def test_texts_are_swept_until_as_many_different_ones_as_are_wanted(wanted: int, sweeps: int) -> None:
    site = Site()
    gathered(replace(SHADOW, least_texts=wanted), site)
    assert site.asked["sweep"] == sweeps


def test_a_defect_of_ours_is_told_and_ends_nothing_else() -> None:
    site = Site(broken="memory")
    with capture_logs() as logs:
        gathered(WEIGHT, site)
    assert [(log["event"], log["stage"]) for log in logs] == [("gathering failed", WEIGHT.name)]
    assert (site.asked["memory"], site.asked["ask"] > 40) == (1, True)


def test_being_ended_is_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as logs:
        gathered(WEIGHT, Site())
    assert (logs, caplog.records) == ([], [])


def test_a_users_request_is_evidence_from_the_moment_it_is_seen() -> None:
    observed: Any = Observed(1.0, WEIGHT.data_centre, "green", "", 200, 1.0, None, "GET", "/")
    found = gathered(replace(WEIGHT, required=()), Site(), 0.0)
    found.see(observed)
    assert found.evidence().observed == (observed,)
