"""The examples of the documentation are asked, and answered as they say; ``…`` stands for any value."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from assay.models.revid import RevIdModel
from assay.revisions.open import open_source
from assay.scoring.cache import ScoreCache, ScoreCacheOptions
from assay.scoring.inline import InlineEngine
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import ModelSets, Wikis
from assay.serving.app import AppOptions, build_app
from assay.serving.ores.model_info import ModelInfos
from assay.stores.memory import MemoryStore, MemoryStoreOptions
from assay.telemetry import Metrics
from servers.asgi import Served, serving
from shared_data import ROOT
from small_app import CLOCK, ask
from small_models import TEXT_CHARS, LinearModel

_EXAMPLE: Final = re.compile(
    r"^```\n\$ curl (?P<command>[^\n]+)\n(?P<answer>\{.*?)\n```$", re.DOTALL | re.MULTILINE
)
PAGES: Final = {"http/lift-wing.md": 8, "http.md": 1}
"""Documentation with examples of this folder and of unsaved texts, and how many there are at least."""


def examples() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        text = (ROOT / "docs" / page).read_text("utf-8")
        yield from (
            (m["command"], m["answer"]) for m in _EXAMPLE.finditer(text) if "scores/" not in m["command"]
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What `make run` serves, the sample wiki as well, with models that cost nothing."""
    export = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"
    sample = open_source("samplewiki", str(export), cache_dir=tmp_path_factory.mktemp("index"))
    models = ModelSets(
        [
            RevIdModel("testwiki", "revid", "1.0.0", "revid-digest"),
            LinearModel("samplewiki", "damaging", (TEXT_CHARS,)),
            LinearModel("anywiki", "reverted", (TEXT_CHARS,)),
        ]
    )
    metrics = Metrics("test")
    wikis = Wikis({"samplewiki": sample, "testwiki": SyntheticSource(CLOCK)}, models)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(wikis, InlineEngine(models, metrics), cache, metrics)
    with serving(build_app(AppOptions(), service, ModelInfos({}), metrics, CLOCK).asgi) as served:
        yield served


def fits(told: Any, written: Any) -> bool:
    if written == "…":
        return True
    if isinstance(written, dict) and isinstance(told, dict):
        return set(told) == set(written) and all(fits(told[key], written[key]) for key in written)
    if isinstance(written, list) and isinstance(told, list):
        return len(told) == len(written) and all(map(fits, told, written))
    return bool(told == written)


def test_no_page_has_lost_its_examples() -> None:
    assert len(list(examples())) >= sum(PAGES.values())


@pytest.mark.parametrize(("command", "answer"), list(examples()), ids=lambda text: text[:70])
def test_an_example_is_answered_as_written(site: Served, command: str, answer: str) -> None:
    address, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    header = given.get("-H", "Content-Type: application/x-www-form-urlencoded").partition(": ")
    body = given["-d"].encode() if "-d" in given else None
    path = urlsplit(address).path
    reply = ask(site, path, method="POST" if body else "GET", body=body, headers={header[0]: header[2]})
    assert fits(reply.json, json.loads(answer)), reply.body.decode()
