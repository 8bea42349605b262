"""A shorter drill with everything real: two data centres, users, `assay rollout start` for each defect."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from assay.drill.defects import DEFECTS
from assay.drill.run import drill
from assay.drill.table import faults, markdown
from assay.releases.root import Root
from assay.releases.slots import slots
from servers import haproxy
from servers.redis import missing
from shared_data import ROOT

SHORT = ("password", "queue", "shape", "stale")


def test_known_defects_hurt_nobody() -> None:
    haproxy.program()
    if shutil.which("redis-server") is None:
        missing("redis-server")
    chosen = [defect for defect in DEFECTS if defect.name in SHORT]
    with tempfile.TemporaryDirectory(prefix="assay-drill-") as name:  # short: a socket's path has a limit
        folder = Path(name)
        rows = asyncio.run(drill(folder, ROOT, chosen, print))
        assert [row.defect.name for row in rows] == list(SHORT)
        assert list(faults(rows)) == [], markdown(rows)
        assert all(row.asked > 0 for row in rows)
        for data_centre in ("standby", "main"):
            assert slots(Root(folder / data_centre / "root"))["blue"].startswith("stable-")
