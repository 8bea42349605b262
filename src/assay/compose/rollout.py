"""A rollout's controller and all that it needs, made from the settings."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from assay.clock import SystemClock
from assay.compose.releases import root_of
from assay.errors import ConfigurationError, ReleaseError, ReleaseNotFound
from assay.releases.install import check, folder_faults
from assay.releases.manifest import ExpectedDrift, ReleaseManifest, check_id, is_id
from assay.releases.open import store_of
from assay.releases.root import Root, let_others_read
from assay.releases.transfer import fetch, fetch_manifest
from assay.rollout.control.controller import Controller
from assay.rollout.control.fleet import NodeFleet
from assay.rollout.control.parts import Parts
from assay.rollout.evidence.arms import HttpArms, askers
from assay.rollout.evidence.asker import Asker, named_releases
from assay.rollout.evidence.observe import CopyOptions, Observer
from assay.rollout.evidence.points import operating_points
from assay.rollout.journal import Journal
from assay.rollout.judging.drift import OperatingPoints
from assay.rollout.options import RolloutOptions
from assay.rollout.plan import Plan, make_plan
from assay.rollout.samples import Arm
from assay.rollout.state import Rollout, fold, started_data
from assay.rollout.traffic.haproxy import Balancer, HaproxyBalancer
from assay.settings import Settings


def state_dir(settings: Settings) -> Path:
    """Where the journal lies."""
    return Path(settings.rollout.state_dir)


def balancers(options: RolloutOptions) -> dict[str, Balancer]:
    """By data centre. Raises `ConfigurationError` when there is none, or one has no HAProxy."""
    if not options.data_centres:
        raise ConfigurationError("rollout.data_centres is empty: name the data centres and their slots")
    if without := sorted(name for name, dc in options.data_centres.items() if not dc.haproxy):
        raise ConfigurationError(
            f"rollout.data_centres.{without[0]}.haproxy is empty: without it only `assay rollout watch` works"
        )
    return {name: HaproxyBalancer(dc.haproxy, dc.backend) for name, dc in options.data_centres.items()}


async def begin(settings: Settings, journal: Journal, release: str, *, by: str, now: bool = False) -> None:
    """Write the start of a rollout into the journal: which release against which, where, by which plan.

    The release is on this machine afterwards, proved against its digest. Raises `ConfigurationError`,
    `ReleaseError`, `StoreUnavailable`, or a balancer's errors; nothing has begun then.
    """
    check_id(release)
    _check_over(journal)
    plan = make_plan(settings.rollout, now=now)
    stable, candidate_slot = await _stable_arm(settings.rollout)
    if stable.release == release:
        raise ConfigurationError(f"{release} answers all users already: there is nothing to roll out")
    root = root_of(settings)
    manifest = await asyncio.to_thread(_fetched, settings, root, release)
    _check_versions(await asyncio.to_thread(_manifest, settings, root, stable.release), manifest)
    _start(journal, stable, Arm(candidate_slot, release), plan, by, is_emergency=now)


async def begin_return(settings: Settings, journal: Journal, *, by: str) -> None:
    """The start of the way back to the release that still runs in the other slot: a change of weights alone.

    Raises `ConfigurationError` when no other release answers there, or a balancer's errors.
    """
    _check_over(journal)
    stable, slot = await _stable_arm(settings.rollout)
    async with askers() as (asker, _):
        release = await _release_of(asker, settings.rollout, slot)
    if release == stable.release:
        raise ConfigurationError(f"both slots run {release}: there is no other release to go back to")
    whole = make_plan(settings.rollout, now=True)
    flips = [stage for stage in whole.stages if stage.kind == "weight"]
    plan = Plan(tuple(replace(stage, number=number, least_s=0.0) for number, stage in enumerate(flips)))
    _start(journal, stable, Arm(slot, release), plan, by, is_emergency=True)


async def control(settings: Settings, journal: Journal) -> Rollout:
    """Carry the journal's rollout to its end. Raises `JournalError`, `ConfigurationError`."""
    async with _controller(settings, journal) as controller:
        return await controller.run()


@asynccontextmanager
async def _controller(settings: Settings, journal: Journal) -> AsyncIterator[Controller]:
    options, clock = settings.rollout, SystemClock()
    state = fold(journal.entries)
    if state is None:
        raise ConfigurationError("the journal tells of no rollout: assay rollout start RELEASE")
    if state.is_watched:
        raise ConfigurationError(
            f"{state.candidate.release} is only watched, and others move the users: assay rollout watch"
        )
    _check_places(options, state)
    manifest = _known(root_of(settings), state.candidate.release)
    drift: Sequence[ExpectedDrift] = manifest.expected_drift if manifest is not None else ()
    copies = CopyOptions(share=options.stages.shadow_share, per_s=options.stages.pairs_per_s)
    observer = Observer(tuple(options.data_centres), copies, clock)
    async with askers() as (direct, front), observer.listening(options.log_address):
        arms = {
            name: HttpArms(name, centre, state.stable, state.candidate, direct, front, clock, drift)
            for name, centre in options.data_centres.items()
        }
        fleet = NodeFleet(options.data_centres, deploy_limit_s=options.stages.deploy_limit_s)
        parts = Parts(balancers(options), fleet, observer, arms)

        async def ask_points(data_centre: str) -> OperatingPoints:
            stable = options.data_centres[data_centre].slots[state.stable.slot]
            return await operating_points(direct, stable.urls[0])

        yield Controller(journal, options, parts, clock, drift, ask_points)


