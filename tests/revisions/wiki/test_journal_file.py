"""A journal holds what was appended, whole lines only, whatever the last process left."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay import durable
from assay.errors import ConfigurationError
from assay.revisions.wiki.journal_file import JournalFile

LINES = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), max_size=6)


@contextmanager
def opened(path: Path) -> Iterator[JournalFile]:
    journal = JournalFile(path)
    try:
        yield journal
    finally:
        journal.close()


@settings(max_examples=40)
@given(LINES, st.integers(0, 200))
def test_a_torn_tail_is_cut_off_and_the_rest_kept(lines: list[dict[str, str]], torn: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deep" / "journal"
        with opened(path) as journal:
            for line in lines:
                journal.append(line)
        content = path.read_bytes()[: -torn or None]
        path.write_bytes(content)
        kept = [orjson.loads(line) for line in content.split(b"\n")[:-1]]
        with opened(path) as journal:
            assert list(journal.lines()) == kept == lines[: len(kept)]
            journal.append({"next": "one"})
        with opened(path) as journal:
            assert list(journal.lines()) == [*kept, {"next": "one"}]


def test_a_long_torn_tail_is_found(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b'{"a":1}\n' + b"x" * 3_000_000)
    with opened(path) as journal:
        assert list(journal.lines()) == [{"a": 1}]


def test_a_file_that_is_only_read_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with opened(path) as journal:
        journal.append({})
    before = path.stat().st_mtime_ns
    with opened(path) as journal:
        list(journal.lines())
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"a": \xff}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(b"{}\n" + line + b"\n{}\n")
    with opened(path) as journal, pytest.raises(ConfigurationError, match="line 2 is damaged"):
        list(journal.lines())


def test_a_strangers_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_is_strangers", lambda *_: True)
    with pytest.raises(PermissionError, match="a file of another user"):
        JournalFile(tmp_path / "journal")


def test_two_cannot_write_one(tmp_path: Path) -> None:
    with opened(tmp_path / "journal"), pytest.raises(ConfigurationError, match="another process"):
        JournalFile(tmp_path / "journal")
