"""A real release of this very tree: what is in it, and that equal parts give an equal one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from assay import settings
from assay.compose.releases import BuildRequest, release_parts
from assay.errors import BundleError, ConfigurationError, ReleaseError
from assay.models.files import open_files, write_zip
from assay.releases import golden
from assay.releases.build import GoldenChoice, _put_in_place, build
from assay.releases.install import folder_faults
from assay.releases.manifest import ExpectedDrift
from assay.releases.root import Root, read_manifest
from assay.releases.tree import entry_of
from assay.releases.wheel import build_patched_wheel
from shared_data import ROOT


@pytest.fixture
def request_(wheel: Path, real_release: Path) -> BuildRequest:
    """The parts of `real_release`, with its golden revisions handed in."""
    return BuildRequest("real", ROOT, wheel, golden=GoldenChoice(file=real_release / "golden.jsonl"))


def test_it_holds_exactly_what_the_configuration_needs(real_release: Path, wheel: Path) -> None:
    manifest = read_manifest(real_release, real_release.name)
    assert folder_faults(real_release, manifest) == []
    assert {f"{wiki}/{model}" for wiki, model, _ in manifest.models()} == {
        "enwiki/articlequality",
        "enwiki/damaging",
        "enwiki/goodfaith",
        "enwiki/reverted",
        "testwiki/revid",
    }
    assert manifest.code.sha256 == entry_of(wheel).sha256
    assert (real_release / "requirements.txt").read_bytes() == (ROOT / "requirements.txt").read_bytes()
    assert (real_release / "configuration.toml").read_bytes() == b""


def test_the_schema_is_what_the_code_prints(real_release: Path) -> None:
    printed = orjson.loads((real_release / "configuration.schema.json").read_bytes())
    assert printed == orjson.loads(orjson.dumps(settings.json_schema()))


def test_golden_scores_cover_every_model(real_release: Path) -> None:
    lines = golden.read(real_release / "golden.jsonl")
    sample = {"articlequality", "damaging", "goodfaith", "reverted"}
    assert golden.uncovered(lines, {"samplewiki": sample, "testwiki": ["revid"]}) == []
    assert len(lines) >= 6


def test_equal_parts_give_an_equal_release_elsewhere(
    request_: BuildRequest, wheel: Path, real_release: Path, root: Root, tmp_path: Path
) -> None:
    folder = build(release_parts(request_, wheel), root, tmp_path / "output")
    assert folder == tmp_path / "output" / real_release.name
    assert folder_faults(folder, read_manifest(real_release)) == []


def test_building_again_keeps_what_is_there(request_: BuildRequest, wheel: Path, real_root: Root) -> None:
    (before,) = real_root.ids()
    built_at = (real_root.release(before) / "release.json").stat().st_mtime_ns
    folder = build(release_parts(request_, wheel), real_root, real_root.releases)
    assert folder.name == before
    assert (folder / "release.json").stat().st_mtime_ns == built_at
    assert [path.name for path in real_root.releases.iterdir()] == [before]


def test_another_code_gives_another_release(
    request_: BuildRequest, real_release: Path, root: Root, tmp_path: Path
) -> None:
    """Code whose configuration differs prints its own schema."""
    source = (ROOT / "src/assay/settings/tree.py").read_text("utf-8")
    old = "    test_wiki: bool = True\n"
    assert old in source
    changed = source.replace(old, f"    renamed_key: int = 1\n{old}").encode()
    patched = build_patched_wheel(ROOT, tmp_path / "wheel", {"src/assay/settings/tree.py": changed})
    folder = build(release_parts(request_, patched), root, root.releases)
    assert folder.name != real_release.name
    schema = (folder / "configuration.schema.json").read_text()
    assert "renamed_key" in schema
    assert "renamed_key" not in (real_release / "configuration.schema.json").read_text()


def test_code_that_scores_otherwise_has_other_golden_scores(
    request_: BuildRequest, real_release: Path, root: Root, tmp_path: Path
) -> None:
    """They are the release's own code's: the builder's would have given the same as before."""
    path = "src/assay/scoring/score.py"
    source = (ROOT / path).read_text("utf-8")
    old = "    row = values.row(model.features)\n"
    assert old in source
    new = f"{old}    if not isinstance(row, Problem):\n        row = [*row[:-1], 1]\n"
    patched = build_patched_wheel(ROOT, tmp_path / "wheel", {path: source.replace(old, new).encode()})
    folder = build(release_parts(request_, patched), root, root.releases)
    before, after = (golden.read(place / "golden.jsonl") for place in (real_release, folder))
    assert golden.differences(before, after)


