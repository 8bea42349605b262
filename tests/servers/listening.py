"""The end of a listening socket in asyncio, without a connection left behind."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

_TURNS_OF_AN_ACCEPT: Final = 3
"""Of asyncio's loop, from taking a connection to telling the protocol: a task starts, makes the transport,
and that calls `connection_made`."""


class _Listener(Protocol):
    def fileno(self) -> int: ...


async def take_no_more(listener: _Listener) -> None:
    """To be awaited before the server of `listener` is closed.

    A connection that is taken in the last turn before that is lost by Python 3.11: its transport refuses a
    closed server (`Server._attach`) and is collected, unclosed, in whichever test runs next. So no more are
    taken, and those under way may arrive.
    """
    asyncio.get_running_loop().remove_reader(listener.fileno())
    for _ in range(_TURNS_OF_AN_ACCEPT):
        await asyncio.sleep(0)
