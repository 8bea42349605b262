"""A slot points to a whole release, before, while and after it is moved."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path
from typing import Any

import pytest

from assay import durable
from assay.errors import ConfigurationError, ReleaseError
from assay.releases import slots
from assay.releases.install import install
from assay.releases.remove import remove
from assay.releases.root import Root
from releases.small_release import small_release
from waiting import until


def test_a_slot_that_was_never_used_points_nowhere(root: Root) -> None:
    assert slots.pointed(root, "blue") is None
    assert slots.slots(root) == {}


def test_pointers_are_listed(root: Root, two: tuple[str, str]) -> None:
    assert slots.point(root, "blue", two[0])
    assert slots.point(root, "green", two[1])
    assert slots.slots(root) == {"blue": two[0], "green": two[1]}
    assert slots.users_of(root, two[0]) == ["blue"]
    assert (root.slots / "blue" / "bin" / "assay").is_file()


def test_pointing_again_changes_nothing(root: Root, two: tuple[str, str]) -> None:
    slots.point(root, "blue", two[0])
    before = (root.slots / "blue").lstat()
    assert not slots.point(root, "blue", two[0])
    assert (root.slots / "blue").lstat() == before


def test_what_is_not_installed_is_not_pointed_to(root: Root, two: tuple[str, str]) -> None:
    fetched = small_release(root.releases, "third").name
    with pytest.raises(ReleaseError, match="is not installed"):
        slots.point(root, "blue", fetched)
    assert slots.pointed(root, "blue") is None


def test_what_is_just_being_pointed_to_is_not_removed(
    root: Root, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, write, waits, refused = fcntl.flock, durable.write_durably, threading.Event(), list[str]()

    def noted_lock(file: Any, how: int) -> None:
        try:
            lock(file, how)
        except BlockingIOError:
            waits.set()
            raise

    def remove_it() -> None:
        try:
            remove(root, two[0])
        except ReleaseError as error:
            refused.append(str(error))

    removing = threading.Thread(target=remove_it)

    def write_meanwhile(path: Path, content: bytes) -> None:
        removing.start()
        until(lambda: waits.is_set() or not removing.is_alive())
        write(path, content)

    monkeypatch.setattr(fcntl, "flock", noted_lock)
    monkeypatch.setattr(slots, "write_durably", write_meanwhile)
    assert slots.point(root, "blue", two[0])
    removing.join()
    assert refused == [f"blue still points to {two[0]}: activate another release there first"]
    assert (root.slots / "blue" / "bin" / "assay").is_file()


def test_the_pointer_is_never_away_and_on_disk_in_the_end(
    root: Root, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks after any step finds the one or the other; a kill is such a look."""
    slots.point(root, "blue", two[0])
    seen: list[str | None] = []

    def noted(work: Any) -> Any:
        def do(*arguments: Any, **options: Any) -> Any:
            try:
                return work(*arguments, **options)
            finally:
                seen.append(slots.pointed(root, "blue"))

        return do

    for name in ("unlink", "symlink_to", "rename", "replace"):
        monkeypatch.setattr(Path, name, noted(getattr(Path, name)))
    synced: list[Path] = []
    monkeypatch.setattr(slots, "sync_folder", lambda folder: synced.append((folder / "blue").readlink()))
    assert slots.point(root, "blue", two[1])
    before = seen.index(two[1])
    assert seen == [two[0]] * before + [two[1]] * (len(seen) - before)
    assert before >= 2
    assert synced == [Path(f"../releases/{two[1]}")]


def test_processes_count_as_old_until_they_were_restarted(root: Root, two: tuple[str, str]) -> None:
    slots.point(root, "blue", two[0])
    assert slots.needs_restart(root, "blue")
    slots.restarted(root, "blue")
    slots.restarted(root, "blue")  # told again, nothing happens
    assert not slots.needs_restart(root, "blue")
    slots.point(root, "blue", two[0])
    assert not slots.needs_restart(root, "blue")
    slots.point(root, "blue", two[1])
    assert slots.needs_restart(root, "blue")


def test_a_kill_before_the_pointer_moved_is_made_good(root: Root, two: tuple[str, str]) -> None:
    slots.point(root, "blue", two[0])
    (root.slots / ".blue.part").symlink_to(f"../releases/{two[1]}")
    assert slots.slots(root) == {"blue": two[0]}
    assert slots.point(root, "blue", two[1])
    assert slots.slots(root) == {"blue": two[1]}


@pytest.mark.parametrize("name", ["", "Blue", "../x", "a/b", ".blue", "a" * 33, "1", "blue\n"])
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no name for a slot"):
        slots.check_slot(name)


def test_what_is_no_pointer_is_left_alone(root: Root, tmp_path: Path) -> None:
    (root.slots / "blue").mkdir(parents=True)
    with pytest.raises(ReleaseError, match="move it away"):
        slots.pointed(root, "blue")
    for target in (tmp_path, "../releases/small", "/srv/releases/small-0123456789ab", "small-0123456789ab"):
        (root.slots / "green").symlink_to(target)
        with pytest.raises(ReleaseError, match="no release"):
            slots.pointed(root, "green")
        (root.slots / "green").unlink()


def test_what_runs_from_a_release_that_is_installed_anew_is_to_be_restarted(
    root: Root, two: tuple[str, str]
) -> None:
    """By whomever, and in whichever slot; what is no slot of ours keeps nobody from installing."""
    for slot, release in {"blue": two[0], "green": two[0], "grey": two[1]}.items():
        slots.point(root, slot, release)
        slots.restarted(root, slot)
    (root.slots / "notes").touch()
    (root.slots / "elsewhere").symlink_to(root.path)
    install(root, two[0])
    assert not slots.needs_restart(root, "blue")
    (root.release(two[0]) / "bin" / "assay").unlink()
    install(root, two[0])
    needed = [slots.needs_restart(root, slot) for slot in ("blue", "green", "grey", "notes", "elsewhere")]
    assert needed == [True, True, False, False, False]
