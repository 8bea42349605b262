from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from assay.revisions.types import UNKNOWN, Actor, Known
from features.edits import EDITOR, NOW, VISITOR, edit, values_called

YEAR_S = 365 * 24 * 3600
BEFORE_DATES_S = int((NOW - datetime(2006, 1, 1, tzinfo=UTC)).total_seconds())
"""What the legacy took for accounts that are older than MediaWiki's dates."""


@pytest.mark.parametrize(
    ("actor", "seconds"),
    [
        (replace(EDITOR, registered_at=NOW - timedelta(hours=1, milliseconds=900)), 3600),
        (replace(EDITOR, registered_at=NOW), 0),
        (replace(EDITOR, registered_at=NOW + timedelta(seconds=1)), YEAR_S),
        (replace(EDITOR, registered_at=None), BEFORE_DATES_S),
        (EDITOR, None),
        (VISITOR, 0),
        (replace(VISITOR, registered_at=NOW - timedelta(hours=1)), 0),
    ],
)
def test_seconds_since_registration(actor: Actor, seconds: int | None) -> None:
    name = "feature.temporal.revision.user.seconds_since_registration"
    assert values_called([name], edit("a", "b", actor=actor)) == [seconds]


@pytest.mark.parametrize("timestamp", [UNKNOWN, NOW])
def test_a_visitor_has_no_account_whose_age_could_be_unknown(timestamp: Known[datetime]) -> None:
    name = "feature.temporal.revision.user.seconds_since_registration"
    assert values_called([name], edit("a", "b", timestamp=timestamp)) == [0]


def test_seconds_since_the_parent() -> None:
    name = "feature.temporal.revision.parent.seconds_since"
    assert values_called([name], edit("a", "b", timestamp=NOW + timedelta(seconds=7.9))) == [3607]
    assert values_called([name], edit(None, "b")) == [0]


@pytest.mark.parametrize(
    ("moment", "day", "hour"),
    [
        (datetime(2020, 5, 3, 23, 59, 59, tzinfo=UTC), 6, 23),
        (datetime(2020, 5, 4, tzinfo=UTC), 0, 0),
        (datetime(2020, 5, 8, 13, 30, tzinfo=UTC), 4, 13),
    ],
)
def test_day_and_hour(moment: datetime, day: int, hour: int) -> None:
    names = ["feature.temporal.revision.day_of_week", "feature.temporal.revision.hour_of_day"]
    assert values_called(names, edit("a", "b", timestamp=moment)) == [day, hour]
