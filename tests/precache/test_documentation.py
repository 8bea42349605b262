"""The examples of docs/how-to/precache.md and docs/http/precache.md, as they stand there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from assay.compose.precaching import stream_faults
from assay.events import EVENT_SETS, Rules, usual_rules
from assay.events.rules import USUAL
from assay.settings import load
from assay.telemetry import METRICS
from servers.asgi import serving
from shared_data import ROOT
from small_app import SmallApp, ask, post_json

HOW_TO = (ROOT / "docs" / "how-to" / "precache.md").read_text("utf-8")
HTTP = (ROOT / "docs" / "http" / "precache.md").read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.mark.parametrize("text", blocks(HOW_TO, "toml"))
def test_configurations_are_right(tmp_path: Path, text: str) -> None:
    file = tmp_path / "assay.toml"
    file.write_text(text)
    settings = load([file], {})
    assert stream_faults(settings) == []
    given = tomllib.loads(text)
    assert set(settings.precache.streams) == set(given.get("precache", {}).get("streams", {}))


def test_the_event_is_scored_by_the_usual_rules() -> None:
    (event,) = blocks(HTTP, "json")
    rules = Rules({"smallwiki": usual_rules(["damaging", "goodfaith"])}, {"enwiki": "smallwiki"})
    with serving(SmallApp(rules=rules).build().asgi) as served:
        reply = post_json(served, "/v3/precache/", json.loads(event))
        assert set(reply.json["smallwiki"]["scores"]["345"]) == {"damaging", "goodfaith"}
        assert ask(served, "/v3/scores/smallwiki/345/damaging").headers["x-cache"] == "hit"


def test_sets_usual_rules_and_metrics_are_named() -> None:
    assert {name for name in EVENT_SETS if f"`{name}`" not in HOW_TO} == set()
    assert {name for name in USUAL if f"`{name}`" not in HOW_TO} == set()
    named = {metric.name for metric in METRICS if metric.name.startswith("assay_precache_")}
    assert {name for name in named if f"`{name}`" not in HOW_TO} == set()
