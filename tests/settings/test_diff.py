"""Exactly what differs between two environments, without secrets."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from assay.settings import Difference, Given, differences, environment_of, given_in, resolve
from settings.folders import write


def _differences(folder: Path) -> dict[str, Difference]:
    left, right = (resolve(given_in(environment_of(folder, name))) for name in ("a", "b"))
    return {difference.name: difference for difference in differences(left, right)}


def test_equal_environments_have_no_difference(tmp_path: Path) -> None:
    text = "[pool]\nprocesses = 3\n"
    assert not _differences(write(tmp_path, {"base.toml": "", "a.toml": text, "b.toml": text}))


def test_a_default_that_one_writes_out_is_no_difference(tmp_path: Path) -> None:
    files = {"base.toml": "", "a.toml": "[server]\nport = 8080\n", "b.toml": ""}
    assert not _differences(write(tmp_path, files))


def test_every_value_is_told_with_its_file(tmp_path: Path) -> None:
    files = {
        "base.toml": "[pool]\nprocesses = 3\n",
        "a.toml": '[wikis.cywiki]\nsource = "cy.xml"\nbundles = "enwiki"\n',
        "b.toml": '[pool]\nprocesses = 4\n[wikis.cywiki]\nsource = "cy.xml"\n[server]\nport = 1\n',
    }
    found = _differences(write(tmp_path, files))
    assert set(found) == {"pool.processes", "server.port", "wikis.cywiki.bundles"}
    sides = {name: (d.left.value, d.left.where, d.right.value, d.right.where) for name, d in found.items()}
    base, one, other = (str(tmp_path / name) for name in files)
    assert sides["pool.processes"] == ("3", base, "4", other)
    assert sides["server.port"] == ("8080", "default", "1", other)
    assert sides["wikis.cywiki.bundles"] == ('"enwiki"', one, "not set", "")


def test_secrets_are_told_as_set_not_set_or_different(tmp_path: Path) -> None:
    files = {
        "base.toml": "",
        "a.toml": '[redis]\nurl = "redis://:hunter2@h/0"\n[queue_redis]\nurl = "redis://i/0"\n',
        "b.toml": '[redis]\nurl = "redis://:hunter3@h/0"\n[queue_redis]\nurl = "redis://i/0"\n',
        "secrets/a/redis.sentinel_password": "hunter4",
        "secrets/a/queue_redis.password": "hunter5",
        "secrets/b/queue_redis.password": "hunter6",
    }
    found = _differences(write(tmp_path, files))
    assert "hunter" not in repr(found)
    told = {name: (d.left.value, d.right.value) for name, d in found.items()}
    hidden = '"redis://[redacted]@h/0", what is hidden differs'
    assert told == {
        "redis.url": (hidden, hidden),
        "redis.sentinel_password": ("set", "not set"),
        "queue_redis.password": ("set, differs", "set, differs"),
    }


@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans())
def test_there_is_a_difference_exactly_where_values_differ(a: int, b: int, c: bool, d: bool) -> None:
    left, right = (
        resolve(Given(flags={"pool": {"processes": n}, "log": {"json": flag}}))
        for n, flag in ((a, c), (b, d))
    )
    found = {difference.name for difference in differences(left, right)}
    assert found == {name for name, differs in (("pool.processes", a != b), ("log.json", c != d)) if differs}
