"""A journal that neither a kill, nor a second controller, nor a hand can falsify unnoticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.clock import FakeClock
from assay.errors import JournalError, JournalHeld
from assay.rollout import journal as journal_module
from assay.rollout.journal import FILE_NAME, LOCK_NAME, Entry, Journal, read_journal

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(st.text(max_size=10), json_values, max_size=4)
kinds = st.sampled_from(("started", "stage", "verdict", "note"))
told = st.lists(st.tuples(kinds, documents), min_size=1, max_size=6)

WRITER = """
import sys
from pathlib import Path
from assay.rollout.journal import Journal
with Journal(Path(sys.argv[1])) as journal:
    number = 0
    while True:
        number += 1
        entry = journal.append("note", {"number": number, "text": "x" * 3000})
        print(entry.number, flush=True)
"""


@contextmanager
def _folder() -> Iterator[Path]:
    """One for each example of hypothesis."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _write(folder: Path, entries: list[tuple[str, dict[str, Any]]]) -> None:
    with Journal(folder, FakeClock()) as journal:
        for kind, data in entries:
            journal.append(kind, data)


def test_no_journal_is_an_empty_one(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == ()


@settings(deadline=None)
@given(told)
def test_what_is_written_is_read(entries: list[tuple[str, dict[str, Any]]]) -> None:
    with _folder() as folder:
        half = len(entries) // 2
        _write(folder, entries[:half])
        _write(folder, entries[half:])
        read = read_journal(folder)
        assert [(entry.kind, entry.data) for entry in read] == entries
        assert [entry.number for entry in read] == list(range(1, len(entries) + 1))
        assert [entry.previous for entry in read[1:]] == [entry.digest for entry in read[:-1]]
        assert {entry.at for entry in read} == {datetime(2020, 1, 1, tzinfo=UTC)}


@settings(deadline=None)
@given(told, st.data())
def test_any_end_cut_off_is_repaired_and_told(
    entries: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    with _folder() as folder:
        _write(folder, entries)
        whole = read_journal(folder)
        path = folder / FILE_NAME
        content = path.read_bytes()
        length = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:length])
        lines = content[:length].count(b"\n")
        torn = length - (content.rfind(b"\n", 0, length) + 1)
        assert read_journal(folder) == whole[:lines], "a reader leaves a torn line out"
        with Journal(folder) as journal:
            assert journal.entries[:lines] == whole[:lines]
            assert [entry.kind for entry in journal.entries[lines:]] == ["repaired"] * bool(torn)
            if torn:
                kept = folder / str(journal.entries[-1].data["kept_in"])
                assert kept.read_bytes() == content[length - torn : length]
            journal.append("note", {})
            assert read_journal(folder) == journal.entries


@settings(deadline=None)
@given(st.lists(st.tuples(kinds, documents), min_size=2, max_size=5), st.data())
def test_no_byte_can_be_changed_unnoticed(
    entries: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    """But for those of the last line, which no later one vouches for."""
    with _folder() as folder:
        _write(folder, entries)
        path = folder / FILE_NAME
        content = bytearray(path.read_bytes())
        last_line = content.rfind(b"\n", 0, len(content) - 1) + 1
        place = data.draw(st.integers(0, last_line - 1))
        content[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[place]))
        path.write_bytes(content)
        with pytest.raises(JournalError, match="line"):
            read_journal(folder)
        with pytest.raises(JournalError), Journal(folder):
            pass


