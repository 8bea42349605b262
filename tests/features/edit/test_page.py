from __future__ import annotations

from typing import Any

import pytest

from assay.revisions.types import UNKNOWN, Page
from features.edits import edit, values_called

NAMES = [f"feature.revision.page.is_{kind}" for kind in ("articleish", "mainspace", "draftspace")]


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [
        (0, [True, True, False]),
        (118, [True, False, True]),
        (1, [False, False, False]),
        (119, [False, False, False]),
        (UNKNOWN, [None, None, None]),
    ],
)
def test_namespaces(namespace: Any, expected: list[Any]) -> None:
    assert values_called(NAMES, edit("a", "b", page=Page("P", namespace=namespace))) == expected
