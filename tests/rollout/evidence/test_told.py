"""What an arm tells of itself. What it tells when all is well: `test_requests`, of the real application."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from assay.rollout.evidence.compare import Answer
from assay.rollout.evidence.told import explore, told_recent


@dataclass
class Telling:
    """An arm that answers everything with the same."""

    body: bytes
    status: int = 200

    async def ask(self, url: str, ask: object) -> Answer:
        return Answer(self.status, {}, self.body)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"wikis": 3}', b'{"wikis": [{"name": "a", "models": [3, {}]}]}']
)
async def test_an_arm_that_tells_nonsense_of_itself_is_not_believed(body: bytes) -> None:
    assert (await explore(Telling(body), "")).models == {}


async def test_recent_edits_are_the_ids_of_an_answer_that_is_none_of_an_error() -> None:
    body = b'{"revisions": [3, "4", null, 5]}'
    assert await told_recent(Telling(body), "", "a") == [3, 5]
    assert await told_recent(Telling(body, 500), "", "a") == []
    assert await told_recent(Telling(b'{"revisions": 3}'), "", "a") == []
