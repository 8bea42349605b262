from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from assay.events import EVENT_SETS, Change, event_sets, read_event
from events.recorded import streamed

CHANGE = Change(wiki="enwiki", rev_id=2, parent_id=1, actor=None, is_bot=False, namespace=0)


def test_recorded_edits() -> None:
    found = [
        event_sets(item)
        for item in map(read_event, [*streamed("revision-create"), *streamed("page-create")])
        if isinstance(item, Change)
    ]
    assert found == [
        {"edit", "nonbot_edit"},
        {"edit", "bot_edit", "main_edit"},
        {"edit", "bot_edit", "page_creation", "bot_page_creation"},
        {"edit", "nonbot_edit", "main_edit", "page_creation", "main_creation", "nonbot_page_creation"},
    ]


@given(st.booleans(), st.none() | st.integers(1), st.integers(-2, 20))
def test_sets_follow_from_each_other(is_bot: bool, parent_id: int | None, namespace: int) -> None:
    sets = event_sets(replace(CHANGE, is_bot=is_bot, parent_id=parent_id, namespace=namespace))
    assert sets <= set(EVENT_SETS)
    assert len({"bot_edit", "nonbot_edit"} & sets) == 1
    assert ("page_creation" in sets) == (parent_id is None)
    assert ("main_creation" in sets) == ({"page_creation", "main_edit"} <= sets)
    assert ("main_edit" in sets) == (namespace == 0)
    assert ("bot_page_creation" in sets) == ({"page_creation", "bot_edit"} <= sets)
    assert ("nonbot_page_creation" in sets) == ({"page_creation", "nonbot_edit"} <= sets)


def test_all_eight_can_be_met() -> None:
    met = {
        name
        for is_bot in (True, False)
        for name in event_sets(replace(CHANGE, is_bot=is_bot, parent_id=None))
    }
    assert met == set(EVENT_SETS)
