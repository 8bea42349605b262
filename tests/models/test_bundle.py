from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import stat
import zipfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import BundleError
from assay.features.lexicon import Lexicon, Lexicons
from assay.models.bundle import load_bundle
from assay.models.facts import read_manifest, read_statistics
from assay.models.files import open_files, write_directory, write_zip
from assay.models.manifest import MANIFEST, identity
from models import makers

LEXICONS = Lexicons([Lexicon.of("test.words", ["apple", "pear"]), Lexicon.of("test.bad", ["rot"])])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, _ = makers.bundle(tmp_path_factory.mktemp("whole"), lexicons=LEXICONS)
    return path


def copied(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "reverted"))


def remanifested(path: Path, **changes: Any) -> None:
    """Rewrite the manifest with changes and a digest that fits them, as an attacker would."""
    fields = orjson.loads((path / MANIFEST).read_bytes()) | changes
    fields["digest"] = identity(fields)
    option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (path / MANIFEST).write_bytes(orjson.dumps(fields, option=option))


def test_what_was_written_is_loaded(whole: Path) -> None:
    model = load_bundle(whole)
    manifest = read_manifest(whole)
    assert (model.wiki, model.name, model.version) == ("testwiki", "reverted", "1.0.0")
    assert model.digest == manifest.digest
    assert [feature.name for feature in model.features] == list(makers.COLUMNS)
    assert read_statistics(whole) == {"counts": {"n": 1}}
    assert {f.removeprefix("lexicons/") for f in makers.contents(whole) if "/" in f} == {
        "test.bad.txt.gz",
        "test.words.txt.gz",
    }


def test_directory_and_zip_give_the_same_model_and_the_zip_is_always_the_same(
    whole: Path, tmp_path: Path
) -> None:
    write_zip(tmp_path / "a.zip", makers.contents(whole))
    write_zip(tmp_path / "b.zip", dict(reversed(makers.contents(whole).items())))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    a, b = load_bundle(tmp_path / "a.zip"), load_bundle(whole)
    assert a.digest == b.digest
    assert a.score([0.3, 0.1]) == b.score([0.3, 0.1])


def test_models_share_equal_lexicons(whole: Path, tmp_path: Path) -> None:
    pool: dict[str, Lexicon] = {}
    load_bundle(whole, pool)
    before = {digest: id(lexicon) for digest, lexicon in pool.items()}
    load_bundle(copied(whole, tmp_path), pool)
    assert {digest: id(lexicon) for digest, lexicon in pool.items()} == before
    assert len(pool) == 2