def _check_places(options: RolloutOptions, state: Rollout) -> None:
    """The settings still name what the rollout began with. Raises `ConfigurationError`."""
    for name in sorted({stage.data_centre for stage in state.plan.stages} | set(options.data_centres)):
        known = options.data_centres[name].slots if name in options.data_centres else {}
        lost = [arm.slot for arm in (state.stable, state.candidate) if arm.slot not in known]
        if lost:
            raise ConfigurationError(
                f"rollout {state.id} is about slot {lost[0]} in {name}, which rollout.data_centres lacks: "
                "give the --config that it was started with"
            )


def _check_over(journal: Journal) -> None:
    """Raises `ConfigurationError` while a rollout is under way."""
    before = fold(journal.entries)
    if before is not None and not before.is_over:
        raise ConfigurationError(
            f"the rollout of {before.candidate.release} is not over ({before.status}): "
            "go on with `assay rollout run`, or end it with `assay rollout abort`"
        )


def _start(journal: Journal, stable: Arm, candidate: Arm, plan: Plan, by: str, *, is_emergency: bool) -> None:
    number = sum(entry.kind == "started" for entry in journal.entries) + 1
    journal.append("started", started_data(number, stable, candidate, plan, by=by, is_emergency=is_emergency))


# -- releases ----------------------------------------------------------------------------------------


def _fetched(settings: Settings, root: Root, release: str) -> ReleaseManifest:
    if not root.has(release):
        before = let_others_read()
        try:
            fetch(root, release, store_of(settings.releases))
        finally:
            os.umask(before)
    manifest = root.manifest(release)
    check(folder_faults(root.release(release), manifest), release)
    return manifest


def _manifest(settings: Settings, root: Root, release: str) -> ReleaseManifest | None:
    """Of the release that serves, from the store when this machine never had it. None: it never was built as
    one, as before the first rollout, so that there is nothing to compare with."""
    if not is_id(release):
        return None
    try:
        return _known(root, release) or fetch_manifest(store_of(settings.releases), release)
    except ReleaseNotFound as error:
        raise ReleaseNotFound(f"models cannot be compared with those that serve: {error}") from None


def _known(root: Root, release: str) -> ReleaseManifest | None:
    try:
        return root.manifest(release)
    except ReleaseNotFound:
        return None


def _check_versions(stable: ReleaseManifest | None, candidate: ReleaseManifest) -> None:
    """Clients hide and forget scores by a model's version: another model must have another one.

    Raises `ReleaseError` naming every model that was swapped under its version.
    """
    swapped = [
        f"{wiki}/{model} {bundle.version}"
        for wiki, models in candidate.bundles.items()
        for model, bundle in models.items()
        if stable is not None
        and (before := stable.bundles.get(wiki, {}).get(model)) is not None
        and before.version == bundle.version
        and before.digest != bundle.digest
    ]
    if swapped:
        raise ReleaseError(
            f"{candidate.id} has other models under the versions of the present ones ({', '.join(swapped)}): "
            "raise their versions, and declare what they change"
        )


# -- arms --------------------------------------------------------------------------------------------


async def _stable_arm(options: RolloutOptions) -> tuple[Arm, str]:
    """Who answers all users in all data centres, and the other slot."""
    known = {frozenset(centre.slots) for centre in options.data_centres.values()}
    if len(known) > 1 or any(len(slots) != 2 for slots in known):
        raise ConfigurationError("every data centre needs the same two slots: see rollout.data_centres")
    slots = {name: await _slot_with_users(options, name) for name in balancers(options)}
    if len(set(slots.values())) > 1:
        told = ", ".join(f"{name}: {slot}" for name, slot in sorted(slots.items()))
        raise ConfigurationError(
            f"data centres do not agree on the slot that answers users ({told}): end the last rollout first"
        )
    (slot,) = set(slots.values())
    (other,) = next(iter(known)) - {slot}
    async with askers() as (asker, _):
        release = await _release_of(asker, options, slot)
    return Arm(slot, release), other


async def _slot_with_users(options: RolloutOptions, data_centre: str) -> str:
    servers = await balancers(options)[data_centre].servers()
    known = options.data_centres[data_centre].slots
    slots = {server.slot for server in servers.values() if server.weight and server.slot in known}
    if len(slots) != 1:
        told = " and ".join(sorted(slots)) or "no slot"
        raise ConfigurationError(
            f"in {data_centre}, users' requests go to {told}; they must go to one slot of "
            f"rollout.data_centres ({', '.join(known)}): see `assay rollout status`"
        )
    return slots.pop()


async def _release_of(asker: Asker, options: RolloutOptions, slot: str) -> str:
    """The one release that every web process of the slot names."""
    urls = [url for centre in options.data_centres.values() for url in centre.slots[slot].urls]
    named = await named_releases(asker, urls)
    if silent := [url for url, release in named.items() if not release]:
        raise ConfigurationError(f"no release answers at {', '.join(silent)}: is slot {slot} running?")
    if len(set(named.values())) > 1:
        told = ", ".join(f"{url}: {release}" for url, release in named.items())
        raise ConfigurationError(f"slot {slot} runs several releases ({told}): activate one everywhere")
    return next(iter(named.values()))
