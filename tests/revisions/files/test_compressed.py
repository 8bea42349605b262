"""Every packing: whole, in pieces, cut short, altered, and left in the middle."""

from __future__ import annotations

import lzma
import random
import re
import threading
from pathlib import Path

import py7zr
import pytest

from assay.errors import SourceError
from assay.revisions.files import compressed
from assay.revisions.files.compressed import PACKINGS, open_stream
from revisions.small_wiki import pack

DATA = random.Random(1).randbytes(1_500_000) + b"end"


def read_all(path: Path) -> bytes:
    with open_stream(path) as stream:
        pieces = []
        while piece := stream.read(100_000):
            pieces.append(piece)
        assert stream.packed_position() >= path.stat().st_size * 0.9
        return b"".join(pieces)


@pytest.mark.parametrize("packing", ["", *PACKINGS])
def test_what_was_packed_is_read(packing: str, tmp_path: Path) -> None:
    path = pack(DATA, tmp_path / f"x{packing}")
    assert read_all(path) == DATA


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_a_file_cut_short_is_refused(packing: str, kept: float, tmp_path: Path) -> None:
    path = pack(DATA, tmp_path / f"x{packing}")
    whole = path.read_bytes()
    path.write_bytes(whole[: max(3, int(len(whole) * kept))])
    with pytest.raises(SourceError, match="damaged or cut short"):
        read_all(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.xml", b"", "x.xml is empty"),
        ("x.xml.bz2", b"", "x.xml.bz2 is empty"),
        ("x.xml.7z", b"\n<!DOCTYPE html><html><title>Not found", "x.xml.7z is a web page"),
        ("x.xml", b"<html><title>Not found", "x.xml is a web page"),
        ("x.xml.xz", b"BZh91AY&SY", "packed as .bz2, unlike its name: rename it to end in .bz2"),
        ("x.xml", b"7z\xbc\xaf\x27\x1c\0\4", "packed as .7z, unlike its name"),
        ("x.jsonl.gz", b'{"rev_id": 1}', "not packed, unlike its name: rename it to end without .gz"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_told_from_a_damaged_one(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(message)):
        read_all(tmp_path / name)


def test_the_older_suffix_may_hold_the_newer_packing(tmp_path: Path) -> None:
    path = tmp_path / "x.lzma"
    path.write_bytes(lzma.compress(DATA))
    assert read_all(path) == DATA


@pytest.mark.parametrize("packing", [".gz", ".bz2", ".xz", ".7z"])
def test_an_altered_file_is_refused(packing: str, tmp_path: Path) -> None:
    path = pack(DATA, tmp_path / f"x{packing}")
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 255
    path.write_bytes(whole)
    with pytest.raises(SourceError, match="damaged or cut short"):
        read_all(path)


def test_reading_may_stop_anywhere(tmp_path: Path) -> None:
    path = pack(DATA, tmp_path / "x.7z")
    with open_stream(path) as stream:
        assert stream.read(10) == DATA[:10]
    assert not [thread for thread in threading.enumerate() if thread.name == "assay-7z"]


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "x.7z", "w") as archive:
        archive.writestr(b"a", "a.xml")
        archive.writestr(b"b", "b.xml")
    with pytest.raises(SourceError, match="holds 2 files"), open_stream(tmp_path / "x.7z"):
        pass


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be opened"), open_stream(tmp_path / "x.xz"):
        pass


def test_a_7z_is_unpacked_a_little_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """py7zr alone makes one piece of whatever a megabyte of archive unpacks to."""
    pieces: list[int] = []
    put = compressed._Pipe.put

    def measure(pipe: compressed._Pipe, piece: bytes | BaseException | None) -> None:
        pieces.append(len(piece) if isinstance(piece, bytes) else 0)
        put(pipe, piece)

    monkeypatch.setattr(compressed._Pipe, "put", measure)
    source = random.Random(2)
    data = b"".join(source.randbytes(10_000) * 10 for _ in range(100))
    assert read_all(pack(data, tmp_path / "x.7z")) == data
    assert 0 < max(pieces) < 200_000
