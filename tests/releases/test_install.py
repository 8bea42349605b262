"""Installed is a release whole or not at all; side by side; each with its own code."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import orjson
import pytest

from assay.errors import ReleaseError, ReleaseNotFound
from assay.releases import environment, slots
from assay.releases.install import INSTALLED, folder_faults, install, installation_faults
from assay.releases.launcher import is_installed, launcher_text
from assay.releases.root import Root
from assay.releases.tree import plain_files
from assay.releases.wheel import contents
from releases.small_release import SAYS_WHO_IT_IS, small_release
from servers.processes import Process, inherited


@pytest.fixture
def release(root: Root) -> str:
    root.releases.mkdir(parents=True)
    return small_release(root.releases).name


def _says(root: Root, release: str, cwd: Path, **environment: str) -> str:
    launcher = root.release(release) / "bin" / "assay"
    done = subprocess.run(
        [launcher, "who"],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**inherited(), **environment},
        check=True,
    )
    return done.stdout.strip()


def test_it_runs_its_own_code_wherever_it_is_called(root: Root, release: str, tmp_path: Path) -> None:
    """Not the code in the folder that it is called from, nor what the caller's environment names."""
    assert install(root, release)
    (tmp_path / "assay").mkdir()
    (tmp_path / "assay" / "__init__.py").write_text("raise SystemExit('the wrong code')")
    expected = f"{release} {root.release(release)}/code/assay/cli.py"
    assert _says(root, release, tmp_path) == expected
    assert _says(root, release, tmp_path, PYTHONPATH=str(tmp_path), ASSAY_RELEASE="other") == expected


def test_releases_lie_side_by_side(root: Root, release: str, tmp_path: Path) -> None:
    other = small_release(root.releases, "other", SAYS_WHO_IT_IS + "\nprint('newer')").name
    install(root, release)
    install(root, other)
    assert _says(root, release, tmp_path).startswith(release)
    assert _says(root, other, tmp_path).startswith(other)
    assert _says(root, other, tmp_path).endswith("newer")
    assert len(list(root.environments.iterdir())) == 1


def test_installing_again_proves_it(root: Root, release: str) -> None:
    assert install(root, release)
    before = (root.release(release) / "bin" / "assay").stat().st_mtime_ns
    assert not install(root, release)
    assert (root.release(release) / "bin" / "assay").stat().st_mtime_ns == before


def test_code_is_what_was_in_the_wheel_and_read_only(root: Root, release: str, tmp_path: Path) -> None:
    """Also after it ran: nothing is compiled into it."""
    install(root, release)
    _says(root, release, tmp_path)
    code = root.release(release) / "code"
    wheel = root.release(release) / root.manifest(release).code.wheel
    assert set(plain_files(code)) == set(contents(wheel))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in code.rglob("*")}
    assert modes == {0o444, 0o555}


