"""What a controller remembers of its journal is what a fold over all of it says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from assay.clock import FakeClock
from assay.errors import JournalError
from assay.rollout.control.progress import Progress
from assay.rollout.journal import Entry, Journal
from assay.rollout.state import fold
from rollout.told import NOON, Teller


def told(folder: Path, clock: FakeClock) -> Journal:
    return Journal(folder, clock)


def test_it_is_the_fold_after_every_entry(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    with told(tmp_path, clock) as journal:
        progress = Progress(journal)
        with pytest.raises(JournalError, match="no rollout"):
            _ = progress.state
        teller = Teller(journal, clock)
        teller.start()
        for stage in teller.plan.stages[:3]:
            teller.enter(stage)
            assert progress.state == fold(journal.entries)
        again = Progress(journal)
        assert again.state == progress.state


def test_each_entry_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(NOON)
    read: list[int] = []
    with told(tmp_path, clock) as journal:
        since = journal.since

        def counting(number: int) -> Sequence[Entry]:
            found = since(number)
            read.extend(entry.number for entry in found)
            return found

        monkeypatch.setattr(journal, "since", counting)
        progress = Progress(journal)
        Teller(journal, clock).start()
        for number in range(20):
            journal.append("note", {"text": str(number)})
            assert progress.state.status == "running"
    assert read == list(range(1, 22))


def test_counts_are_those_of_the_last_verdict_and_orders_are_taken_once(tmp_path: Path) -> None:
    clock = FakeClock(NOON)
    with told(tmp_path, clock) as journal:
        Teller(journal, clock).start()
        counts = {"served": 7, "failed": 1, "last_candidate_s": 5.5}
        journal.append("verdict", {"stage": 0, "checks": [], **counts})
        journal.append("paused", {"reason": "x", "by": "y", "order": "one"})
        progress = Progress(journal)
        assert (progress.served, progress.failed, progress.last_s) == (7, 1, 5.5)
        assert progress.orders == {"one"}


def test_an_entry_that_cannot_stand_there_is_refused(tmp_path: Path) -> None:
    with told(tmp_path, FakeClock(NOON)) as journal:
        journal.append("done", {"served": 0, "failed": 0})
        with pytest.raises(JournalError, match="entry 1"):
            Progress(journal)
