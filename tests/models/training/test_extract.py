from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from assay.errors import ConfigurationError
from assay.features.graph.node import Feature
from assay.features.graph.plan import Plan
from assay.features.roots import REVISION_ID, TEXT
from assay.models.dataset import Dataset
from assay.models.training.examples import Example, Unusable
from assay.models.training.extract import SHARD, extract
from assay.revisions.problem import text_deleted
from assay.revisions.types import Actor, Page, Revision
from shared_data import ROOT


def _fussy(rev_id: int, text: str) -> int:
    if rev_id % 100 == 13:
        raise ZeroDivisionError("unlucky")
    return rev_id * len(text)


PLAIN = Feature("feature.test.id", "The id.", (REVISION_ID,), lambda rev_id: rev_id, type="int")
FUSSY = Feature("feature.test.fussy", "Fails now and then.", (REVISION_ID, TEXT), _fussy, type="int")
FEATURES = (PLAIN, FUSSY)


class Numbers:
    """Revisions 1 … total; every 50th hidden, every 70th unusable. `stop`: raise there, once."""

    given: frozenset[str] = frozenset()

    def __init__(self, total: int, stop: int | None = None, identity: str = "numbers") -> None:
        self.total, self.stop, self.identity = total, stop, identity
        self.begun: list[int] = []

    def since(self, position: int) -> Iterator[Example | Unusable]:
        self.begun.append(position)
        for i in range(position + 1, self.total + 1):
            if i == self.stop:
                raise KeyboardInterrupt
            if i % 70 == 0:
                yield Unusable("revision_not_found")
                continue
            text = text_deleted(i) if i % 50 == 0 else "abc"
            when = datetime(2020, 1, 1, tzinfo=UTC)
            yield Example(
                Revision(i, Page("P"), Actor("A", False), when, "", text), {"rev_id": i, "label": i % 2}
            )


def unusable(target: Path) -> Any:
    """How many examples gave no row, by code, as it is told beside a data set."""
    return orjson.loads(target.with_name(f"{target.name}.json").read_bytes())["unusable"]


def test_values_columns_and_what_was_unusable(tmp_path: Path) -> None:
    done = extract(Numbers(300), FEATURES, tmp_path / "d.npz")
    assert unusable(tmp_path / "d.npz") == {"revision_not_found": 4, "text_deleted": 6, "feature_failed": 3}
    assert len(done) == 300 - 13
    assert (done.x[:, 1] == done.x[:, 0] * 3).all()
    assert done["rev_id"].tolist() == done.x[:, 0].tolist()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["d.npz", "d.npz.json"]


def test_interrupted_it_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    whole = extract(Numbers(3 * SHARD), FEATURES, tmp_path / "whole.npz")
    with pytest.raises(KeyboardInterrupt):
        extract(Numbers(3 * SHARD, stop=2 * SHARD + 9), FEATURES, tmp_path / "d.npz")
    examples = Numbers(3 * SHARD)
    told: list[tuple[int, int, int]] = []
    done = extract(examples, FEATURES, tmp_path / "d.npz", progress=lambda *step: told.append(step))
    assert examples.begun == [2 * SHARD]
    assert done.digest == whole.digest
    assert unusable(tmp_path / "d.npz") == unusable(tmp_path / "whole.npz")
    assert [step[0] for step in told] == [2 * SHARD, 3 * SHARD]
    again = Numbers(3 * SHARD)
    assert extract(again, FEATURES, tmp_path / "d.npz").digest == whole.digest
    assert again.begun == []


def test_killed_with_sigkill_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path\n"
        "from models.training.test_extract import Numbers, FEATURES, SHARD\n"
        "from assay.models.training.extract import extract\n"
        "def progress(done, total, rows):\n"
        "    if done == 2 * SHARD: os.kill(os.getpid(), signal.SIGKILL)\n"
        "extract(Numbers(4 * SHARD), FEATURES, Path(sys.argv[2]), progress=progress)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, ROOT / "tests", tmp_path / "d.npz"], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert [entry.name for entry in tmp_path.iterdir()] == ["d.npz.parts"]
    done = extract(Numbers(4 * SHARD), FEATURES, tmp_path / "d.npz")
    whole = extract(Numbers(4 * SHARD), FEATURES, tmp_path / "whole.npz")
    assert done.digest == whole.digest


def test_of_two_at_once_the_second_is_refused_and_no_row_is_doubled(tmp_path: Path) -> None:
    target = tmp_path / "d.npz"

    class Twice(Numbers):
        def since(self, position: int) -> Iterator[Example | Unusable]:
            yield from super().since(position)
            with pytest.raises(ConfigurationError, match="by another process"):
                extract(Numbers(self.total), FEATURES, target)

    made = extract(Twice(2 * SHARD + 9), FEATURES, target)
    assert made.digest == extract(Numbers(2 * SHARD + 9), FEATURES, tmp_path / "once.npz").digest


def test_other_examples_or_features_are_not_mixed_in(tmp_path: Path) -> None:
    extract(Numbers(20), FEATURES, tmp_path / "d.npz")
    with pytest.raises(ConfigurationError, match="remove them, or give another place"):
        extract(Numbers(20, identity="others"), FEATURES, tmp_path / "d.npz")
    with pytest.raises(ConfigurationError, match="remove them, or give another place"):
        extract(Numbers(20), (replace(PLAIN, version=2), FUSSY), tmp_path / "d.npz")


def test_a_source_without_one_usable_row_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no example gave a row"):
        extract(Numbers(0), FEATURES, tmp_path / "d.npz")


def test_given_values_replace_what_would_be_computed(tmp_path: Path) -> None:
    class Given(Numbers):
        given = frozenset({"feature.test.id"})

        def since(self, position: int) -> Iterator[Example | Unusable]:
            for example in super().since(position):
                assert isinstance(example, Example)
                yield replace(example, given={"feature.test.id": -1})

    twice = Feature("feature.test.twice", "Doubled.", (PLAIN,), lambda value: 2 * value, type="int")
    done = extract(Given(10), (twice,), tmp_path / "d.npz")
    assert set(done.x[:, 0]) == {-2}
    assert Plan((twice,)).nodes


def test_a_saved_extraction_is_a_data_set(tmp_path: Path) -> None:
    done = extract(Numbers(5), FEATURES, tmp_path / "d.npz")
    assert Dataset.load(tmp_path / "d.npz").digest == done.digest
