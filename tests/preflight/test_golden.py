"""The golden scores of the release that runs, and of no other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.compose.releases import golden_scores
from assay.preflight.golden import golden_of, own_release
from assay.releases.manifest import GOLDEN, MANIFEST
from assay.revisions.index.progress import ReportProgress
from assay.settings import Settings, load

RELEASE = "calm-owl-0123456789ab"


@contextlib.contextmanager
def quietly(_: str) -> Iterator[ReportProgress]:
    yield lambda progress: None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a release's, with golden scores of the sample wiki."""
    folder = tmp_path_factory.mktemp("releases") / RELEASE
    folder.mkdir()
    (folder / MANIFEST).write_text("{}")
    (folder / GOLDEN).write_bytes(golden_scores(settings(folder), quietly, 1, {}))
    return folder


def settings(folder: Path, release: str = RELEASE) -> Settings:
    return load(environment={"ASSAY_RELEASE": release, "ASSAY_CACHE_DIR": str(folder.parent)})


def test_exact_scores_have_no_differences(folder: Path) -> None:
    golden = golden_of(settings(folder), folder)
    assert golden is not None
    assert golden.prove() == []


def test_one_changed_digit_is_a_difference(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / RELEASE
    own.mkdir()
    (own / MANIFEST).write_text("{}")
    content = (folder / GOLDEN).read_bytes()
    place = content.index(b"0.") + 2
    digit = b"1" if content[place : place + 1] != b"1" else b"2"
    (own / GOLDEN).write_bytes(content[:place] + digit + content[place + 1 :])
    golden = golden_of(settings(folder), own)
    assert golden is not None
    assert len(golden.prove()) == 1


@pytest.mark.parametrize("content", [None, b"", b"rubbish"])
def test_golden_scores_that_are_not_there_are_a_difference(
    folder: Path, tmp_path: Path, content: bytes | None
) -> None:
    own = tmp_path / RELEASE
    own.mkdir()
    (own / MANIFEST).write_text("{}")
    if content is not None:
        (own / GOLDEN).write_bytes(content)
    golden = golden_of(settings(folder), own)
    assert golden is not None
    assert len(golden.prove()) == 1


def test_a_process_of_no_release_or_of_another_one_has_none(folder: Path, tmp_path: Path) -> None:
    assert golden_of(settings(folder)) is None  # the source tree
    assert golden_of(settings(folder, "other-owl-0123456789ab"), folder) is None
    assert golden_of(settings(folder, tmp_path.name), tmp_path) is None
    assert (own_release() / "src" / "assay").is_dir()
