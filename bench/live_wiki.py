"""How soon an edit of a real wiki is scored, by ``assay serve`` and ``assay precache`` on the same machine.

``PYTHONPATH=tests python -m bench.live_wiki [EDITS]``. Each edit adds a paragraph to one of ten pages. Times
are on the wall, from the wiki's answer that the edit is saved to Assay's answer with its score, or to the
line that ``assay precache`` writes once the score is in the cache. The machine's load counts, so it is told.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.probe import table

from documented import feed_setting
from servers import assay_serve, real_mediawiki
from servers.assay_serve import AssayServer
from servers.processes import ASSAY, Process, running
from servers.real_mediawiki import VERA, RealMediaWiki
from servers.redis import free_port
from servers.wiki_client import WikiClient

EDITS: Final = 100
PAGES: Final = 10
PARAGRAPH: Final = (
    "The light of [[Halvick]] burns since 1871; its [[keeper]] lives in the village.<ref>Log</ref>\n\n"
)
LIMIT_S: Final = 60.0
PAUSE_S: Final = 1.0
"""Up to so long before each edit, by chance: it must not keep step with the follower's looks."""
_LOOK_AGAIN_S: Final = 0.002


def main() -> int:
    edits = int(sys.argv[1]) if len(sys.argv) > 1 else EDITS
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory() as name,
        real_mediawiki.running() as wiki,
        assay_serve.serving(Path(name), "--wiki", f"livewiki={wiki.api_url}") as assay,
    ):
        writer = Writer(wiki)
        rows = when_asked(writer, assay, edits)
        rows.append(without_pasts(writer, edits, Path(name)))
        rows.append(when_followed(writer, assay, edits, "recentchanges=livewiki", Path(name)))
        address = f"127.0.0.1:{free_port()}"
        wiki.set(feed_setting(f"udp://{address}"))
        rows.append(when_followed(writer, assay, edits, f"udp={address}", Path(name)))
    table(f"{edits} edits of a real wiki, ms", ["", "median", "worst"], rows)
    return 0


class Writer:
    """Somebody who adds a paragraph at a time."""

    def __init__(self, wiki: RealMediaWiki) -> None:
        self.wiki = wiki
        self._vera: WikiClient = wiki.log_in(VERA)
        self._texts = [""] * PAGES
        self._count = 0

    def edit(self) -> int:
        page = self._count % PAGES
        self._count += 1
        self._texts[page] += PARAGRAPH
        rev_id = self._vera.edit(f"Page {page}", self._texts[page]).rev_id
        assert rev_id is not None
        return rev_id


def when_asked(writer: Writer, assay: AssayServer, edits: int) -> list[tuple[Any, ...]]:
    saved_ms, scored_ms, again_ms = [], [], []
    for _ in range(edits):
        before_s = time.perf_counter()
        rev_id = writer.edit()
        saved_ms.append(_since_ms(before_s))
        scored_ms.append(_scored_ms(assay, rev_id))
        again_ms.append(_scored_ms(assay, rev_id))
    return [
        ("the wiki saves it", median(saved_ms), max(saved_ms)),
        ("asked again", median(again_ms), max(again_ms)),
        ("saved to scored, asked at once", median(scored_ms), max(scored_ms)),
    ]


def without_pasts(writer: Writer, edits: int, folder: Path) -> tuple[Any, ...]:
    """What the queries for pasts of pages and authors cost."""
    spare = folder / "spare.toml"
    spare.write_text("[wiki_api]\npasts = false\n")
    with assay_serve.serving(
        folder, "--config", str(spare), "--wiki", f"livewiki={writer.wiki.api_url}"
    ) as assay:
        scored_ms = [_scored_ms(assay, writer.edit()) for _ in range(edits)]
    return "the same without pasts (`wiki_api.pasts = false`)", median(scored_ms), max(scored_ms)


def when_followed(
    writer: Writer, assay: AssayServer, edits: int, stream: str, folder: Path
) -> tuple[Any, ...]:
    with _following(writer.wiki, assay, stream, folder) as told:
        _until_told(told, writer.edit())
        cached_ms = []
        for _ in range(edits):
            time.sleep(random.uniform(0, PAUSE_S))
            rev_id = writer.edit()
            saved_s = time.perf_counter()
            _until_told(told, rev_id)
            cached_ms.append(_since_ms(saved_s))
    kind = stream.partition("=")[0]
    return f"saved to in the cache, `--follow {kind}=…`", median(cached_ms), max(cached_ms)


@contextmanager
def _following(wiki: RealMediaWiki, assay: AssayServer, stream: str, folder: Path) -> Iterator[Path]:
    """The file to which the scores are told."""
    name = f"precache-{stream.partition('=')[0]}"
    told = folder / f"{name}.jsonl"
    command = [
        *(*ASSAY, "precache", "--wiki", f"livewiki={wiki.api_url}", "--follow", stream),
        *("--url", assay.url, "--to", str(told), "--folder", str(folder / name)),
    ]
    process = Process(name, command, folder, {"ASSAY_CACHE_DIR": str(folder)})
    with running(process):
        process.until(lambda: "follows" in process.text(), LIMIT_S)
        yield told


def _until_told(path: Path, rev_id: int) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline_s:
        lines = path.read_text().splitlines() if path.exists() else []
        if any(json.loads(line)["rev_id"] == rev_id for line in reversed(lines)):
            return
        time.sleep(_LOOK_AGAIN_S)
    raise SystemExit(f"revision {rev_id} was not scored within {LIMIT_S:g} s")


def _scored_ms(assay: AssayServer, rev_id: int) -> float:
    before_s = time.perf_counter()
    assert "score" in assay.cell("livewiki", rev_id, "reverted")
    return _since_ms(before_s)


def _since_ms(before_s: float) -> float:
    return 1e3 * (time.perf_counter() - before_s)


if __name__ == "__main__":
    raise SystemExit(main())
