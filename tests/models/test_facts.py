"""What a bundle says of itself: only what its manifest proves, and never more than the limits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest

from assay.errors import BundleError
from assay.models import facts
from assay.models.facts import proved, read_manifest, read_statistics
from assay.models.files import open_files
from assay.models.manifest import MANIFEST, FileEntry, sealed
from models import makers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return makers.bundle(tmp_path)[0]


def entry(content: bytes) -> FileEntry:
    return FileEntry(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))


def with_statistics(path: Path, content: bytes) -> None:
    """Of another content, which the manifest proves."""
    fields = read_manifest(path).model_dump(mode="json")
    fields["files"]["statistics.json"] = entry(content).model_dump(mode="json")
    (path / "statistics.json").write_bytes(content)
    (path / MANIFEST).write_bytes(sealed(fields).to_bytes())


def test_a_file_is_read_once_it_is_what_the_manifest_says(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    files = open_files(tmp_path)
    assert proved(files, "a", entry(b"content"), 7) == b"content"
    with pytest.raises(BundleError, match="a is said to have 7 bytes; the limit is 6"):
        proved(files, "a", entry(b"content"), 6)
    with pytest.raises(BundleError, match=r"a has 7 bytes, not 8 \(cut short\?\)"):
        proved(files, "a", entry(b"content!"), 100)
    with pytest.raises(BundleError, match="a was altered"):
        proved(files, "a", entry(b"Content"), 100)


def test_facts_need_no_trees(path: Path) -> None:
    (path / "trees.txt").write_text("no trees at all")
    assert read_manifest(path).model == "reverted"
    assert read_statistics(path) == {"counts": {"n": 1}}


@pytest.mark.parametrize("content", [b"[]", b"7", b"{", b""])
def test_statistics_are_an_object(path: Path, content: bytes) -> None:
    with_statistics(path, content)
    with pytest.raises(BundleError, match=r"statistics\.json is no JSON object: train the bundle again"):
        read_statistics(path)


def test_other_statistics_are_not_believed(path: Path) -> None:
    (path / "statistics.json").write_bytes(orjson.dumps({"counts": {"n": 2}}) + b"\n")
    with pytest.raises(BundleError, match=r"statistics\.json was altered"):
        read_statistics(path)


def test_both_have_limits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (path / "statistics.json").stat().st_size
    monkeypatch.setattr(facts, "MAX_STATISTICS_BYTES", size)
    assert read_statistics(path)
    monkeypatch.setattr(facts, "MAX_STATISTICS_BYTES", size - 1)
    with pytest.raises(BundleError, match=f"the limit is {size - 1}"):
        read_statistics(path)
    monkeypatch.setattr(facts, "MAX_MANIFEST_BYTES", 10)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_manifest(path)
