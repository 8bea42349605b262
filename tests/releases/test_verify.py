"""A release is proved where it lies: every file, and every golden score by its own code."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from assay.errors import ReleaseNotFound
from assay.releases import golden
from assay.releases.install import install
from assay.releases.manifest import MANIFEST
from assay.releases.root import Root
from assay.releases.slots import point
from assay.releases.tree import entry_of
from assay.releases.verify import golden_faults, verify
from servers.processes import inherited


@pytest.fixture(scope="module")
def installed(real_release: Path, tmp_path_factory: pytest.TempPathFactory) -> Root:
    """The real release, copied into a root of its own and installed."""
    root = Root(tmp_path_factory.mktemp("installed") / "root")
    shutil.copytree(real_release, root.release(real_release.name))
    install(root, real_release.name)
    return root


@pytest.fixture
def folder(installed: Root, real_release: Path) -> Path:
    return installed.release(real_release.name)


@pytest.fixture
def copy(real_release: Path, tmp_path: Path) -> Path:
    """Not installed, in a folder of its own."""
    return Path(shutil.copytree(real_release, tmp_path / real_release.name))


def _resealed(folder: Path) -> Path:
    """Whoever changes files may also write a new manifest; then it is another release, with another id."""
    manifest = orjson.loads((folder / MANIFEST).read_bytes())
    for name in manifest["files"]:
        manifest["files"][name] = entry_of(folder / name).model_dump()
    options = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    (folder / MANIFEST).write_bytes(orjson.dumps(manifest, option=options))
    return folder.rename(folder.with_name("resealed"))


def test_a_good_release_is_good_installed_or_not(
    installed: Root, folder: Path, real_release: Path, root: Root
) -> None:
    assert verify(folder, installed) == []
    assert verify(real_release, root) == []


def test_a_slot_names_the_release_that_it_points_to(installed: Root, folder: Path) -> None:
    point(installed, "blue", folder.name)
    assert verify(installed.slots / "blue", installed) == []


def test_it_gives_its_golden_scores_through_its_own_launcher(folder: Path, tmp_path: Path) -> None:
    """As an operator asks it, from the shell."""
    lines = [line for line in golden.read(folder / "golden.jsonl") if line.wiki == "samplewiki"]
    ids = [str(line.rev_id) for line in lines]
    done = subprocess.run(
        [folder / "bin" / "assay", "score", "samplewiki", *ids],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**inherited(), "ASSAY_CACHE_DIR": str(tmp_path)},
    )
    answered = {row["rev_id"]: row["scores"] for row in map(orjson.loads, done.stdout.splitlines())}
    scored = 0
    for line in lines:
        for model, cell in line.cells.items():
            if isinstance(cell, list):
                told = answered[line.rev_id][model]["score"]
                assert told["prediction"] == cell[0][0]
                for label, probability in cell[0][1]:
                    name = str(label).lower() if isinstance(label, bool) else label
                    assert told["probability"][name] == probability
                    scored += 1
    assert scored > 10


def test_an_altered_golden_score_is_named(copy: Path, root: Root) -> None:
    """In a release that is sealed anew, so that no digest tells."""
    lines = golden.read(copy / "golden.jsonl")
    index, line = next((i, line) for i, line in enumerate(lines) if "damaging" in line.scored())
    cell = orjson.loads(orjson.dumps(line.cells["damaging"]))
    right = cell[0][1][0][1]
    cell[0][1][0][1] = right + 1e-15
    lines[index] = golden.Golden(line.wiki, line.rev_id, line.job, {**line.cells, "damaging": cell})
    (copy / "golden.jsonl").write_bytes(golden.to_bytes(lines))
    (fault,) = verify(_resealed(copy), root)
    assert fault.startswith(f"samplewiki/{line.rev_id}/damaging: probability of ")
    assert fault.endswith(f"must be {right + 1e-15!r} and is {right!r}")


def test_a_swapped_model_is_named(copy: Path, root: Root) -> None:
    """The trees of another model: the bundle's own digests tell."""
    trees = copy / "bundles" / "enwiki" / "goodfaith" / "trees.txt"
    shutil.copyfile(trees, copy / "bundles" / "enwiki" / "damaging" / "trees.txt")
    assert verify(copy, root) == [
        fault for fault in verify(copy, root) if fault.startswith("bundles/enwiki/damaging/trees.txt")
    ]
    (fault,) = verify(_resealed(copy), root)
    assert "enwiki/damaging" in fault
    assert "trees.txt" in fault


def test_every_altered_file_is_named_and_nothing_of_it_is_run(copy: Path, root: Root) -> None:
    names = [path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()]
    names.remove(MANIFEST)
    for name in names:
        path = copy / name
        path.write_bytes(path.read_bytes() + b" ")
    faults = verify(copy, root)
    assert sorted(fault.split()[0] for fault in faults) == sorted(names)
    assert not root.environments.exists()


def test_code_that_was_changed_in_place_is_named(installed: Root, folder: Path) -> None:
    path = folder / "code" / "assay" / "clock.py"
    before = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(before + b"\n# quick fix\n")
    try:
        (fault,) = verify(folder, installed)
        assert fault.startswith("code/assay/clock.py has ")
    finally:
        path.write_bytes(before)


def test_settings_of_the_caller_do_not_reach_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_WIKIS__OTHER__SOURCE", "nowhere.xml")
    monkeypatch.setenv("ASSAY_TEST_WIKI", "false")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    assert golden_faults(folder) == []


def test_no_release_is_told(tmp_path: Path, root: Root) -> None:
    with pytest.raises(ReleaseNotFound, match="no release in"):
        verify(tmp_path, root)
