"""Made-up texts: no two alike, and none that our own models stumble over."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from assay.models.library import shipped_folder
from assay.rollout.evidence.texts import MAX_PIECES, ODD, ORDINARY, made_text
from assay.scoring.codec import decode_job, encode_job
from assay.scoring.pool.loading import load_models
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.scoring.wikis import ModelSets

WIKIS = ("enwiki", "frwiki", "ruwiki")
LONGEST = MAX_PIECES * (max(map(len, (*ODD, *ORDINARY))) + 20)


@pytest.fixture(scope="module")
def models() -> ModelSets:
    paths = sorted(shipped_folder().glob("*/*/manifest.json"))
    return load_models([str(path.parent) for path in paths if path.parts[-3] in WIKIS], {})


def test_no_two_are_alike_and_none_is_long() -> None:
    chance = random.Random(1)
    texts = {made_text(chance) for _ in range(2000)}
    assert len(texts) == 2000
    assert max(map(len, texts)) <= LONGEST


@pytest.mark.parametrize("piece", [*ODD, *ORDINARY], ids=lambda piece: ascii(piece[:20]))
def test_every_piece_is_scored_by_every_kind_of_model(models: ModelSets, piece: str) -> None:
    plans = PlanCache()
    for wiki in WIKIS:
        own = models.of(wiki)
        revision = replace(synthetic_revision(5), text=piece)
        job = decode_job(encode_job(Job(wiki, tuple(own), revision, features=True)))
        assert all(isinstance(cell, Scored) for cell in compute(job, own, plans).cells.values())