@settings(deadline=None)
@given(st.lists(st.tuples(kinds, documents), min_size=3, max_size=5), st.data())
def test_no_line_can_be_dropped_or_exchanged(
    entries: list[tuple[str, dict[str, Any]]], data: st.DataObject
) -> None:
    with _folder() as folder:
        _write(folder, entries)
        path = folder / FILE_NAME
        lines = path.read_bytes().splitlines(keepends=True)
        place = data.draw(st.integers(0, len(lines) - 2))
        dropped = lines[:place] + lines[place + 1 :]
        exchanged = [*lines[:place], lines[place + 1], lines[place], *lines[place + 2 :]]
        for altered in (dropped, exchanged):
            path.write_bytes(b"".join(altered))
            with pytest.raises(JournalError, match="does not follow the line before"):
                read_journal(folder)


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[]\n", b"not JSON\n", b"\x00\x00\n", b'{"number":1}\n'])
def test_rubbish_is_refused_not_repaired(tmp_path: Path, line: bytes) -> None:
    _write(tmp_path, [("note", {})])
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes() + line)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"line 2 .* is not an entry"), Journal(tmp_path):
        pass
    assert path.read_bytes() == before


def test_a_second_controller_is_told_who_holds_it(tmp_path: Path) -> None:
    with Journal(tmp_path):
        with (
            pytest.raises(JournalHeld, match=rf"process {os.getpid()} on \S+ since 20\d\d-") as refused,
            Journal(tmp_path),
        ):
            pass
        assert LOCK_NAME in str(refused.value)
        assert read_journal(tmp_path) == ()
    with Journal(tmp_path) as journal:
        journal.append("note", {})


def test_a_journal_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with pytest.raises(JournalError, match="not open"):
        journal.append("note", {})


def test_what_is_no_json_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for data in ({"at": object()}, {"text": "x" * (journal_module.MAX_LINE_BYTES + 1)}):
            with pytest.raises(JournalError, match=r"entry 1 \(note\)"):
                journal.append("note", data)
        journal.append("note", {"text": "sound"})
    assert [entry.number for entry in read_journal(tmp_path)] == [1]


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(tmp_path) as journal:
        journal.append("note", {"text": "before"})

        def half(file: int, content: bytes) -> int:
            if len(content) < 20:
                raise OSError(28, "No space left on device")
            return real(file, content[: len(content) - 10])

        real = os.write
        with monkeypatch.context() as full:
            full.setattr(os, "write", half)
            with pytest.raises(JournalError, match="No space left"):
                journal.append("note", {"text": "lost"})
        journal.append("note", {"text": "after"})
    assert [entry.data["text"] for entry in read_journal(tmp_path)] == ["before", "after"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder, reason in (("file/below", "Not a directory"), ("file", "File exists")):
        with pytest.raises(JournalError, match=f"cannot be written: {reason}$"), Journal(tmp_path / folder):
            pass


def test_a_reader_beside_a_writer_sees_whole_lines(tmp_path: Path) -> None:
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(len(read_journal(tmp_path)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        _write(tmp_path, [("note", {"text": "x" * 5000})] * 60)
    finally:
        done.set()
        reader.join()
    assert seen == sorted(seen)


@pytest.mark.parametrize("after_entries", [1, 7, 30])
def test_a_killed_writer_loses_nothing_that_it_was_told_is_written(
    tmp_path: Path, after_entries: int
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    try:
        for line in writer.stdout:
            if int(line) >= after_entries:
                break
        with pytest.raises(JournalHeld, match=f"process {writer.pid} on"), Journal(tmp_path):
            pass
    finally:
        writer.send_signal(signal.SIGKILL)
        acknowledged = [int(line) for line in writer.stdout] or [after_entries]
        writer.wait()
        writer.stdout.close()
    with Journal(tmp_path) as journal:
        notes = [entry.data["number"] for entry in journal.entries if entry.kind == "note"]
        assert notes == list(range(1, len(notes) + 1))
        assert len(notes) >= acknowledged[-1]
        journal.append("note", {"number": "after"})
    assert read_journal(tmp_path)[-1].data == {"number": "after"}


def test_a_writer_that_keeps_no_entries_is_told_each_and_goes_on_with_the_chain(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        told: list[Entry] = []
        with Journal(tmp_path, tell=told.append) as journal:
            journal.append("note", {"text": str(number)})
            assert journal.entries == ()
        assert tuple(told) == read_journal(tmp_path)
        assert len(told) == number
