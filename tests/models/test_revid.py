from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assay.features.graph.injection import decode_injection
from assay.features.graph.plan import Plan
from assay.models.bundle import load_bundle
from assay.models.files import write_directory
from assay.models.revid import MAX_DELAY_S, RevIdModel
from assay.models.training.assemble import assemble, revid_parts
from assay.models.trees import sigmoid
from assay.revisions.types import Actor, Page, Revision

MODEL = RevIdModel("testwiki", "revid", "1.0.0", "0" * 64)


def revision(rev_id: int) -> Revision:
    return Revision(
        rev_id, Page("P"), Actor("A", False), datetime(2020, 1, 1, tzinfo=UTC), comment="", text="text"
    )


@pytest.mark.parametrize(
    ("rev_id", "probability"),
    [(974623, 0.32), (23754929, 0.92), (5, 0.5), (10, 0.01), (100, 0.0), (99, 0.99), (1, 0.1)],
)
def test_the_last_two_digits_reversed(rev_id: int, probability: float) -> None:
    row = Plan(MODEL.features).run(revision(rev_id)).row(MODEL.features)
    assert isinstance(row, list)
    score = MODEL.score(row)
    assert score.probability[True] == probability
    assert score.prediction is (probability > 0.5)
    told = MODEL.explain(row)
    assert math.isclose(sigmoid(told.base[True] + sum(told.contributions[True])), probability, abs_tol=1e-9)


def test_an_injected_delay_is_really_waited_but_bounded() -> None:
    waited: list[float] = []
    model = RevIdModel("testwiki", "revid", "1.0.0", "0" * 64, sleep=waited.append)
    for delay in (0.25, 1e9, -3.0):
        injection = decode_injection(model.features, {"feature.delay": delay})
        row = Plan(model.features, frozenset(injection)).run(revision(7), injection).row(model.features)
        assert isinstance(row, list)
        model.score(row)
    assert waited == [0.25, MAX_DELAY_S]


def test_the_real_clock_passes() -> None:
    began = time.monotonic()
    MODEL.score([12, 0.02])
    assert time.monotonic() - began >= 0.02


def test_it_ships_as_a_bundle_like_others(tmp_path: Path) -> None:
    manifest, files = assemble(revid_parts())
    write_directory(tmp_path / "revid", files)
    model = load_bundle(tmp_path / "revid")
    assert (model.wiki, model.name, model.digest) == ("testwiki", "revid", manifest.digest)
    assert model.score([32, 0.0]).probability == {True: 0.32, False: 0.6799999999999999}
