"""What is plugged together for which settings."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from assay.compose.scorer import build_scorer
from assay.scoring.synthetic import TEST_WIKI
from assay.settings import Settings, WikiSettings


@pytest.mark.parametrize("test_wiki", [True, False])
def test_the_test_wiki_is_served_when_it_is_wanted(test_wiki: bool, tmp_path: Path) -> None:
    (tmp_path / "small.jsonl").write_text("")
    settings = Settings(wikis={"smallwiki": WikiSettings(str(tmp_path / "small.jsonl"))})
    scorer = build_scorer(replace(settings, test_wiki=test_wiki), lambda _: nullcontext(lambda *_: None))
    asyncio.run(scorer.service.aclose())
    assert set(scorer.service.wikis) == {"smallwiki", *([TEST_WIKI] if test_wiki else [])}
