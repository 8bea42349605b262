"""Which releases a root has, and who may work on them."""

from __future__ import annotations

import pytest

from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases.manifest import MANIFEST
from assay.releases.root import Root, read_manifest
from releases.small_release import small_release


def test_only_whole_releases_are_listed(root: Root) -> None:
    assert root.ids() == (), "before there is a folder"
    root.releases.mkdir(parents=True)
    second, first = (small_release(root.releases, name).name for name in ("second", "first"))
    (root.releases / f".part-{first}").mkdir()
    (root.releases / f".part-{first}" / MANIFEST).touch()
    (root.releases / "half-0123456789ab").mkdir()
    assert root.ids() == (first, second)
    assert root.has(first)
    assert not root.has("half-0123456789ab")


def test_what_is_not_there_is_told_with_what_is(root: Root) -> None:
    with pytest.raises(ReleaseNotFound, match="there are: none"):
        root.manifest("other-0123456789ab")
    root.releases.mkdir(parents=True)
    name = small_release(root.releases, "first").name
    with pytest.raises(ReleaseNotFound, match=f"there are: {name}"):
        root.manifest("other-0123456789ab")
    assert root.manifest(name).id == name


def test_a_manifest_is_read_from_a_plain_file_only(root: Root) -> None:
    root.releases.mkdir(parents=True)
    folder = small_release(root.releases, "first")
    with pytest.raises(ReleaseError):
        read_manifest(folder, "other-0123456789ab")
    root.release("other-0123456789ab").symlink_to(folder)
    with pytest.raises(ReleaseError, match="altered or is another release's"):
        root.manifest("other-0123456789ab")
    (folder / MANIFEST).rename(folder / "elsewhere.json")
    with pytest.raises(ReleaseNotFound, match=f"No such file or directory: {MANIFEST}"):
        read_manifest(folder)
    (folder / MANIFEST).mkdir()
    with pytest.raises(ReleaseNotFound, match=f"Is a directory: {MANIFEST}"):
        read_manifest(folder)
    (folder / MANIFEST).rmdir()
    (folder / MANIFEST).symlink_to(folder / "elsewhere.json")
    with pytest.raises(ReleaseError, match="plain files only"):
        read_manifest(folder, folder.name)


def test_what_another_process_works_on_is_refused_with_what_to_do(root: Root) -> None:
    with root.lock("release-x"):
        with (
            pytest.raises(ReleaseError, match="at work on release-x for long: see what it does"),
            root.lock("release-x", limit_s=-1.0),
        ):
            raise AssertionError("two had it")
        with root.lock("release-y", limit_s=-1.0):
            pass
    with root.lock("release-x", limit_s=-1.0):
        pass


def test_a_failure_gives_the_lock_back(root: Root) -> None:
    with pytest.raises(ZeroDivisionError), root.lock("build"):
        raise ZeroDivisionError
    with root.lock("build", limit_s=-1.0):
        pass
