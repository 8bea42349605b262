"""Operating points as an arm tells them; what it does not tell is left out."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from assay.rollout.evidence.asker import Ask
from assay.rollout.evidence.compare import Answer
from assay.rollout.evidence.points import QUERIES, operating_points

TABLE = {"true": [{"threshold": 0.9}, {"threshold": 0.6}, None], "false": [None, None, None]}


class Arm:
    """Answers as ORES does. `models`: with their labels."""

    def __init__(self, models: dict[str, list[Any]], *, status: int = 200, body: bytes | None = None) -> None:
        self._models, self._status, self._body = models, status, body

    async def ask(self, url: str, ask: Ask) -> Answer:
        assert url == "http://arm"
        if self._body is not None or self._status != 200:
            return Answer(self._status, body=self._body or b"{}")
        query = parse_qs(urlsplit(ask.target).query)
        if not query:
            return Answer(200, body=orjson.dumps({"w": {"models": {name: {} for name in self._models}}}))
        (model,), (asked,) = query["models"], query["model_info"]
        info: dict[str, Any] = {"params": {"labels": self._models[model]}}
        if asked != "params.labels":
            label = asked.split("'")[1]
            assert asked.split("|") == [f"statistics.thresholds.'{label}'.'{one}'" for one in QUERIES]
            info = {"statistics": {"thresholds": {label: TABLE.get(label)}}}
        return Answer(200, body=orjson.dumps({"w": {"models": {model: info}}}))


async def test_thresholds_of_every_label_that_has_some() -> None:
    arm = Arm({"damaging": [True, False], "articlequality": ["Stub", "FA"]})
    assert await operating_points(arm, "http://arm") == {("w", "damaging"): {"true": (0.6, 0.9)}}


@pytest.mark.parametrize(
    "arm",
    [Arm({}), Arm({}, status=0), Arm({}, status=503), Arm({}, body=b"rubbish"), Arm({}, body=b"[1]")],
)
async def test_an_arm_that_tells_none_has_none(arm: Arm) -> None:
    assert await operating_points(arm, "http://arm") == {}
