"""Commands about rollouts, as an operator types them, while real HAProxies and small arms go on."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from typing import Any

from assay.rollout.control.orders import take
from assay.rollout.journal import Journal
from cli.running import Ran, assay_each
from rollout.small_site import Site

WEIGHT_1, LAST = 3, 7
"""Of one data centre: the stage of the first weight, after preflight, synthetic and shadow; and the last."""


async def told(site: Site, *commands: str) -> list[Ran]:
    """Each command, as a shell reads it, while HAProxy and the arms go on."""
    site.settings()
    words = [[*shlex.split(command), "-c", str(site.file)] for command in commands]
    return await asyncio.to_thread(assay_each, site.folder, words)


async def done(site: Site, *commands: str) -> list[str]:
    """Their outputs, when all succeeded."""
    ran = await told(site, *commands)
    assert [(one.returncode, one.stderr) for one in ran if one.returncode] == []
    return [one.stdout for one in ran]


async def refused(site: Site, sayings: Mapping[str, str]) -> None:
    """By command, what it says when it does not do it. Nothing is changed."""
    before = site.kinds()
    for ran, saying in zip(await told(site, *sayings), sayings.values(), strict=True):
        assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
        assert saying in ran.stderr
        assert "Traceback" not in ran.stderr
    assert site.kinds() == before
    assert list(take(site.state_dir, ())) == []


def note(site: Site, kind: str, **data: Any) -> None:
    with Journal(site.state_dir) as journal:
        journal.append(kind, data)
