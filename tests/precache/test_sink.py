from __future__ import annotations

import json

from assay.precache.sink import lines
from precache.edits import scored


def test_a_line_is_one_event_whatever_it_holds() -> None:
    text = lines([scored(1), scored(2)])
    assert text.endswith(b"\n")
    assert [json.loads(line) for line in text.splitlines()] == [scored(1), scored(2)]
    assert lines([]) == b""
