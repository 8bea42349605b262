"""``assay release``, from building to a slot, as an operator types it."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from assay.releases.manifest import is_id
from assay.releases.root import Root
from assay.releases.transfer import publish
from cli.running import assay, environment
from releases.small_release import small_release
from shared_data import ROOT


def test_from_a_source_tree_to_answering(tmp_path: Path) -> None:
    """Built here, published, fetched by another machine, proved there, run through the slot."""
    (tmp_path / "fr.jsonl").write_text("")
    (tmp_path / "release.toml").write_text("[wikis]\n[pool]\nprocesses = 1\n")
    build = ["--name", "noon", "--source", str(ROOT), "--golden", "2", "--root", "here"]
    done = assay(tmp_path, "release", "build", *build, "-c", "release.toml")
    assert done.returncode == 0, done.stderr
    release = done.stdout.strip()
    assert is_id(release)

    done = assay(tmp_path, "release", "publish", release, "--root", "here", "--store", "store")
    assert done.returncode == 0, done.stderr
    there = {
        "ASSAY_RELEASES__ROOT": str(tmp_path / "there"),
        "ASSAY_RELEASES__STORE": str(tmp_path / "store"),
    }
    done = assay(tmp_path, "release", "activate", release, "--slot", "blue", **there)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["fetched", "installed", "pointed"]
    done = assay(tmp_path, "release", "activate", release, "--slot", "blue", **there)
    assert done.stdout == f"blue points to {release} already: nothing to do\n"
    done = assay(tmp_path, "release", "verify", release, **there)
    assert (done.returncode, done.stdout) == (0, f"The release {release} is good.\n"), done.stderr

    launcher = tmp_path / "there" / "slots" / "blue" / "bin" / "assay"
    shown = subprocess.run(
        [launcher, "config", "show"], capture_output=True, text=True, check=True, env=environment(tmp_path)
    ).stdout
    assert f'"release": "{release}"' in shown
    assert '"processes": 1' in shown
    assert '"shipped_bundles": false' in shown
    assert assay(tmp_path, "release", "slots", **there).stdout == f"blue\t{release}\n"
    assert assay(tmp_path, "release", "list", **there).stdout == f"{release}\tblue\n"
    done = assay(tmp_path, "release", "list", "--store", "store")
    assert done.stdout == f"{release}\n"
    done = assay(tmp_path, "release", "remove", release, **there)
    assert done.returncode == 1
    assert "blue still points to" in done.stderr


@pytest.fixture
def small(tmp_path: Path) -> str:
    """Published in ``store``."""
    from assay.releases.folder_store import FolderStore

    return publish(small_release(tmp_path), FolderStore(tmp_path / "store"))


def test_step_by_step(tmp_path: Path, small: str) -> None:
    place = ["--root", "root"]
    done = assay(tmp_path, "release", "fetch", small, *place, "--store", "store")
    assert done.stdout.startswith("Fetched"), done.stderr
    assert assay(tmp_path, "release", "fetch", small, *place, "--store", "store").stdout.startswith(
        "Was here"
    )
    assert assay(tmp_path, "release", "install", small, *place).stdout.startswith("Installed")
    assert assay(tmp_path, "release", "install", small, *place).stdout.startswith("Was installed")
    assert assay(tmp_path, "release", "remove", small, *place).stdout == f"Removed {small}\n"
    assert Root(tmp_path / "root").ids() == ()


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o002], ids=oct)
def test_every_user_may_run_what_an_operator_put_there(tmp_path: Path, small: str, umask: int) -> None:
    """Hardened machines give root a umask under which services could read nothing."""
    before = os.umask(umask)
    try:
        done = assay(
            tmp_path, "release", "activate", small, "--slot", "blue", "--root", "root", "--store", "store"
        )
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in (tmp_path / "root").rglob("*")}
    assert len(modes) > 20
    closed = {path for path, mode in modes.items() if mode & 0o444 != 0o444}
    closed |= {path for path, mode in modes.items() if path.is_dir() and mode & 0o111 != 0o111}
    assert not closed
    whose = stat.S_IMODE((tmp_path / "root").stat().st_mode)
    assert whose == (0o775 if umask == 0o002 else 0o755)  # a group that may write keeps its right


def test_each_difference_is_a_line_and_the_status_is_1(tmp_path: Path, small: str) -> None:
    assay(tmp_path, "release", "fetch", small, "--root", "root", "--store", "store")
    folder = tmp_path / "root" / "releases" / small
    for name in ("golden.jsonl", "configuration.toml"):
        (folder / name).write_text("altered")
    assert (tmp_path / small).is_dir()  # the whole one, which the id does not mean here
    for given in (small, str(folder)):
        done = assay(tmp_path, "release", "verify", given, "--root", "root")
        assert done.returncode == 1
        assert [line.split()[0] for line in done.stdout.splitlines()] == [
            "configuration.toml",
            "golden.jsonl",
        ]
        assert "2 faults" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fetch", "nonsense", "--store", "store"], "no release's id"),
        (["fetch", "small-000000000000"], "no release store is named"),
        (["fetch", "small-000000000000", "--store", "store"], "up to date"),
        (["fetch", "small-000000000000", "--store", "nowhere"], "is it mounted"),
        (["fetch", "small-000000000000", "--store", "ftp://x"], "no release store"),
        (["install", "small-000000000000"], "there is no release"),
        (["activate", "small-000000000000", "--slot", "blue"], "give --store"),
        (["activate", "small-000000000000", "--slot", "Blue!"], "no name for a slot"),
        (["build", "--name", "a", "--source", "."], "--source"),
        (["build", "--name", "a", "--wheel", "absent.whl"], "requirements.txt"),
        (["golden", "--output", "x", "--revision", "enwiki"], "WIKI:REV"),
        (["list", "--store", "http://127.0.0.1:1"], "cannot be listed"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(
    tmp_path: Path, small: str, arguments: list[str], told: str
) -> None:
    done = assay(tmp_path, "release", *arguments, ASSAY_RELEASES__ROOT=str(tmp_path / "root"))
    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
