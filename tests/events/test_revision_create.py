from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from assay.events import Change
from assay.events.revision_create import read_revision_create
from assay.revisions.types import UNKNOWN


def test_the_revision_s_time_goes_before_the_event_s() -> None:
    event: dict[str, Any] = {"database": "enwiki", "rev_id": 2, "meta": {"dt": "2026-11-23T10:00:02Z"}}

    def timestamp(**fields: Any) -> Any:
        found = read_revision_create({**event, **fields})
        assert isinstance(found, Change)
        return found.timestamp

    assert timestamp(rev_timestamp="2026-11-23T10:00:01Z") == datetime(2026, 11, 23, 10, 0, 1, tzinfo=UTC)
    assert timestamp() == datetime(2026, 11, 23, 10, 0, 2, tzinfo=UTC)
    assert timestamp(meta={}) is UNKNOWN
