"""A bundle's files: whatever is no plain file of the right size is refused before it is read."""

from __future__ import annotations

import os
import resource
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from assay.errors import BundleError
from assay.models import files
from assay.models.files import open_files, write_directory, write_zip

CONTENTS = {"a": b"1", "folder/b": b"22"}


@pytest.fixture(params=["directory", "zip"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same files, in either form."""
    if request.param == "zip":
        write_zip(tmp_path / "b.zip", CONTENTS)
        return tmp_path / "b.zip"
    write_directory(tmp_path / "b", CONTENTS)
    return tmp_path / "b"


def test_names_and_contents(bundle: Path) -> None:
    found = open_files(bundle)
    assert found.names() == set(CONTENTS)
    assert {name: found.read(name, 2) for name in found.names()} == CONTENTS


def test_a_file_may_be_as_long_as_the_limit_and_no_longer(bundle: Path) -> None:
    found = open_files(bundle)
    assert found.read("folder/b", 2) == b"22"
    with pytest.raises(BundleError, match=r"^folder/b has more than 1 bytes: get the bundle again$"):
        found.read("folder/b", 1)


@pytest.mark.parametrize("name", ["absent", "a/b", "nul\0"])
def test_a_file_that_is_not_there_is_named(bundle: Path, name: str) -> None:
    with pytest.raises(BundleError, match="is missing or cannot be read"):
        open_files(bundle).read(name, 9)


@pytest.mark.parametrize("write", [write_directory, write_zip])
def test_as_many_files_as_the_limit_and_no_more(
    write: Callable[[Path, Mapping[str, bytes]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for count in (3, 4):
        target = tmp_path / str(count)
        write(target, {f"f{number}": b"" for number in range(count)})
    assert len(open_files(tmp_path / "3").names()) == 3
    with pytest.raises(BundleError, match="more than 3 files: this is no bundle of Assay"):
        open_files(tmp_path / "4").names()


def test_folders_without_files_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 3)
    for number in range(4):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(BundleError, match="more than 3 files"):
        open_files(tmp_path).names()


def test_links_to_files_and_folders_and_devices_are_refused_by_name(tmp_path: Path) -> None:
    targets: dict[str, Path | None] = {
        "file": Path(__file__),
        "folder": tmp_path,
        "nowhere": tmp_path / "absent",
        "pipe": None,
    }
    for name, target in targets.items():
        folder = tmp_path / f"with-{name}"
        folder.mkdir()
        if target is None:
            os.mkfifo(folder / name)
        else:
            (folder / name).symlink_to(target)
        with pytest.raises(BundleError, match=rf"^{name} is a link or a device"):
            open_files(folder).names()


def test_a_folder_that_was_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    """After the names were looked at, and before the file is read."""
    write_directory(tmp_path / "b", CONTENTS)
    (tmp_path / "b" / "folder").rename(tmp_path / "elsewhere")
    (tmp_path / "b" / "folder").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="folder/b is a link"):
        open_files(tmp_path / "b").read("folder/b", 9)


def test_a_zip_larger_than_all_files_may_be_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_zip(tmp_path / "b.zip", CONTENTS)
    size = (tmp_path / "b.zip").stat().st_size
    monkeypatch.setattr(files, "MAX_FILES", 2)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", (size + 1) // 2)
    assert open_files(tmp_path / "b.zip").names() == set(CONTENTS)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", (size - 1) // 2)
    with pytest.raises(BundleError, match=r"b\.zip is too large for a bundle"):
        open_files(tmp_path / "b.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("a", b"1")
        packed.writestr("a", b"2")
    with pytest.raises(BundleError, match="the same name"):
        open_files(tmp_path / "b.zip").names()


@pytest.mark.parametrize("leftover", [".b.part", ".b.old"])
def test_a_link_in_a_bundles_place_is_not_followed(tmp_path: Path, leftover: str) -> None:
    """In a folder like /tmp anybody may have put one there."""
    write_directory(tmp_path / "b", {"a": b"old"})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_bytes(b"untouched")
    (tmp_path / leftover).symlink_to(tmp_path / "elsewhere")
    write_directory(tmp_path / "b", CONTENTS)
    assert open_files(tmp_path / "b").names() == set(CONTENTS)
    assert not (tmp_path / "b").is_symlink()
    assert (tmp_path / "elsewhere" / "a").read_bytes() == b"untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"b", "elsewhere"}


def test_a_folder_that_cannot_be_taken_away_is_not_written_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's, whose files he could change."""
    (tmp_path / ".b.part").mkdir()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(FileExistsError, match=r"\.b\.part"):
        write_directory(tmp_path / "b", CONTENTS)


def test_a_full_disk_is_told_with_the_bundles_name_and_leaves_the_one_before(tmp_path: Path) -> None:
    write_directory(tmp_path / "b", CONTENTS)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as refusal:
            write_directory(tmp_path / "b", {"a": b"3", "trees": bytes(100_001)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refusal.value.filename == str(tmp_path / "b")
    assert open_files(tmp_path / "b").names() == set(CONTENTS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]


def test_what_a_killed_writer_left_is_swept_away(tmp_path: Path) -> None:
    for leftover in (".b.part", ".b.old"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "stale").touch()
    write_directory(tmp_path / "b", CONTENTS)
    write_directory(tmp_path / "b", {"a": b"3"})
    assert open_files(tmp_path / "b").names() == {"a"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]
