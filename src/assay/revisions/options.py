"""What an operator sets about live wikis; reading it imports no HTTP client."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """How to speak to one wiki."""

    contact: str = ""
    """Address of the operator, put into the User-Agent; Wikimedia asks for one."""
    max_response_bytes: int = 2**26
    """Unpacked. MediaWiki itself ends an answer at 8 MiB of values (`$wgAPIMaxResultSize`) and continues."""
    attempt_timeout_s: float = 20.0
    """One attempt at most. While another may follow, it gets no more than half of what is left of the
    request's time, yet 5 s if there are so many: a connection that hangs leaves time for a fresh one."""
    attempts: int = 4
    """How often one query is tried, the first time included."""
    backoff_s: float = 0.5
    """Wait before the second attempt; doubled each time, and between half and all of it by chance."""
    maxlag_s: int = 5
    """The wiki refuses while its replicas lag more than this (5 is what Wikimedia asks of bots)."""
    parallel: int = 3
    """Requests at a time to this wiki, over all clients of this process."""
    pasts: bool = True
    """Whether the pasts of pages and actors are asked for when a model reads them: for each edit one query
    for its page, one for its actor, and up to five for the pages that the actor edited last."""
    pasts_timeout_s: float = 2.0
    """For the pasts of one batch of revisions, and at most half of what is left of the request's time. What
    does not come in time is unknown to the models, which score without it."""
    pasts_queries: int = 100
    """Queries for the pasts of one batch of revisions; what these do not tell is unknown to the models."""
    pasts_kept_s: float = 60.0
    """How long a page's or an actor's latest edits are remembered."""


def is_live(spec: str) -> bool:
    """Whether what an operator gives as a wiki's source is an address and no file."""
    return "://" in spec
