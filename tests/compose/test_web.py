"""What of the settings reaches the web application."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext

import pytest

from assay.compose.scorer import build_scorer
from assay.compose.web import build_web
from assay.models.statistics.operating_points import OperatingPoint
from assay.scoring.options import PoolOptions
from assay.settings import Settings, WikiSettings
from assay.settings.tree import ModelSettings
from servers.asgi import Served, serving

NOWHERE = "http://127.0.0.1:9/w/"
"""Asked once at the start; a wiki that is away keeps no application from starting."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    file = tmp_path_factory.mktemp("history") / "file.jsonl"
    file.write_text("")
    points = {"damaging": ModelSettings({"mine": OperatingPoint("maximum recall @ precision >= 0.3")})}
    settings = Settings(
        wikis={
            "enwiki": WikiSettings(f"{NOWHERE}api.php", models=points),
            "filewiki": WikiSettings(str(file)),
        },
        test_wiki=False,
        release="2026-11-27.a",
        pool=PoolOptions(processes=1),
    )
    scorer = build_scorer(settings, lambda _: nullcontext(lambda *_: None))
    with serving(build_web(settings, scorer).asgi) as served:
        yield served


def test_the_page_links_to_pages_of_live_wikis_only(served: Served) -> None:
    options = re.findall(r"<option ([^>]*)>", served.ask("/").text)
    (live,) = [option for option in options if "enwiki" in option]
    assert f'data-index-url="{NOWHERE}index.php"' in live
    assert not any("data-index-url" in option for option in options if option is not live)


def test_an_operators_points_are_told_beside_the_models_own(served: Served) -> None:
    told = served.ask("/api/enwiki/models/damaging").text
    assert {"mine", "likelybad"} <= set(json.loads(told)["operating_points"])


def test_metrics_name_the_release(served: Served) -> None:
    assert 'release="2026-11-27.a"' in served.ask("/metrics").text
