"""How long feature extraction takes, as a ratio to one ``mwparserfromhell.parse()`` of the same text.

Real edits of articles (main namespace) of about 2, 20 and 100 kB; parse and extraction take turns in
one process, each timed by the thread's CPU time, so that other work on the machine matters little.
Reported is the median over the edits of (median extraction / median parse). Four states:

* warm: what a server has after a while. The memo of token kinds and dictionary answers holds the
  tokens of these texts; nothing else is kept between two revisions: every text is cut, counted,
  aligned and parsed anew, each time.
* unseen: the memos hold what `OTHERS` articles of the English Wikipedia taught them, and whatever an
  extraction adds is taken out again before the next: each text is new each time, its common words are not.
* cold: these memos are emptied before every single extraction.
* evicted: as warm, but the processor's caches are filled with other data before every single parse and
  extraction, as other work does in between on a busy machine.

Compiled word lists and the compiled plan exist in all, as in a server.
"""

from __future__ import annotations

import gc
import json
import lzma
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Literal

import mwparserfromhell

from assay.features.catalogue import features
from assay.features.graph.node import Feature
from assay.features.graph.plan import Plan
from assay.features.lexicon import shipped
from assay.features.memo import Memo, memos
from assay.features.text import matching, stems, tokens
from assay.revisions.files.compressed import open_stream
from assay.revisions.files.export import read_export
from assay.revisions.files.history import read_history
from assay.revisions.record import Record
from assay.revisions.types import Actor, Page, Revision

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
LEXICONS = shipped(
    "english.badwords",
    "english.dictionary",
    "english.idioms",
    "english.informals",
    "english.words_to_watch",
)
SIZES = {"2 kB": (1_600, 2_400), "20 kB": (17_000, 23_000), "100 kB": (80_000, 120_000)}
NAMESPACES = ("Talk", "User", "MediaWiki", "Template", "Category", "Help", "File", "Image")
State = Literal["warm", "unseen", "cold", "evicted"]
STATES: tuple[State, ...] = ("warm", "unseen", "cold", "evicted")
_OTHER_DATA = bytes(range(256)) * (64 * 1024)
_CACHE_LINE = 64
EDITS = 24
OTHERS = 250
ROUNDS = 7
LEGACY = {"damaging": 35, "damaging + articlequality": 50}
GOALS = {"damaging": 1.0, "damaging + articlequality": 2.0}


def main() -> int:
    if not DATA.exists():
        print(f"needs the real data in {DATA}, which is not beside this checkout", file=sys.stderr)
        return 1
    lists = feature_lists()
    edits = sample()
    others = other_texts()
    gc.collect()
    gc.freeze()
    for name, names in lists.items():
        print(
            f"{name}: {len(names)} base features of ORES; "
            f"goal <= {GOALS[name]}, the legacy about {LEGACY[name]}"
        )
    print(
        f"{'size':>7}  {'edits':>5}  {'parse ms':>8}  {'features':<26} {'state':<7} {'ms':>8}  {'ratio':>5}"
    )
    for size, chosen in edits.items():
        for name, names in lists.items():
            report(size, chosen, name, features(names, LEXICONS), others)
    return 0


def feature_lists() -> dict[str, list[str]]:
    damaging = _base_features("editquality_enwiki_damaging")
    both = list(dict.fromkeys([*damaging, *_base_features("articlequality_enwiki_wp10")]))
    return {"damaging": damaging, "damaging + articlequality": both}


def _base_features(oracle: str) -> list[str]:
    with lzma.open(DATA / "oracle" / f"{oracle}.jsonl.xz", "rt") as lines:
        return list(json.loads(next(lines))["base_features"])


def report(
    size: str, edits: list[Revision], name: str, wanted: tuple[Feature, ...], others: list[str]
) -> None:
    plan = Plan(wanted)
    for edit in edits:
        row = plan.run(edit).row(wanted)
        if not isinstance(row, list):
            raise SystemExit(f"revision {edit.id} cannot be measured: {row.message}")
    for state in STATES:
        if state == "unseen":
            learn(others)
        times = [measure(plan, wanted, edit, state) for edit in edits]
        parse_ms, own_ms = (1e3 * median(column) for column in zip(*times, strict=True))
        ratio = median(own / parse for parse, own in times)
        print(
            f"{size:>7}  {len(edits):>5}  {parse_ms:>8.2f}  {name:<26} {state:<7} "
            f"{own_ms:>8.2f}  {ratio:>5.2f}"
        )


