"""Orders: whole or not there, taken once and in order, and none that can stop a controller."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Container, Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.rollout.control import orders
from assay.rollout.control.orders import KINDS, Order, give, operator
from assay.rollout.journal import Journal, read_journal
from assay.rollout.state import Rollout
from load.virtual_time import run_virtually
from rollout.fake_world import World


def take(state_dir: Path, known: Container[str] = ()) -> Iterator[Order | str]:
    """Without their names."""
    return (order for _, order in orders.take(state_dir, known))


def folder_of(state_dir: Path) -> Path:
    return state_dir / "orders"


def damaged(state_dir: Path, name: str, content: bytes) -> None:
    folder_of(state_dir).mkdir(parents=True, exist_ok=True)
    (folder_of(state_dir) / name).write_bytes(content)


def test_nobody_ordered_anything(tmp_path: Path) -> None:
    assert list(take(tmp_path / "nowhere")) == []


def test_orders_are_taken_once_in_the_order_in_which_they_were_given(tmp_path: Path) -> None:
    given_orders = [Order(kind, f"ada {n}", "because") for n, kind in enumerate(KINDS * 3)]
    for order in given_orders:
        give(tmp_path, order)
    assert list(take(tmp_path)) == given_orders
    assert list(take(tmp_path)) == []
    assert list(folder_of(tmp_path).iterdir()) == []


def test_an_order_is_removed_only_after_it_was_dealt_with(tmp_path: Path) -> None:
    """A controller that is killed while it journals an abort finds it again."""
    give(tmp_path, Order("abort", "ada"))
    killed = take(tmp_path)
    assert next(killed) == Order("abort", "ada")
    del killed
    assert list(take(tmp_path)) == [Order("abort", "ada")]


def test_half_an_order_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looked for at the moments between which a process can be killed."""
    seen: list[object] = []

    def killed(self: Path, target: Path) -> Path:
        seen.extend(take(tmp_path))
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        give(tmp_path, Order("abort", "ada"))
    monkeypatch.undo()
    assert seen == []
    assert list(take(tmp_path)) == []
    assert (
        len(list(folder_of(tmp_path).iterdir())) == 1
    )  # what was written lies there under a name of its own


DAMAGED = {
    "empty": b"",
    "cut": b'{"kind":"abort","by":"ada","reason":"","rollout":""',
    "no object": b'["abort"]',
    "unknown kind": b'{"kind":"destroy","by":"ada","reason":"","rollout":""}',
    "kind of another type": b'{"kind":["abort"],"by":"ada","reason":"","rollout":""}',
    "nobody's": b'{"kind":"abort","reason":"","rollout":""}',
    "of no rollout": b'{"kind":"abort","by":"ada","reason":""}',
    "no text": b"\xff\xfe",
    "too long": orjson.dumps({"kind": "abort", "by": "ada", "reason": "x" * 20_000, "rollout": ""}),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_order_is_told_dropped_and_in_nobodys_way(tmp_path: Path, content: bytes) -> None:
    damaged(tmp_path, "0.json", content)
    give(tmp_path, Order("pause", "ada"))
    assert list(take(tmp_path)) == ["the order 0.json cannot be read; it was dropped", Order("pause", "ada")]
    assert list(folder_of(tmp_path).iterdir()) == []


def test_what_is_no_file_neither_stops_nor_hangs_a_controller(tmp_path: Path) -> None:
    folder_of(tmp_path).mkdir()
    (folder_of(tmp_path) / "0.json").mkdir()
    os.mkfifo(folder_of(tmp_path) / "1.json")  # opening it would wait for a writer
    (folder_of(tmp_path) / "2.json").symlink_to(tmp_path / "nowhere")
    give(tmp_path, Order("abort", "ada"))
    assert list(take(tmp_path)) == [Order("abort", "ada")]


def test_an_order_that_another_reader_took_meanwhile_is_no_error(tmp_path: Path) -> None:
    give(tmp_path, Order("abort", "ada"))
    for order in take(tmp_path):
        assert order == Order("abort", "ada")
        for path in folder_of(tmp_path).iterdir():
            path.unlink()


def test_an_order_that_no_controller_would_read_is_not_given(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bytes, at most 16384 are read: say less"):
        give(tmp_path, Order("abort", "ada", "x" * 20_000))
    assert list(take(tmp_path)) == []


def test_words_of_another_encoding_do_not_keep_an_abort_back(tmp_path: Path) -> None:
    """As they come from a terminal that is not in UTF-8."""
    reason = b"s\xe4ge".decode("utf-8", "surrogateescape")
    give(tmp_path, Order("abort", "ada", reason))
    assert list(take(tmp_path)) == [Order("abort", "ada", "s?ge")]


@given(
    st.lists(
        st.builds(Order, st.sampled_from(KINDS), st.text(max_size=50), st.text(max_size=1000)), max_size=5
    ),
    st.lists(st.binary(max_size=100), max_size=3),
)
def test_what_is_given_is_what_is_taken(given_orders: list[Order], noise: list[bytes]) -> None:
    """In order and nothing else, whatever lies between."""
    with tempfile.TemporaryDirectory() as name:
        state_dir = Path(name)
        for number, content in enumerate(noise):
            damaged(state_dir, f"a{number}.json", content)
        for order in given_orders:
            give(state_dir, order)
        taken = list(take(state_dir))
        assert [order for order in taken if isinstance(order, Order)] == given_orders
        assert len([told for told in taken if isinstance(told, str)]) == len(noise)
        assert list(folder_of(state_dir).iterdir() if given_orders or noise else ()) == []


def test_who_gives_orders_as_root_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "grace")
    assert operator().startswith("grace@")
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setenv("LOGNAME", "ada")
    assert operator().startswith("ada@")


PAUSE, ABORT = Order("pause", "ann", "lunch", "r1"), Order("abort", "bob", "looks odd", "r1")


def test_one_that_was_journalled_but_not_removed_is_removed_only(tmp_path: Path) -> None:
    orders.give(tmp_path, PAUSE)
    (name, _) = next(orders.take(tmp_path, set()))  # killed before it asked for the next
    assert list(take(tmp_path, {name})) == []
    assert list((tmp_path / "orders").iterdir()) == []


def rolled(world: World) -> Rollout:
    async def run() -> Rollout:
        with Journal(world.folder, world.clock) as journal:
            world.start(journal)
            async with asyncio.timeout(3600):
                return await world.controller(journal).run()

    return run_virtually(run())


def test_an_order_for_a_rollout_that_is_over_does_not_end_the_next(tmp_path: Path) -> None:
    orders.give(tmp_path, Order("abort", "bob", "once more", "r0"))
    assert rolled(World(tmp_path)).status == "done"
    told = [str(e.data["text"]) for e in read_journal(tmp_path) if e.kind == "note"]
    assert "bob ordered abort of r0, which is over" in told


def test_an_order_that_may_not_be_removed_is_obeyed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that root gave to a controller that runs as somebody else."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    orders.give(tmp_path, PAUSE)
    orders.give(tmp_path, ABORT)
    monkeypatch.setattr(Path, "unlink", refused)
    world = World(tmp_path)
    assert rolled(world).is_aborted
    entries = read_journal(tmp_path)
    assert [entry.kind for entry in entries if "order" in entry.data] == ["paused", "aborted"]
    assert world.retired