def test_code_that_fails_is_told_in_its_own_words(request_: BuildRequest, root: Root, tmp_path: Path) -> None:
    changes = {"src/assay/scoring/process.py": b"raise RuntimeError('broken on purpose')\n"}
    patched = build_patched_wheel(ROOT, tmp_path / "wheel", changes)
    with pytest.raises(ReleaseError, match="broken on purpose"):
        build(release_parts(request_, patched), root, root.releases)
    assert list(root.releases.iterdir()) == []


def test_a_zipped_bundle_is_the_same_bundle(
    request_: BuildRequest, wheel: Path, real_release: Path, root: Root, tmp_path: Path
) -> None:
    parts = release_parts(request_, wheel)
    first = parts.bundles[0]
    packed = tmp_path / f"{first.name}.zip"
    files = open_files(first)
    write_zip(packed, {name: files.read(name, 2**26) for name in files.names()})
    folder = build(replace(parts, bundles=[packed, *parts.bundles[1:]]), root, root.releases)
    assert folder.name == real_release.name


def test_two_bundles_for_one_model_are_refused(request_: BuildRequest, wheel: Path, root: Root) -> None:
    parts = release_parts(request_, wheel)
    with pytest.raises(BundleError, match="two bundles for"):
        build(replace(parts, bundles=[*parts.bundles, parts.bundles[0]]), root, root.releases)


def test_a_model_without_golden_score_is_refused(
    request_: BuildRequest, wheel: Path, real_release: Path, root: Root, tmp_path: Path
) -> None:
    """Golden revisions that were handed in say nothing of the test wiki."""
    lines = [line for line in golden.read(real_release / "golden.jsonl") if line.wiki != "testwiki"]
    (tmp_path / "golden.jsonl").write_bytes(golden.to_bytes(lines))
    request = replace(request_, golden=GoldenChoice(file=tmp_path / "golden.jsonl"))
    with pytest.raises(ReleaseError, match="testwiki has no golden revision"):
        build(release_parts(request, wheel), root, root.releases)


def test_an_empty_golden_file_is_refused(
    request_: BuildRequest, wheel: Path, root: Root, tmp_path: Path
) -> None:
    (tmp_path / "golden.jsonl").write_bytes(b"")
    request = replace(request_, golden=GoldenChoice(file=tmp_path / "golden.jsonl"))
    with pytest.raises(ReleaseError, match="nothing would be proved"):
        build(release_parts(request, wheel), root, root.releases)


def test_a_missing_bundle_is_told_by_the_release(request_: BuildRequest, wheel: Path, root: Root) -> None:
    """Shipped bundles do not count, so a release cannot borrow what it does not bring."""
    parts = release_parts(request_, wheel)
    some = [path for path in parts.bundles if path.parent.name != "enwiki"]
    with pytest.raises(ReleaseError, match="enwiki"):
        build(replace(parts, bundles=some), root, root.releases)


def test_expected_drift_is_part_of_it(request_: BuildRequest, wheel: Path, root: Root) -> None:
    drift = ExpectedDrift(
        wiki="*", model="damaging", changed_share=1, abs_delta_p99=0.1, flip_share=0.01, reason="trained anew"
    )
    folder = build(replace(release_parts(request_, wheel), expected_drift=[drift]), root, root.releases)
    assert read_manifest(folder).expected_drift == [drift]


def test_it_is_on_disk_before_it_has_its_name(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut its files would be there by name, and empty."""
    target, named_then = tmp_path / "made" / small.name, list[bool]()
    target.parent.mkdir()
    monkeypatch.setattr("os.sync", lambda: named_then.append(target.exists()))
    _put_in_place(small, target, read_manifest(small))
    assert named_then == [False]
    assert target.is_dir()


@pytest.mark.parametrize("name", ["", "a/b", "-"])
def test_a_bad_name_is_told_first(request_: BuildRequest, wheel: Path, root: Root, name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a release"):
        build(replace(release_parts(request_, wheel), name=name), root, root.releases)


def test_what_a_killed_build_left_does_no_harm(request_: BuildRequest, wheel: Path, root: Root) -> None:
    (root.releases / ".build" / "code").mkdir(parents=True)
    (root.releases / ".build" / "code").chmod(0o555)
    build(release_parts(request_, wheel), root, root.releases)
    assert len(list(root.releases.iterdir())) == 1
