"""A journal followed while it is written, replaced, torn, altered, and when it is long."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.clock import FakeClock
from assay.errors import JournalError
from assay.rollout.journal import FILE_NAME, Journal, read_journal
from assay.rollout.reporting import journal_reader
from assay.rollout.reporting.journal_reader import PAGE_ENTRIES, JournalReader, Reading
from assay.rollout.reporting.story import Story
from assay.rollout.state import fold
from rollout.told import NOON, Teller, whole


def read(reader: JournalReader) -> tuple[Reading, list[Story]]:
    with reader.refreshed() as (reading, stories):
        return reading, list(stories)


def write_notes(folder: Path, count: int, text: str = "x") -> None:
    with Journal(folder, FakeClock(NOON)) as journal:
        for number in range(count):
            journal.append("note", {"text": f"{text}{number}"})


def test_no_journal_is_no_error(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "nowhere")
    reading, stories = read(reader)
    assert (reading.exists, reading.entries, reading.problem, stories) == (False, 0, None, [])
    assert reader.page() == ()


def test_it_reads_each_line_once_as_the_journal_grows_and_ends_as_the_fold_does(tmp_path: Path) -> None:
    reader, clock = JournalReader(tmp_path), FakeClock(NOON)
    with Journal(tmp_path, clock) as journal:
        teller = Teller(journal, clock)
        teller.start()
        for stage in teller.plan.stages[:6]:
            teller.enter(stage)
            teller.judge(stage)
            reading, stories = read(reader)
            assert reading.entries == len(journal.entries)
            assert reading.digest == journal.entries[-1].digest
            assert [story.rollout for story in stories] == [fold(read_journal(tmp_path))]
    assert list(stories[0].began_s) == [0, 1, 2, 3, 4, 5]


def test_it_takes_no_lock(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path)
    with Journal(tmp_path) as journal:
        journal.append("note", {"text": "one"})
        assert read(reader)[0].entries == 1
    with Journal(tmp_path) as journal:
        journal.append("note", {"text": "two"})
    assert read(reader)[0].entries == 2


def test_a_line_that_is_being_written_is_left_until_it_is_whole(tmp_path: Path) -> None:
    write_notes(tmp_path, 2)
    path, reader = tmp_path / FILE_NAME, JournalReader(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    reading, _ = read(reader)
    assert (reading.entries, reading.problem, reading.is_behind) == (1, None, False)
    path.write_bytes(content)
    assert read(reader)[0].entries == 2


def test_a_torn_line_that_the_next_writer_cut_off_does_no_harm(tmp_path: Path) -> None:
    write_notes(tmp_path, 2)
    path, reader = tmp_path / FILE_NAME, JournalReader(tmp_path)
    path.write_bytes(path.read_bytes() + b'{"number": 3, "at"')
    assert read(reader)[0].entries == 2
    write_notes(tmp_path, 1)
    reading, _ = read(reader)
    assert (reading.entries, reading.problem) == (4, None)
    assert [entry.kind for entry in reader.page()] == ["note", "repaired", "note", "note"]


def test_an_altered_line_ends_the_reading_and_what_came_before_stays(tmp_path: Path) -> None:
    whole(tmp_path, FakeClock(NOON))
    path = tmp_path / FILE_NAME
    sound = path.read_bytes()
    lines = sound.split(b"\n")
    lines[40] = lines[40].replace(b"good", b"fine", 1)
    path.write_bytes(b"\n".join(lines))
    reader = JournalReader(tmp_path)
    reading, stories = read(reader)
    assert reading.entries == 41
    assert reading.problem is not None
    assert "line 42" in reading.problem
    assert len(stories) == 1
    assert read(reader)[0] == reading
    path.write_bytes(sound)
    assert read(reader)[0].problem is None, "a restored journal is believed again"


def test_an_entry_that_cannot_stand_there_is_a_problem(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append("resumed", {})
    reading, _ = read(JournalReader(tmp_path))
    assert reading.problem == "entry 1 (resumed) cannot stand there: no rollout was started"


def test_another_journal_in_the_same_place_is_read_from_its_start(tmp_path: Path) -> None:
    write_notes(tmp_path, 5, "old")
    reader = JournalReader(tmp_path)
    read(reader)
    content = (tmp_path / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).unlink()
    assert read(reader)[0].exists is False
    write_notes(tmp_path, 9, "new and longer")
    new = (tmp_path / FILE_NAME).read_bytes()
    reading, _ = read(reader)
    assert (reading.entries, reading.problem) == (9, None)
    # In the very same file, longer and shorter.
    for other, count in ((content, 5), (new, 9)):
        with (tmp_path / FILE_NAME).open("r+b") as file:
            file.truncate(0)
            file.write(other)
        assert read(reader)[0].entries == count
        assert read(reader)[0].problem is None


def test_a_long_journal_is_read_a_part_at_a_time(tmp_path: Path) -> None:
    write_notes(tmp_path, 50)
    reader, seen = JournalReader(tmp_path, read_at_once=2000), []
    while (reading := read(reader)[0]).is_behind:
        seen.append(reading.entries)
        assert reading.problem is None
    assert len(seen) > 2
    assert seen == sorted(set(seen))
    assert reading.entries == 50
    assert read(reader)[0] == reading


def test_a_line_longer_than_any_entry_is_not_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notes(tmp_path, 1)
    monkeypatch.setattr(journal_reader, "MAX_LINE_BYTES", 1000)
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(b"x" * 5000)
    reading, _ = read(JournalReader(tmp_path))
    assert reading.entries == 1
    assert "line 2" in str(reading.problem)


def test_pages_go_back_from_the_newest_without_gap_or_overlap(tmp_path: Path) -> None:
    write_notes(tmp_path, 2 * PAGE_ENTRIES + 7)
    reader = JournalReader(tmp_path)
    read(reader)
    numbers, before = [], None
    while page := reader.page(before):
        assert len(page) <= PAGE_ENTRIES
        numbers += [entry.number for entry in page]
        before = page[-1].number
    assert numbers == list(range(2 * PAGE_ENTRIES + 7, 0, -1))
    assert [entry.number for entry in reader.page(10**9)] == numbers[:PAGE_ENTRIES]
    assert list(reversed(reader.page(3))) == list(read_journal(tmp_path)[:2])


def test_a_page_is_bounded_in_bytes_but_never_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_notes(tmp_path, 20, "y" * 500)
    monkeypatch.setattr(journal_reader, "PAGE_BYTES", 3000)
    reader = JournalReader(tmp_path)
    read(reader)
    assert [entry.number for entry in reader.page()] == [20, 19, 18, 17]
    monkeypatch.setattr(journal_reader, "PAGE_BYTES", 1)
    assert [entry.number for entry in reader.page()] == [20]


def test_a_page_of_entries_that_changed_since_is_refused(tmp_path: Path) -> None:
    write_notes(tmp_path, 5)
    reader = JournalReader(tmp_path)
    read(reader)
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"x1", b"x8"))
    with pytest.raises(JournalError, match="line 3 of"):
        reader.page()


def test_only_the_newest_rollouts_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_reader, "MAX_STORIES", 3)
    clock = FakeClock(NOON)
    with Journal(tmp_path, clock) as journal:
        for number in range(5):
            teller = Teller(journal, clock, f"r{number}")
            teller.start()
            teller.roll_back(reason="no")
    _, stories = read(JournalReader(tmp_path))
    assert [story.rollout.id for story in stories] == ["r2", "r3", "r4"]
