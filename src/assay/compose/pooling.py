"""A data centre, or a slot of one, taken out of users' traffic or put back by an operator, and journalled."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final, Literal

from assay.clock import SystemClock
from assay.compose.rollout import balancers, state_dir
from assay.errors import AssayError, ConfigurationError
from assay.rollout.journal import Journal
from assay.rollout.options import RolloutOptions
from assay.rollout.traffic.haproxy import Balancer
from assay.rollout.traffic.pooling import Pooling
from assay.settings import Settings

Move = Literal["pool", "depool"]
_BROKEN_OFF: Final = "was broken off in the middle: it may be done again"


def move(settings: Settings, place: str, which: Move, *, by: str, reason: str = "") -> None:
    """Journalled before and after. `place`: ``DATA_CENTRE`` or ``DATA_CENTRE/SLOT``.

    Raises `ConfigurationError` for a place that is none, `JournalHeld` while a controller holds the journal
    (one hand on a balancer), and what `Pooling` raises.
    """
    data_centre, slot = _place(place, settings.rollout)
    others = balancers(settings.rollout)
    balancer = others.pop(data_centre)
    remote = settings.rollout.data_centres[data_centre].remote_server
    pooling = Pooling(balancer, SystemClock(), remote=remote)
    order = {"by": by, "place": place, "reason": reason}
    with Journal(state_dir(settings)) as journal:
        journal.append("action", {"text": f"{which} {place} begins", **order})
        try:
            asyncio.run(_moved(pooling, slot, which, others.values()))
        except BaseException as error:  # an interruption as well: the journal must not leave it open
            what = f"failed: {error}" if isinstance(error, AssayError) else _BROKEN_OFF
            journal.append("action", {"text": f"{which} {place} {what}", **order})
            raise
        journal.append("action", {"text": f"{which} {place} is done", **order})


def _place(text: str, options: RolloutOptions) -> tuple[str, str]:
    """Data centre and slot, which is empty for the whole data centre."""
    known = options.data_centres
    data_centre, separator, slot = text.partition("/")
    if data_centre in known and (not separator or slot in known[data_centre].slots):
        return data_centre, slot
    places = [name for dc, centre in known.items() for name in (dc, *(f"{dc}/{s}" for s in centre.slots))]
    raise ConfigurationError(f"there is no {text}: rollout.data_centres has {', '.join(places) or 'none'}")


async def _moved(pooling: Pooling, slot: str, which: Move, others: Collection[Balancer]) -> None:
    if slot:
        await (pooling.pool_slot(slot) if which == "pool" else pooling.depool_slot(slot))
    else:
        await (pooling.pool_data_centre() if which == "pool" else pooling.depool_data_centre(others))