@given(data=st.data())
def test_any_flipped_byte_anywhere_is_refused(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = copied(whole, tmp_path_factory.mktemp("flipped"))
    name = data.draw(st.sampled_from(sorted(makers.contents(path))))
    raw = bytearray((path / name).read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    (path / name).write_bytes(raw)
    with pytest.raises(BundleError):
        load_bundle(path)


@given(data=st.data())
def test_any_truncated_renamed_removed_or_added_file_is_refused(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = copied(whole, tmp_path_factory.mktemp("changed"))
    name = data.draw(st.sampled_from(sorted(makers.contents(path))))
    deed = data.draw(st.sampled_from(["cut", "rename", "remove", "add", "grow", "swap"]))
    if deed == "cut":
        raw = (path / name).read_bytes()
        (path / name).write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    elif deed == "rename":
        (path / name).rename(path / f"{name}x")
    elif deed == "remove":
        (path / name).unlink()
    elif deed == "add":
        (path / data.draw(st.sampled_from(["evil.py", "lexicons/more.txt.gz", "card.html"]))).write_text("x")
    elif deed == "grow":
        (path / name).write_bytes((path / name).read_bytes() + b"\n")
    else:
        other = data.draw(st.sampled_from(sorted(set(makers.contents(path)) - {name})))
        (path / name).write_bytes((path / other).read_bytes())
    with pytest.raises(BundleError):
        load_bundle(path)


@given(at=st.floats(0, 1))
def test_any_truncated_zip_is_refused(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, at: float
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    write_zip(folder / "a.zip", makers.contents(whole))
    raw = (folder / "a.zip").read_bytes()
    (folder / "cut.zip").write_bytes(raw[: int(at * (len(raw) - 1))])
    with pytest.raises(BundleError):
        load_bundle(folder / "cut.zip")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "leaves"),
        ("/evil", "leaves"),
        ("a\\..\\b", "leaves"),
        ("C:evil", "leaves"),
        ("dir/", "plain"),
    ],
)
def test_zip_entries_that_leave_the_folder_are_refused(
    whole: Path, tmp_path: Path, name: str, reason: str
) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as packed:
        for file, content in makers.contents(whole).items():
            packed.writestr(file, content)
        entry = zipfile.ZipInfo()
        entry.filename = name
        packed.writestr(entry, b"")
    with pytest.raises(BundleError, match=reason):
        load_bundle(tmp_path / "evil.zip")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_zip_is_refused_whatever_packs_it(whole: Path, tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as packed:
        for file, content in makers.contents(whole).items():
            packed.writestr(file, content)
    load_bundle(path)
    raw = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as packed:
        entry = packed.getinfo(MANIFEST)
    start = entry.header_offset + 30 + len(MANIFEST)
    for place in range(start + 20, start + entry.compress_size, 7):
        raw[place] ^= 0xFF
    path.write_bytes(raw)
    with pytest.raises(BundleError, match=r"manifest\.json is missing or cannot be read"):
        load_bundle(path)


def test_a_manifest_that_is_nested_too_deep_to_be_written_is_refused(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path)
    deep = b'{"schema_version": 1, "wiki": ' + b"[" * 300 + b"]" * 300 + b"}"
    (path / MANIFEST).write_bytes(deep)
    with pytest.raises(BundleError, match="was altered"):
        load_bundle(path)


def test_links_are_refused_in_directories_and_zips(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path)
    (path / "trees.txt").rename(tmp_path / "elsewhere")
    (path / "trees.txt").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="link"):
        load_bundle(path)
    with pytest.raises(BundleError, match="link"):  # put in place after the names were looked at
        open_files(path).read("trees.txt", 10**9)
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        for file, content in makers.contents(whole).items():
            entry = zipfile.ZipInfo(file)
            entry.external_attr = ((stat.S_IFLNK if file == "trees.txt" else stat.S_IFREG) | 0o644) << 16
            packed.writestr(entry, content)
    with pytest.raises(BundleError, match="no plain file"):
        load_bundle(tmp_path / "link.zip")


def test_a_lexicon_that_unpacks_to_too_much_is_refused(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copied(whole, tmp_path)
    bomb = gzip.compress(b"0" * 2_000_000, mtime=0)
    (path / "lexicons/test.bad.txt.gz").write_bytes(bomb)
    fields = orjson.loads((path / MANIFEST).read_bytes())
    fields["files"]["lexicons/test.bad.txt.gz"] = {
        "sha256": hashlib.sha256(bomb).hexdigest(),
        "size_bytes": len(bomb),
    }
    remanifested(path, files=fields["files"])
    monkeypatch.setattr("assay.models.bundle.MAX_LEXICON_BYTES", 1_000_000)
    with pytest.raises(BundleError, match="no gzip of at most"):
        load_bundle(path)
    monkeypatch.setattr("assay.models.bundle.MAX_LEXICON_BYTES", 10_000_000)
    with pytest.raises(BundleError, match="not the lexicon"):
        load_bundle(path)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({"schema_version": 2}, "newer Assay.*upgrade"),
        ({"schema_version": "x"}, "no bundle of Assay"),
        ({"kind": "pickle"}, "kind"),
        ({"extra": 1}, "extra"),
        ({"labels": [True, False, True]}, "labels"),
        ({"wiki": "../x"}, "wiki"),
        ({"calibration": {"scale": 0.0, "bias": [0.0]}}, "calibration"),
        ({"calibration": {"scale": 1.0, "bias": []}}, "bias"),
        ({"features": []}, "features"),
        ({"features": [{"name": "feature.nothing", "type": "int", "version": 1}]}, "has not.*upgrade"),
        ({"features": [{"name": makers.COLUMNS[0], "type": "int", "version": 9}]}, "version 9.*train"),
        ({"features": [{"name": makers.COLUMNS[0], "type": "int", "version": 1}]}, "max_feature_idx"),
        ({"kind": "multiclass", "labels": ["a", "b"]}, "bias"),
        ({"files": {}}, "files"),
    ],
)
def test_foreign_newer_and_nonsensical_manifests_say_what_to_do(
    whole: Path, tmp_path: Path, change: dict[str, Any], advice: str
) -> None:
    path = copied(whole, tmp_path)
    remanifested(path, **change)
    with pytest.raises(BundleError, match=advice):
        load_bundle(path)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"schema_version": 1}', b"[" * 100_000])
def test_rubbish_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(raw)
    with pytest.raises(BundleError):
        read_manifest(tmp_path)


def test_nothing_there_and_no_bundle_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no bundle at"):
        load_bundle(tmp_path / "absent")
    with pytest.raises(BundleError, match=r"manifest\.json is missing"):
        load_bundle(tmp_path)
    (tmp_path / "x.zip").write_bytes(b"not a zip")
    with pytest.raises(BundleError, match="no zip"):
        load_bundle(tmp_path / "x.zip")


def test_writing_again_replaces_the_whole(tmp_path: Path) -> None:
    target = tmp_path / "b"
    write_directory(target, {"a": b"1", "lexicons/x": b"2"})
    write_directory(target, {"a": b"3"})
    assert makers.contents(target) == {"a": b"3"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["b"]


def test_the_manifest_alone_needs_no_trees(whole: Path, tmp_path: Path) -> None:
    path = copied(whole, tmp_path)
    (path / "trees.txt").write_bytes(b"broken")
    assert read_manifest(path).id == "testwiki/reverted"
    with pytest.raises(BundleError, match=r"trees\.txt"):
        load_bundle(path)


def test_a_zip_of_too_many_files_is_refused(tmp_path: Path) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        for i in range(100):
            packed.writestr(f"f{i}", b"")
    (tmp_path / "many.zip").write_bytes(raw.getvalue())
    with pytest.raises(BundleError):
        load_bundle(tmp_path / "many.zip")
