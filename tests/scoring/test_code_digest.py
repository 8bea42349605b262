"""Code that can change a score changes the digest; code that cannot does not."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import assay
from assay.scoring.code_digest import LIBRARIES, PACKAGES, code_digest, own_code_digest

PACKAGE = Path(assay.__file__).parent
VERSIONS = {"numpy": "2.0"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in (*PACKAGES, "serving"):
        shutil.copytree(
            PACKAGE / folder, tmp_path / folder, ignore=shutil.ignore_patterns("lexicons", "*.pyc")
        )
    return tmp_path


def test_a_copy_has_the_digest_of_its_original(copy: Path) -> None:
    assert code_digest(copy, VERSIONS) == code_digest(PACKAGE, VERSIONS)


@pytest.mark.parametrize("folder", PACKAGES)
def test_one_letter_beneath_a_score_counts(copy: Path, folder: str) -> None:
    before = code_digest(copy, VERSIONS)
    changed = max((copy / folder).glob("*.py"), key=lambda path: path.stat().st_size)
    changed.write_text(changed.read_text() + "#")
    assert code_digest(copy, VERSIONS) != before


def test_a_file_moved_counts(copy: Path) -> None:
    before = code_digest(copy, VERSIONS)
    (copy / "features" / "text" / "diff.py").rename(copy / "models" / "diff.py")
    assert code_digest(copy, VERSIONS) != before


def test_code_above_a_score_does_not_count(copy: Path) -> None:
    before = code_digest(copy, VERSIONS)
    (copy / "serving" / "app.py").write_text("")
    assert code_digest(copy, VERSIONS) == before


def test_another_version_of_a_library_counts() -> None:
    assert code_digest(PACKAGE, VERSIONS) != code_digest(PACKAGE, {"numpy": "2.1"})


def test_the_running_code_is_read_from_where_it_runs() -> None:
    versions = {name: version(name) for name in LIBRARIES}
    versions["python"] = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert own_code_digest() == code_digest(PACKAGE, versions)
