"""Orders: whole or not there, taken once and in order, and none that can stop a controller."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.rollout.orders import KINDS, Order, give, operator, take


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

    monkeypatch.setattr(Path, "rename", killed)
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
    "cut": b'{"kind":"abort","by":"ad',
    "no object": b'["abort"]',
    "unknown kind": b'{"kind":"destroy","by":"ada","reason":""}',
    "kind of another type": b'{"kind":["abort"],"by":"ada","reason":""}',
    "nobody's": b'{"kind":"abort","reason":""}',
    "no text": b"\xff\xfe",
    "too long": orjson.dumps({"kind": "abort", "by": "ada", "reason": "x" * 20_000}),
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
def test_what_is_given_is_what_is_taken(orders: list[Order], noise: list[bytes]) -> None:
    """In order and nothing else, whatever lies between."""
    with tempfile.TemporaryDirectory() as name:
        state_dir = Path(name)
        for number, content in enumerate(noise):
            damaged(state_dir, f"a{number}.json", content)
        for order in orders:
            give(state_dir, order)
        taken = list(take(state_dir))
        assert [order for order in taken if isinstance(order, Order)] == orders
        assert len([told for told in taken if isinstance(told, str)]) == len(noise)
        assert list(folder_of(state_dir).iterdir() if orders or noise else ()) == []


def test_who_gives_orders_as_root_is_told_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "grace")
    assert operator().startswith("grace@")
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setenv("LOGNAME", "ada")
    assert operator().startswith("ada@")
