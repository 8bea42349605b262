"""How soon an edit of a real wiki is scored: a MediaWiki and ``assay serve`` on this machine.

``PYTHONPATH=tests python -m bench.live_wiki [EDITS]``. Each edit adds a paragraph to one of ten pages. Times
are on the wall, from the wiki's answer that the edit is saved to Assay's answer with its score; load of the
machine counts, so it is told.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.probe import table

from servers import assay_serve, real_mediawiki
from servers.assay_serve import AssayServer
from servers.real_mediawiki import VERA, RealMediaWiki

EDITS: Final = 100
PAGES: Final = 10
PARAGRAPH: Final = (
    "The light of [[Halvick]] burns since 1871; its [[keeper]] lives in the village.<ref>Log</ref>\n\n"
)


def main() -> int:
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else EDITS
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory() as name,
        real_mediawiki.running() as wiki,
        assay_serve.serving(Path(name), "--wiki", f"livewiki={wiki.api_url}") as assay,
    ):
        rows = scored_after_saving(wiki, assay, edits)
    table(f"{edits} edits of a real wiki, ms", ["", "median", "worst"], rows)
    return 0


def scored_after_saving(wiki: RealMediaWiki, assay: AssayServer, edits: int) -> list[tuple[Any, ...]]:
    vera = wiki.log_in(VERA)
    texts = [""] * PAGES
    saved_ms, scored_ms, again_ms = [], [], []
    for number in range(edits):
        page = number % PAGES
        texts[page] += PARAGRAPH
        before_s = time.perf_counter()
        rev_id = vera.edit(f"Page {page}", texts[page]).rev_id
        saved_ms.append(1e3 * (time.perf_counter() - before_s))
        assert rev_id is not None
        scored_ms.append(_scored_ms(assay, rev_id))
        again_ms.append(_scored_ms(assay, rev_id))
    return [
        ("the wiki saves it", median(saved_ms), max(saved_ms)),
        ("Assay, asked at once, fetches and scores it", median(scored_ms), max(scored_ms)),
        ("asked again", median(again_ms), max(again_ms)),
    ]


def _scored_ms(assay: AssayServer, rev_id: int) -> float:
    before_s = time.perf_counter()
    assert "score" in assay.cell("livewiki", rev_id, "reverted")
    return 1e3 * (time.perf_counter() - before_s)


if __name__ == "__main__":
    raise SystemExit(main())
