"""Wheels are built the same twice, without shipped bundles, and refused when they are more than Python."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from assay.errors import ConfigurationError, ReleaseError
from assay.releases.tree import entry_of, plain_files
from assay.releases.wheel import build_patched_wheel, build_wheel, contents, patched_copy, unpack, version_of
from releases.small_release import small_wheel
from shared_data import ROOT


def test_the_same_tree_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert entry_of(build_wheel(ROOT, tmp_path)) == entry_of(wheel)


def test_it_holds_the_code_and_no_bundles(wheel: Path) -> None:
    names = set(contents(wheel))
    tree = {f"assay/{p}" for p in plain_files(ROOT / "src/assay", besides={"bundles"}) if p.endswith(".py")}
    assert tree <= names
    assert "assay/sample/samplewiki.xml" in names
    assert not any(name.startswith("assay/bundles/") for name in names)
    assert version_of(wheel) == "1.0.0.dev0"


def test_a_patched_wheel_differs_in_the_patch_alone(wheel: Path, tmp_path: Path) -> None:
    patched = build_patched_wheel(ROOT, tmp_path, {"src/assay/clock.py": b"# patched\n"})
    before, after = contents(wheel), contents(patched)
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"assay/clock.py", next(name for name in before if name.endswith("/RECORD"))}


def test_what_a_run_leaves_in_the_tree_is_in_no_wheel(wheel: Path, tmp_path: Path) -> None:
    """Wherever the tree lies: a name on its path may be one that .gitignore has, too."""
    source = patched_copy(ROOT, tmp_path / "build" / "work" / "main", {})
    for ignored in (source / ".gitignore", source / "src/assay/sample/samplewiki.xml.index.sqlite"):
        ignored.write_text("work/\n", "utf-8")
    assert entry_of(build_wheel(source, tmp_path)) == entry_of(wheel)


def test_unpacked_is_what_was_packed(wheel: Path, tmp_path: Path) -> None:
    unpack(wheel, tmp_path / "code")
    assert {p: (tmp_path / "code" / p).read_bytes() for p in plain_files(tmp_path / "code")} == contents(
        wheel
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("../evil.py", "leads out"),
        ("/etc/evil.py", "leads out"),
        ("assay/../../evil.py", "leads out"),
        ("assay//evil.py", "leads out"),
        ("assay\\evil.py", "leads out"),
        (".", "leads out"),
        ("c:/evil.py", "leads out"),
        ("assay/fast.so", "not plain Python"),
        ("evil.pth", "not plain Python"),
        ("assay-0.1.data/scripts/evil", "not plain Python"),
        ("assay/__pycache__/cli.cpython-311.pyc", "only sources"),
    ],
)
def test_what_is_more_than_plain_python_is_refused(tmp_path: Path, name: str, fault: str) -> None:
    with pytest.raises(ReleaseError, match=fault):
        contents(small_wheel(tmp_path, more={name: ""}))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = small_wheel(tmp_path)
    with zipfile.ZipFile(path, "a") as packed, pytest.warns(UserWarning, match="Duplicate"):
        packed.writestr("assay/cli.py", "print('another')")
    with pytest.raises(ReleaseError, match="is there twice"):
        contents(path)


def test_damage_is_refused(tmp_path: Path) -> None:
    path = small_wheel(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ReleaseError, match="no wheel, or damaged"):
        contents(path)
    flipped = bytearray(whole)
    flipped[whole.index(b"ASSAY_RELEASE")] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(ReleaseError, match=r"cli\.py.* cannot be unpacked"):
        contents(path)


def test_more_than_the_list_announces_is_never_unpacked(tmp_path: Path) -> None:
    """The list says one byte, so that the sum of all is small."""
    path = small_wheel(tmp_path, code="x" * 1000)
    packed = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as whole:
        place = whole.start_dir
    at = packed.index(b"assay/cli.py", place) - 46 + 24  # of the uncompressed size in the list's entry
    assert packed[at : at + 4] == (1000).to_bytes(4, "little")
    packed[at : at + 4] = (1).to_bytes(4, "little")
    path.write_bytes(packed)
    with pytest.raises(ReleaseError, match=r"cli\.py.* cannot be unpacked"):
        contents(path)


def test_a_wheel_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("other-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: other\nVersion: 1\n")
    with pytest.raises(ReleaseError, match="a wheel of other"):
        version_of(path)


def test_a_wheel_of_two_is_refused(tmp_path: Path) -> None:
    """Which version it is would be a matter of order."""
    more = {"other-2.dist-info/METADATA": "Metadata-Version: 2.1\nName: assay\nVersion: 2\n"}
    with pytest.raises(ReleaseError, match="metadata"):
        version_of(small_wheel(tmp_path, more=more))


@pytest.mark.parametrize("limit", ["MAX_UNPACKED_FILES", "MAX_UNPACKED_BYTES"])
def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    path = small_wheel(tmp_path)
    found = contents(path)
    most = len(found) if limit.endswith("FILES") else sum(map(len, found.values()))
    monkeypatch.setattr(f"assay.releases.wheel.{limit}", most)
    assert contents(path) == found
    monkeypatch.setattr(f"assay.releases.wheel.{limit}", most - 1)
    with pytest.raises(ReleaseError, match="unpacks to too much"):
        contents(path)


def test_what_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small_wheel(tmp_path)
    monkeypatch.setattr("assay.releases.wheel.MAX_FILE_BYTES", path.stat().st_size)
    assert version_of(path) == "0.1"
    monkeypatch.setattr("assay.releases.wheel.MAX_FILE_BYTES", path.stat().st_size - 1)
    with pytest.raises(ReleaseError, match="is too large"):
        version_of(path)


def test_folders_in_a_wheel_are_no_files(tmp_path: Path) -> None:
    """Some tools list them."""
    assert contents(small_wheel(tmp_path / "a", more={"assay/": ""})) == contents(small_wheel(tmp_path / "b"))


def test_only_a_source_tree_of_assay_is_built(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--source"):
        build_wheel(tmp_path, tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "other"\n')
    with pytest.raises(ConfigurationError, match="no source tree of Assay"):
        build_wheel(tmp_path, tmp_path)
