"""What all events have in common, on events that wikis sent."""

from __future__ import annotations

from typing import Any

import pytest

from assay.events.document import Document
from assay.events.meta import is_canary, shown
from assay.revisions.types import UNKNOWN
from events.recorded import posted, streamed


def meta(event: dict[str, Any]) -> Document:
    return Document(event).optional("meta")


def test_real_events_are_no_canaries_until_their_domain_says_so() -> None:
    events = [*posted(), *streamed("revision-create"), *streamed("page-create")]
    assert not any(is_canary(meta(event)) for event in events)
    assert all(is_canary(meta({**event, "meta": {**event["meta"], "domain": "canary"}})) for event in events)
    assert not is_canary(meta({}))


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ("Category:Cyprian_Dylczyński", "Category:Cyprian Dylczyński"),
        ("As it is", "As it is"),
        (UNKNOWN, UNKNOWN),
    ],
)
def test_a_title_is_shown_as_people_write_it(told: Any, title: Any) -> None:
    assert shown(told) == title
