"""Where training rows come from: labelled revisions of a history, articles with classes, recorded features.

Each source can begin at any position, so that an extraction that was killed goes on where it was.
"""

from __future__ import annotations

import csv
import hashlib
import lzma
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from assay.errors import ConfigurationError, reason_of
from assay.features.edit.actor import ANONYMOUS
from assay.features.graph.node import FeatureValue
from assay.models.actor_group import UNKNOWN_GROUP, actor_group, is_bot
from assay.revisions.index.source import IndexedSource, LabelledEdit
from assay.revisions.types import Actor, Page, Revision

MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_BOLD: Final = re.compile(r"'''([^'\n]{2,100})'''")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Example:
    """One row to be: a revision, its columns in the data set, and feature values that are given already."""

    revision: Revision
    columns: Mapping[str, Any]
    given: Mapping[str, FeatureValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A place in the source that gives no row. `code`: why, as in `assay.revisions.problem`."""

    code: str


class Examples(Protocol):
    """A sequence of examples that is always the same."""

    total: int
    identity: str
    """Digest of what is read; an extraction of other examples cannot be resumed with these."""
    given: frozenset[str]
    """Names of features that every example gives."""

    def since(self, position: int) -> Iterator[Example | Unusable]:
        """Everything from `position` on, one item for each position."""
        ...


class HistoryExamples:
    """Every revision of an indexed history or dump with its identity-revert labels.

    Columns: `label` and `reverted` (undone by another user), `reverted_48h`, `is_reverting`,
    `self_reverted`, and who, where and when.
    """

    given: frozenset[str] = frozenset()

    def __init__(
        self, wiki: str, source: IndexedSource, labels: Sequence[LabelledEdit] | None = None
    ) -> None:
        self._wiki, self._source = wiki, source
        self._edits = list(source.labels()) if labels is None else list(labels)
        self.total = len(self._edits)
        told = (f"{edit.rev_id} {edit.label.reverted} {edit.label.is_reverting}" for edit in self._edits)
        self.identity = _digest(wiki, *told)

    def since(self, position: int) -> Iterator[Example | Unusable]:
        edits = iter(self._edits[position:])
        revisions = self._source.revisions(rev_ids=[edit.rev_id for edit in self._edits[position:]])
        for revision in revisions:
            for edit in edits:
                if edit.rev_id == revision.id:
                    yield Example(revision, _history_columns(self._wiki, revision, edit))
                    break
                yield Unusable("revision_not_found")
        yield from (Unusable("revision_not_found") for _ in edits)


class ArticleExamples:
    """Articles with a class: JSON lines ``{"n", "label", "text"}``, plain or .xz.

    `labels`: the classes in the recipe's order; a line's label is matched without regard to case.
    """

    given: frozenset[str] = frozenset()

    def __init__(self, wiki: str, path: Path, labels: Sequence[str]) -> None:
        self._wiki, self._path = wiki, path
        self._index = {label.casefold(): i for i, label in enumerate(labels)}
        self.total = sum(1 for _ in self._lines())
        self.identity = _digest(wiki, *labels, _file_digest(path))

    def since(self, position: int) -> Iterator[Example | Unusable]:
        for line in islice(self._lines(), position, None):
            row = _json_line(line)
            label = self._index.get(str(row.get("label")).casefold())
            text, n = row.get("text"), row.get("n")
            if label is None or not isinstance(text, str) or not isinstance(n, int):
                yield Unusable("bad_line")
                continue
            page = _page_of(row, n, text)
            columns = {"label": float(label), "wiki": self._wiki, "rev_id": n, "page": page}
            yield Example(article(n, text), columns)

    def _lines(self) -> Iterator[bytes]:
        with _opened(self._path) as stream:
            while line := stream.readline(MAX_LINE_BYTES):
                yield line


def _page_of(row: Mapping[str, Any], n: int, text: str) -> str:
    """The page's title or, where it is not told, the first bold words: two states of one page go together."""
    if isinstance(title := row.get("page_title"), str):
        return title
    bold = _BOLD.search(text)
    return bold[1].strip().casefold() if bold else f"article {n}"


class RecordedExamples:
    """Feature values that another system computed and recorded: a CSV, plain or .xz, one row per revision.

    Columns that begin with ``feature.`` are given values under these names; `renamed` gives other columns a
    feature's name; every further column goes into the data set as a number, and for each ``is_…`` there is a
    column ``not_…`` with the opposite.
    """

    def __init__(
        self, wiki: str, path: Path, *, label: str, renamed: Mapping[str, str] | None = None
    ) -> None:
        self._wiki = wiki
        self._label = label
        self._renamed = dict(renamed or {})
        with _opened(path) as stream:
            self._rows = list(csv.DictReader(stream.read().decode("utf-8").splitlines()))
        if not self._rows or label not in self._rows[0]:
            raise ConfigurationError(f"{path} has no column {label!r}: name the column to learn from")
        self.total = len(self._rows)
        self.identity = _digest(wiki, label, _file_digest(path))
        self.given = frozenset(self._given(self._rows[0]))

    def since(self, position: int) -> Iterator[Example | Unusable]:
        for row in self._rows[position:]:
            rev_id = int(float(row["rev_id"]))
            kept = {
                name: float(_number(value) or 0)
                for name, value in row.items()
                if not name.startswith("feature.") and name not in self._renamed and name != "rev_id"
            }
            opposite = {f"not_{name[3:]}": 1 - kept[name] for name in kept if name.startswith("is_")}
            columns = {
                **kept,
                **opposite,
                "label": kept[self._label],
                "wiki": self._wiki,
                "rev_id": rev_id,
            }
            group = self._group(row)
            yield Example(article(rev_id, ""), {**columns, "group": group}, self._given(row))

    def _given(self, row: Mapping[str, str]) -> dict[str, FeatureValue]:
        given = {
            self._renamed.get(name, name): _number(value)
            for name, value in row.items()
            if name.startswith("feature.") or name in self._renamed
        }
        if USER_TYPE in given:
            given[IS_ANONYMOUS] = given[USER_TYPE] == ANONYMOUS
        return given

    def _group(self, row: Mapping[str, str]) -> int:
        kind = self._given(row).get(USER_TYPE)
        return UNKNOWN_GROUP if kind is None else int(kind)


USER_TYPE: Final = "feature.assay.user.type"
"""Numbered like the data set's groups (`assay.models.actor_group`), which are it where it is recorded."""
IS_ANONYMOUS: Final = "feature.revision.user.is_anon"


def article(n: int, text: str) -> Revision:
    """A bare text as a revision: nothing is known of its page, author and time."""
    return Revision(
        id=max(n, 1),
        page=Page("", namespace=0),
        actor=Actor("", is_anonymous=False),
        timestamp=_EPOCH,
        comment="",
        text=text,
        parent=None,
        parent_id=None,
    )


def _history_columns(wiki: str, revision: Revision, edit: LabelledEdit) -> dict[str, Any]:
    label = edit.label
    return {
        "label": float(label.reverted),
        "reverted": label.reverted,
        "reverted_48h": label.reverted_48h,
        "is_reverting": label.is_reverting,
        "self_reverted": label.self_reverted,
        "is_creation": revision.parent is None,
        "wiki": wiki,
        "rev_id": revision.id,
        "page": edit.page_title,
        "actor": edit.user or "",
        "timestamp": int(edit.timestamp.timestamp()),
        "group": actor_group(revision),
        "is_bot": is_bot(revision.actor),
    }


def _number(text: str) -> FeatureValue:
    if text in ("True", "False"):
        return text == "True"
    return float(text) if text else None


def _json_line(line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return row if isinstance(row, dict) else {}


def _opened(path: Path) -> Any:
    try:
        return lzma.open(path) if path.suffix == ".xz" else path.open("rb")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({reason_of(error)}): check the path") from error


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
