"""A release is not taken from under processes that run from it, however they came to be left behind."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from assay.errors import ReleaseError
from assay.releases import hold as hold_module
from assay.releases import slots
from assay.releases.hold import hold, own_folder, unheld
from assay.releases.install import install
from assay.releases.remove import remove
from assay.releases.root import Root
from servers.processes import inherited

HOLD = """
import sys; from pathlib import Path; from assay.releases.hold import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def _holding(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=inherited(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_what_runs_from_a_release_that_no_slot_points_to_keeps_it(root: Root, two: tuple[str, str]) -> None:
    """The pointer moved on, and nobody restarted the processes."""
    slots.point(root, "blue", two[0])
    with _holding(root.slots / "blue") as one, _holding(root.release(two[0])) as other:
        slots.point(root, "blue", two[1])
        pids = ", ".join(map(str, sorted([one.pid, other.pid])))
        with pytest.raises(ReleaseError, match=rf"processes still run from {two[0]} \({pids}\)"):
            remove(root, two[0])
        assert root.ids() == two
        one.kill()  # not told: the system gives the hold back
        one.wait()
        with pytest.raises(ReleaseError, match=rf"\({other.pid}\)"):
            remove(root, two[0])
        other.communicate()
    remove(root, two[0])
    assert root.ids() == (two[1],)


def test_other_releases_are_removed_meanwhile(root: Root, two: tuple[str, str]) -> None:
    with _holding(root.release(two[0])):
        remove(root, two[1])
    assert root.ids() == (two[0],)


def test_a_refusal_leaves_the_release_to_be_started(root: Root, two: tuple[str, str]) -> None:
    folder = root.release(two[0])
    with _holding(folder):
        with pytest.raises(ReleaseError, match="still run"):
            remove(root, two[0])
        with _holding(folder):
            pass


def test_what_starts_while_its_release_is_removed_gives_up(root: Root, two: tuple[str, str]) -> None:
    folder = root.release(two[0])
    with unheld(folder), pytest.raises(ReleaseError, match=f"{two[0]} was just removed"):
        hold(folder)
    remove(root, two[0])
    with pytest.raises(ReleaseError, match=f"{two[0]} was just removed"):
        hold(folder)


def test_a_lock_that_comes_after_the_removal_is_no_hold(
    root: Root, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the folder and locking it the release was removed, and fetched again."""
    folder, lock = root.release(two[0]), fcntl.flock

    def late(handle: int, how: int) -> None:
        away = folder.rename(folder.with_name("away"))
        shutil.copytree(away, folder)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(ReleaseError, match="was just removed"):
        hold(folder)


def test_a_file_system_without_locks_lets_releases_run_and_keeps_them(
    root: Root, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def unknown(handle: int, how: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().is_dir():
            raise OSError(38, os.strerror(38))
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", unknown)
    hold(root.release(two[0]))
    told = rf"no locks \({os.strerror(38)}\): .* remove {root.release(two[0])} by hand"
    with pytest.raises(ReleaseError, match=told):
        remove(root, two[0])
    assert root.ids() == two


def test_without_a_table_of_locks_nobody_is_named(
    root: Root, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hold_module, "_LOCKS", tmp_path / "none")
    with (
        _holding(root.release(two[0])),
        pytest.raises(ReleaseError, match=f"still run from {two[0]}: restart"),
    ):
        remove(root, two[0])


@pytest.mark.parametrize(
    ("module", "release", "found"),
    [
        ("/r/releases/a-1/code/assay/releases/hold.py", "a-1", "/r/releases/a-1"),
        ("/r/releases/a-1/code/assay/releases/hold.py", None, None),
        ("/r/releases/a-1/code/assay/releases/hold.py", "b-2", None),
        ("/home/a-1/src/assay/releases/hold.py", "a-1", None),
    ],
)
def test_whose_code_runs_is_told_by_its_place_and_name(
    module: str, release: str | None, found: str | None
) -> None:
    assert own_folder(Path(module), release) == (None if found is None else Path(found))


def test_a_real_release_holds_itself(real_release: Path, tmp_path: Path) -> None:
    root = Root(tmp_path / "root")
    folder = Path(shutil.copytree(real_release, root.release(real_release.name)))
    install(root, folder.name)
    fifo = tmp_path / "more.toml"
    os.mkfifo(fifo)
    command = [str(folder / "bin" / "assay"), "config", "show", "--config", str(fifo)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL, env=inherited()) as process,
        fifo.open("w"),  # opened when the other end is: it runs by now
        pytest.raises(ReleaseError, match=rf"\({process.pid}\)"),
    ):
        remove(root, folder.name)
    assert process.returncode == 0
    remove(root, folder.name)
