"""One real release of this very tree, built once: wheel, bundles, golden scores of the sample wiki."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.compose.releases import BuildRequest, build_release
from assay.releases.build import GoldenChoice
from assay.releases.install import install
from assay.releases.root import Root
from assay.releases.wheel import build_wheel
from releases.small_release import small_release
from shared_data import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the code under test."""
    return build_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def real_root(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Root:
    """A release root with one real release, for tests that leave it as it is. Without configuration: the
    sample wiki, by the models of English Wikipedia and those for any wiki; and the test wiki."""
    root = Root(tmp_path_factory.mktemp("real") / "root")
    request = BuildRequest("real", ROOT, wheel, golden=GoldenChoice(count=3))
    build_release(request, root, root.releases)
    return root


@pytest.fixture(scope="session")
def real_release(real_root: Root) -> Path:
    (release_id,) = real_root.ids()
    return real_root.release(release_id)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """An empty one."""
    return Root(tmp_path / "root")


@pytest.fixture
def two(root: Root) -> tuple[str, str]:
    """Two installed releases."""
    root.releases.mkdir(parents=True)
    first, second = (small_release(root.releases, name).name for name in ("first", "second"))
    install(root, first)
    install(root, second)
    return first, second


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small release, outside of any root."""
    return small_release(tmp_path)