def test_what_another_assay_installed_is_whole_for_this_one(
    root: Root, release: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose launchers are written differently: yesterday's release can be gone back to by today's Assay."""

    def other_text(folder: Path, release: str, python: Path) -> bytes:
        return launcher_text(folder, release, python) + b"# written by another Assay\n"

    monkeypatch.setattr("assay.releases.install.launcher_text", other_text)
    install(root, release)
    monkeypatch.undo()
    assert not install(root, release)
    assert slots.point(root, "blue", release)
    assert _says(root, release, tmp_path).startswith(release)


def test_a_root_may_be_reached_by_another_path_but_not_be_copied(
    root: Root, release: str, tmp_path: Path
) -> None:
    """The launcher runs the code where it was installed; a copy of it would run that, too."""
    install(root, release)
    (tmp_path / "link").symlink_to(root.path)
    assert not install(Root(tmp_path / "link"), release)
    assert not install(Root(tmp_path / "link" / ".." / "root"), release)
    shutil.copytree(root.path, tmp_path / "copy", symlinks=True)
    with pytest.raises(ReleaseError, match=f"was installed in {root.release(release)}"):
        install(Root(tmp_path / "copy"), release)
    root.path.rename(tmp_path / "moved")
    (tmp_path / "link").unlink()
    with pytest.raises(ReleaseError, match=f"was installed in {root.release(release)}"):
        install(Root(tmp_path / "moved"), release)


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """An interpreter without any package, as one whose packages were upgraded after an installation."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    return tmp_path / "bare" / "bin" / "python"


@pytest.fixture
def without_packages(root: Root, release: str, bare_python: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The release, installed with that interpreter."""
    monkeypatch.setattr(environment, "ensure", lambda *_: bare_python)
    install(root, release)
    monkeypatch.undo()
    return release


def test_an_interpreter_that_lost_its_packages_is_replaced(
    root: Root, without_packages: str, tmp_path: Path
) -> None:
    """They may be another's to upgrade; then the release must still be there to go back to."""
    release = without_packages
    (fault,) = installation_faults(root.release(release), root.manifest(release))
    assert "orjson is not installed" in fault
    code = root.release(release) / "code"
    before = code.stat().st_ino
    assert install(root, release)
    assert installation_faults(root.release(release), root.manifest(release)) == []
    assert code.stat().st_ino == before  # what runs may still need it
    assert _says(root, release, tmp_path).startswith(release)
    assert not install(root, release)


def test_a_kill_while_its_interpreter_is_replaced_is_made_good(
    root: Root, without_packages: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = without_packages

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.sync", killed)  # between what is said of the launcher, and the launcher
    with pytest.raises(KeyboardInterrupt):
        install(root, release)
    monkeypatch.undo()
    assert install(root, release)
    assert _says(root, release, tmp_path).startswith(release)


def test_it_is_on_disk_before_it_counts_as_installed(
    root: Root, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut its code would be there by name, and empty."""
    installed_then: list[bool] = []
    monkeypatch.setattr("os.sync", lambda: installed_then.append(is_installed(root.release(release))))
    install(root, release)
    assert installed_then == [False]


def test_what_is_altered_is_refused_though_its_interpreter_is_gone(
    root: Root, release: str, bare_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "ensure", lambda *_: bare_python)
    install(root, release)
    monkeypatch.undo()
    bare_python.unlink()
    _alter(root.release(release) / "code" / "assay" / "cli.py")
    with pytest.raises(ReleaseError, match=r"code/assay/cli\.py"):
        install(root, release)


def test_what_is_not_here_is_told(root: Root, release: str) -> None:
    with pytest.raises(ReleaseNotFound, match=release):
        install(root, "other-000000000000")


def _alter(path: Path) -> None:
    path.chmod(0o644)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"more")


def test_an_alteration_in_any_file_is_named(root: Root, release: str) -> None:
    """Every file of an installed release, one after the other: fetched, unpacked or written."""
    install(root, release)
    folder = root.release(release)
    manifest = root.manifest(release)
    names = sorted(set(plain_files(folder)) - {"release.json", INSTALLED})
    assert len(names) >= 10
    for name in names:
        path = folder / name
        before, mode = path.read_bytes(), path.stat().st_mode
        _alter(path)
        found = [*folder_faults(folder, manifest), *installation_faults(folder, manifest)]
        assert any(name in fault for fault in found), name
        with pytest.raises(ReleaseError, match="is damaged"):
            install(root, release)
        path.write_bytes(before)
        path.chmod(mode)
    assert not install(root, release)


def test_an_altered_manifest_or_record_is_told(root: Root, release: str) -> None:
    install(root, release)
    folder = root.release(release)
    _alter(folder / "release.json")
    with pytest.raises(ReleaseError, match="altered"):
        install(root, release)
    shutil.rmtree(folder / "bin")
    with pytest.raises(ReleaseError, match="altered"):
        install(root, release)


@pytest.mark.parametrize(
    "name", ["code/assay/extra.py", "code/sitecustomize.py", "bin/other", "extra", "wheel/b.whl"]
)
def test_a_foreign_file_is_named(root: Root, release: str, name: str) -> None:
    install(root, release)
    path = root.release(release) / name
    path.parent.chmod(0o755)
    path.write_text("")
    with pytest.raises(ReleaseError, match=f"{name} is foreign"):
        install(root, release)


def test_a_link_beside_the_launcher_is_told_by_its_own_name(root: Root, release: str) -> None:
    install(root, release)
    (root.release(release) / "bin" / "other").symlink_to("assay")
    with pytest.raises(ReleaseError, match="bin/other is a link or a device") as told:
        install(root, release)
    assert "bin/assay cannot be read" not in str(told.value)


@pytest.mark.parametrize("name", ["code", "bin", "installed.json"])
def test_what_is_installed_is_no_link_to_what_could_change(
    root: Root, release: str, tmp_path: Path, name: str
) -> None:
    """A folder of somebody's, the same for now: a hot fix in place, with no digest of its own."""
    install(root, release)
    path = root.release(release) / name
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(ReleaseError, match=f"{name} is a link"):
        install(root, release)


@pytest.mark.parametrize("name", ["code/assay/cli.py", "golden.jsonl", "bin/assay"])
def test_a_link_is_refused(root: Root, release: str, tmp_path: Path, name: str) -> None:
    install(root, release)
    path = root.release(release) / name
    (tmp_path / "copy").write_bytes(path.read_bytes())
    path.parent.chmod(0o755)
    path.unlink()
    path.symlink_to(tmp_path / "copy")
    with pytest.raises(ReleaseError, match="link"):
        install(root, release)


def test_damaged_before_it_is_installed_nothing_is_written(root: Root, release: str) -> None:
    _alter(root.release(release) / "configuration.toml")
    with pytest.raises(ReleaseError, match=r"configuration\.toml was altered"):
        install(root, release)
    assert not (root.release(release) / "code").exists()


def test_many_at_once_install_it_once(root: Root, release: str) -> None:
    results: list[bool] = []
    threads = [threading.Thread(target=lambda: results.append(install(root, release))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]


INSTALL = "import sys; from assay.releases import install, root; from pathlib import Path\n" + (
    "install.install(root.Root(Path(sys.argv[1])), sys.argv[2])"
)


@pytest.mark.parametrize("seen", [".code.part", ".code.part/assay/cli.py", "code", "installed.json"])
def test_killed_at_any_moment_it_is_not_installed_and_then_finished(
    root: Root, release: str, seen: str, tmp_path: Path
) -> None:
    """Killed with -9 as soon as a trace of its work is seen."""
    folder = root.release(release)
    process = Process("install", [sys.executable, "-c", INSTALL, str(root.path), release], tmp_path, {})
    process.start()
    try:
        while process.is_running and not (folder / seen).exists():
            os.sched_yield()
        was_running = process.is_running
    finally:
        process.end()
    if is_installed(folder):  # the kill came too late
        assert installation_faults(folder, root.manifest(release)) == []
    else:
        assert was_running, process.tail()
    install(root, release)
    assert _says(root, release, tmp_path).startswith(release)
    assert not (folder / ".code.part").exists()
    assert orjson.loads((folder / INSTALLED).read_bytes())["python"] == sys.executable
