"""What an arm tells of itself. What it tells when all is well: `test_requests`, of the real application."""

from __future__ import annotations

import pytest

from assay.rollout.evidence.compare import Answer
from assay.rollout.evidence.told import explore


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"wikis": 3}', b'{"wikis": [{"name": "a", "models": [3, {}]}]}']
)
async def test_an_arm_that_tells_nonsense_of_itself_is_not_believed(body: bytes) -> None:
    class Nonsense:
        async def ask(self, url: str, ask: object) -> Answer:
            return Answer(200, {}, body)

    assert (await explore(Nonsense(), "")).models == {}
