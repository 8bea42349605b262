"""What a kill or a power cut leaves is a file as it was, or as it was to become."""

from __future__ import annotations

import errno
import os
import resource
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay import durable
from assay.durable import cut_torn_line, open_kept, replacing, write_durably


def test_a_file_is_put_in_place_whole_with_its_mode_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "launcher"
    write_durably(path, b"old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    before = path.stat().st_ino
    write_durably(path, b"new", mode=0o755)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o755)
    assert path.stat().st_ino != before, "who reads the old one goes on reading it"
    assert list(path.parent.iterdir()) == [path]


def test_until_the_end_and_after_a_failure_the_old_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as stream:
            stream.write(b"half of the new")
            assert path.read_bytes() == b"old"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    with replacing(path) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new", "and what the failure left is no part of it"


def test_a_disk_that_is_full_is_told_with_the_files_name_and_keeps_the_room(tmp_path: Path) -> None:
    """Somebody who has several disks must know which; and half a file helps nobody."""
    path = tmp_path / "rows.npz"
    path.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"rows\.npz") as full, replacing(path) as stream:
            stream.write(b"a" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert full.value.errno == errno.EFBIG
    assert full.value.filename == str(path)
    assert {it.name: it.read_bytes() for it in tmp_path.iterdir()} == {"rows.npz": b"old"}


def test_a_link_stays_one_and_leads_to_the_new_file(tmp_path: Path) -> None:
    """As /dev/stdout does, which root could replace."""
    (tmp_path / "elsewhere").mkdir()
    path, link = tmp_path / "elsewhere" / "file", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    write_durably(link, b"new")
    assert (link.is_symlink(), path.read_bytes()) == (True, b"new")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("mode", "owners", "is_strangers"),
    [
        (0o41777, (7, 0), True),
        (0o41777, (1, 0), False),
        (0o41777, (7, 7), False),
        (0o41755, (7, 0), False),
        (0o40777, (7, 0), False),
    ],
    ids=["a stranger's", "one's own", "of the folder's owner", "who may write there", "not sticky"],
)
def test_whose_a_link_is_matters_where_all_may_write(
    mode: int, owners: tuple[int, int], is_strangers: bool
) -> None:
    """Root, who writes to /tmp/labels.tsv, would have replaced a file of the stranger's choice."""
    link, folder = (
        os.stat_result((mode_, 0, 0, 1, owner, 0, 0, 0, 0, 0))
        for mode_, owner in zip((0o120777, mode), owners, strict=True)
    )
    assert durable._is_strangers(link, folder, 1) is is_strangers


def test_a_strangers_link_is_refused_and_its_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    monkeypatch.setattr(durable, "_is_strangers", lambda *_: True)
    with pytest.raises(PermissionError, match="a link of another user"):
        write_durably(link, b"new")
    assert path.read_bytes() == b"old"


def test_what_lies_in_the_place_of_a_new_file_is_not_written_to(tmp_path: Path) -> None:
    """Whoever may put files into the folder could name one of ours there, or keep his own open."""
    victim, part = tmp_path / "victim", tmp_path / ".file.part"
    victim.write_bytes(b"untouched")
    for lay in (part.symlink_to, part.hardlink_to):
        lay(victim)
        write_durably(tmp_path / "file", b"new")
        assert (victim.read_bytes(), (tmp_path / "file").read_bytes()) == (b"untouched", b"new")
    assert victim.stat().st_nlink == 1


def test_a_strangers_file_is_not_written_further(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(path)
    with os.fdopen(open_kept(link), "wb") as file:
        file.write(b"one's own")
    assert path.read_bytes() == b"one's own"
    monkeypatch.setattr(durable, "_is_strangers", lambda file, *_: stat.S_ISREG(file.st_mode))
    with pytest.raises(PermissionError, match=f"a file of another user in a folder for all: '{path}'"):
        open_kept(link)
    monkeypatch.setattr(durable, "_is_strangers", lambda file, *_: stat.S_ISLNK(file.st_mode))
    with pytest.raises(PermissionError, match=f"a link of another user in a folder for all: '{link}'"):
        open_kept(link)
    assert path.read_bytes() == b"one's own"


def test_a_link_that_comes_after_the_look_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "victim")
    monkeypatch.setattr(durable, "behind_link", lambda path: path)
    with pytest.raises(OSError, match="symbolic links"):
        open_kept(link)
    assert not (tmp_path / "victim").exists()


def test_a_link_that_leads_to_itself_is_told_as_such(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(OSError, match="symbolic links") as refused:
        write_durably(link, b"new")
    assert (refused.value.errno, refused.value.filename) == (errno.ELOOP, str(link))


def test_a_full_disk_of_another_file_keeps_that_files_name(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/other/disk")
    with pytest.raises(OSError, match="other/disk"), replacing(tmp_path / "file"):
        raise full
    assert full.filename == "/other/disk"


def test_the_disk_has_the_content_before_the_name_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def fsync(handle: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"
        seen.append((kind, {path.name: path.read_bytes() for path in tmp_path.iterdir()}))

    monkeypatch.setattr(os, "fsync", fsync)
    with replacing(tmp_path / "file") as stream:
        stream.write(b"content")
    assert seen == [("file", {".file.part": b"content"}), ("folder", {"file": b"content"})]


@given(st.binary(max_size=30).map(lambda text: text.replace(b"x", b"\n")), st.integers(1, 8))
def test_a_torn_line_is_cut_off_wherever_it_begins(text: bytes, piece: int) -> None:
    with tempfile.TemporaryFile() as file, pytest.MonkeyPatch.context() as small:
        small.setattr(durable, "_PIECE_BYTES", piece)
        file.write(text)
        whole = text[: text.rfind(b"\n") + 1]
        assert cut_torn_line(file) == len(whole)
        file.seek(0)
        assert file.read() == whole


def test_a_file_of_whole_lines_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b"1\n2\n")
    os.utime(path, ns=(0, 0))
    with path.open("r+b") as file:
        assert cut_torn_line(file) == 4
    assert path.stat().st_mtime_ns == 0
