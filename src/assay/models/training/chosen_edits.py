"""Which edits of a wiki's history are worth their texts: those that a revert model may learn from.

The rules of `assay.models.training.splits` told beforehand, from what is known without texts, so that nothing
is downloaded that training leaves out. Choices are made by hashes of ids: the same on every run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from assay.models.actor_group import is_bot_name
from assay.revisions.labels import Edit, identity_reverts
from assay.revisions.record import seconds
from assay.revisions.wiki.history_rows import Row


@dataclass(frozen=True, slots=True)
class Choice:
    """`edits`: ids to learn from, at most as many as were asked for. `texts`: these and their parents.
    `usable`, `reverted`: how many edits could have been chosen, and how many of them were reverted."""

    edits: tuple[int, ...]
    texts: tuple[int, ...]
    usable: int
    reverted: int


def choose(rows: Sequence[Row], max_edits: int) -> Choice:
    """From all rows, page after page in the order of time."""
    usable = [it for _, page in groupby(rows, key=itemgetter("page_id")) for it in _usable(list(page))]
    chosen = sorted(usable, key=_lot)[:max_edits]
    edits = tuple(sorted(rev_id for rev_id, _, _ in chosen))
    texts = {*edits, *(parent_id for _, parent_id, _ in chosen)}
    return Choice(edits, tuple(sorted(texts)), len(usable), sum(reverted for *_, reverted in usable))


def _usable(page: list[Row]) -> Iterator[tuple[int, int, bool]]:
    """(id, parent, reverted) of one page's edits that are neither left out of training nor without parent."""
    known = {row["rev_id"] for row in page}
    labels = identity_reverts(
        [Edit(row["rev_id"], seconds(row["timestamp"]), row["user"], row.get("sha1")) for row in page]
    )
    for row, label in zip(page, labels, strict=True):
        is_bot = is_bot_name(row["user"] or "")
        if label.is_reverting or label.self_reverted or is_bot or row.get("text_hidden"):
            continue
        if row["parent_id"] in known:
            yield row["rev_id"], row["parent_id"], label.reverted


def _lot(edit: tuple[int, int, bool]) -> bytes:
    return hashlib.blake2b(str(edit[0]).encode(), digest_size=8).digest()
