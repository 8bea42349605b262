"""Made-up revisions."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from assay.clock import Deadline, FakeClock
from assay.revisions.types import Revision
from assay.scoring.synthetic import SyntheticSource, synthetic_revision


@given(st.integers(1, 2**63 - 1))
def test_every_id_has_its_revision_always_the_same(rev_id: int) -> None:
    revision = synthetic_revision(rev_id)
    assert revision == synthetic_revision(rev_id)
    assert revision.id == rev_id
    assert isinstance(revision.parent, Revision)
    assert isinstance(revision.text, str)
    assert revision.size_bytes == len(revision.text.encode())


async def test_the_newest_ids_are_the_present_time() -> None:
    clock = FakeClock(datetime(2020, 1, 1, tzinfo=UTC))
    recent = await SyntheticSource(clock).recent(3, Deadline.after(1, clock))
    assert list(recent) == [1577836800, 1577836799, 1577836798]