def measure(plan: Plan, wanted: tuple[Feature, ...], edit: Revision, state: State) -> tuple[float, float]:
    """CPU seconds of one parse and of one extraction: medians of `ROUNDS`."""
    parses, extractions = [], []
    learned = [(memo, len(memo)) for memo in memos()]
    for _ in range(ROUNDS):
        if state == "cold":
            forget()
        parses.append(_cpu_s(lambda: mwparserfromhell.parse(edit.text), state))
        extractions.append(_cpu_s(lambda: plan.run(edit).row(wanted), state))
        if state == "unseen":
            unlearn(learned)
    return median(parses), median(extractions)


def _cpu_s(work: Callable[[], Any], state: State) -> float:
    if state == "evicted":
        _OTHER_DATA[::_CACHE_LINE]  # reads every line
    start = time.thread_time()
    work()
    return time.thread_time() - start


def forget() -> None:
    for memo in memos():
        memo.clear()


def learn(texts: list[str]) -> None:
    """Fill the memos with what is in these texts, and nothing else."""
    forget()
    is_known = matching.dictionary(LEXICONS["english.dictionary"]).known
    for text in texts:
        words = tokens.TokensOfKind("word", tokens.tokenize(text))
        stems.stems_length(words)
        for word in words.counts:
            is_known[word]


def unlearn(learned: list[tuple[Memo[Any], int]]) -> None:
    """Take out what came in since the memos had these sizes: a dictionary's last entries are its newest."""
    for memo, size in learned:
        while len(memo) > size:
            memo.popitem()


def sample() -> dict[str, list[Revision]]:
    """`EDITS` real edits of each size, drawn at random with a fixed seed."""
    chosen = random.Random(2016)
    histories = [*edits_of("histories/supertuxwiki/revisions.jsonl.xz", 10**9)]
    histories += edits_of("histories/electowiki/revisions.jsonl.xz", 10**9)
    histories += edits_of("histories/lmmswiki/revisions.jsonl.xz", 10**9)
    encyclopedia = [*edits_of("histories/enwiki-anarchism/dump.xml.lzma", 2_000)]
    sources = {"2 kB": histories, "20 kB": histories + encyclopedia, "100 kB": encyclopedia}
    sampled = {}
    for size, (least, most) in SIZES.items():
        fitting = [edit for edit in sources[size] if least <= len(str(edit.text)) <= most]
        sampled[size] = chosen.sample(fitting, EDITS)
    return sampled


def other_texts() -> list[str]:
    """The first `OTHERS` articles of the English Wikipedia among those with a quality label."""
    with lzma.open(DATA / "articlequality" / "enwiki.jsonl.xz", "rt") as lines:
        return [json.loads(line)["text"] for line in islice(lines, OTHERS)]


def edits_of(file: str, limit: int) -> Iterator[Revision]:
    """The first edits of a source that have a text and a parent with one, up to `limit`."""
    path = DATA / file
    read = read_export if ".xml" in file else read_history
    latest: dict[str, Revision] = {}
    with open_stream(path) as stream:
        for number, record in enumerate(read(stream, path)):
            if number >= limit:
                return
            if record.text and record.title.partition(":")[0].removesuffix(" talk") not in NAMESPACES:
                revision = _revision(record, latest.get(record.title))
                if revision.parent is not None:
                    yield revision
                latest[record.title] = _revision(record, None)


def _revision(record: Record, parent: Revision | None) -> Revision:
    """With an actor as in the oracle: registered, without rights."""
    actor = Actor(
        record.user or "",
        is_anonymous=record.is_anonymous,
        groups=frozenset({"*", "user"}),
        registered_at=datetime(2004, 1, 1, tzinfo=UTC),
    )
    return Revision(
        id=record.rev_id,
        page=Page(record.title, namespace=0),
        actor=actor,
        timestamp=datetime.fromtimestamp(record.timestamp_s, UTC),
        comment=record.comment or "",
        text=(record.text or b"").decode(),
        parent=parent,
    )


if __name__ == "__main__":
    raise SystemExit(main())
