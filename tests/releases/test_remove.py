"""Releases are kept until somebody says so, and never taken from under a slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases import slots
from assay.releases.install import install
from assay.releases.remove import remove
from assay.releases.root import Root
from assay.releases.tree import discard
from releases.small_release import small_release


@pytest.fixture
def release(root: Root) -> str:
    root.releases.mkdir(parents=True)
    name = small_release(root.releases).name
    install(root, name)
    return name


def test_it_is_gone(root: Root, release: str) -> None:
    remove(root, release)
    assert root.ids() == ()
    assert list(root.releases.iterdir()) == []
    with pytest.raises(ReleaseNotFound):
        remove(root, release)


def test_whoever_looks_meanwhile_finds_it_whole_or_not_at_all(
    root: Root, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill is such a look: a removal is not done file by file under the release's name."""
    is_there: list[bool] = []

    def noted_discard(folder: Path) -> None:
        if folder.exists():
            is_there.append(root.release(release).exists())
        discard(folder)

    monkeypatch.setattr("assay.releases.remove.discard", noted_discard)
    remove(root, release)
    assert is_there == [False]


def test_what_is_no_folder_is_no_release(root: Root, release: str) -> None:
    (root.releases / "file-0123456789ab").touch()
    with pytest.raises(ReleaseNotFound, match="there is no release file-0123456789ab"):
        remove(root, "file-0123456789ab")


def test_not_from_under_a_slot(root: Root, release: str) -> None:
    slots.point(root, "blue", release)
    with pytest.raises(ReleaseError, match="blue still points to"):
        remove(root, release)
    assert root.ids() == (release,)


def test_what_a_killed_removal_left_is_cleared(root: Root, release: str) -> None:
    root.release(release).rename(root.releases / f".{release}.removed")
    with pytest.raises(ReleaseNotFound):
        remove(root, release)
    assert list(root.releases.iterdir()) == []


def test_of_a_release_on_another_disk_the_link_is_removed(root: Root, release: str, tmp_path: Path) -> None:
    outside = root.release(release).rename(tmp_path / "outside")
    root.release(release).symlink_to(outside)
    remove(root, release)
    assert list(root.releases.iterdir()) == []
    assert (outside / "release.json").is_file()


def test_what_a_killed_fetch_left_is_cleared_too(root: Root, release: str) -> None:
    (root.releases / f".{release}.part").mkdir()
    remove(root, release)
    assert list(root.releases.iterdir()) == []
    (root.releases / f".{release}.part").mkdir()
    with pytest.raises(ReleaseNotFound):
        remove(root, release)
    assert list(root.releases.iterdir()) == []


def test_a_damaged_release_can_be_removed(root: Root, release: str) -> None:
    (root.release(release) / "release.json").write_text("{}")
    remove(root, release)
    assert list(root.releases.iterdir()) == []
