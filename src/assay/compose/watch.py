"""The observing controller, made from the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NoReturn

from assay.clock import SystemClock
from assay.compose.releases import root_of
from assay.compose.rollout import state_dir
from assay.errors import ReleaseError, ReleaseNotFound, reason_of
from assay.releases.manifest import ExpectedDrift, is_id
from assay.releases.open import store_of
from assay.releases.transfer import fetch_manifest
from assay.rollout.control.prober import Pace
from assay.rollout.control.subject import slots_of
from assay.rollout.control.watch import Record, Watcher
from assay.rollout.evidence.arms import HttpPlace
from assay.rollout.evidence.asker import HttpAsker
from assay.rollout.journal import Journal
from assay.rollout.judging.drift import DeclaredDrift
from assay.settings import Settings


async def watch(settings: Settings, *, stable: str | None, by: str, pace: Pace | None = None) -> NoReturn:
    """Judge whatever stands beside the stable arm, until this process ends. `stable`: the slot that answers
    users with what is proved; None: the one called ``stable``, else the first.

    Raises `ConfigurationError`, and `JournalError` when the journal cannot be held, read or written.
    """
    options, clock, record = settings.rollout, SystemClock(), Record()
    slots = slots_of(options, stable)

    async def drift_of(release: str) -> Sequence[DeclaredDrift] | None:
        return await asyncio.to_thread(declared_drift, settings, release)

    with Journal(state_dir(settings), clock, record.add) as journal:
        async with HttpAsker() as asker:
            places: Mapping[str, HttpPlace] = {
                name: HttpPlace(name, centre, asker, clock) for name, centre in options.data_centres.items()
            }
            watcher = Watcher(journal, record, options, places, slots, drift_of, clock, by=by, pace=pace)
            await watcher.run()


def declared_drift(settings: Settings, release: str) -> Sequence[ExpectedDrift] | None:
    """What a release declares to change, from this machine's releases, else from the release store; None: it
    is in neither, or its name is no release's id.

    Raises `StoreUnavailable` or `ReleaseError` when it is somewhere, but cannot be read.
    """
    if not is_id(release):
        return None
    root = root_of(settings)
    try:
        if root.has(release):
            return root.manifest(release).expected_drift
        if not settings.releases.store:
            return None
        return fetch_manifest(store_of(settings.releases), release).expected_drift
    except ReleaseNotFound:
        return None
    except OSError as error:
        raise ReleaseError(f"the manifest of {release} cannot be read: {reason_of(error)}") from None
