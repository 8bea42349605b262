"""Where releases lie and come from, by what is set and who asks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import ConfigurationError
from assay.releases.options import ReleaseOptions, root_folder, store_address


@pytest.mark.parametrize("user", [0, 1000])
def test_what_is_set_is_the_root_for_everybody(
    user: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.chdir(tmp_path)
    assert root_folder(ReleaseOptions(root="releases")) == tmp_path / "releases"


@pytest.mark.parametrize(
    ("user", "data", "root"),
    [
        (0, "/home/a/data", "/var/lib/assay"),
        (1000, "/home/a/data", "/home/a/data/assay"),
        (1000, "", "/home/a/.local/share/assay"),
    ],
)
def test_root_has_the_system_s_place_and_others_their_own(
    user: int, data: str, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("XDG_DATA_HOME", data)
    assert root_folder(ReleaseOptions()) == Path(root)


def test_a_store_that_is_given_comes_first_and_none_is_told() -> None:
    assert store_address(ReleaseOptions(store="/usual"), "/given") == "/given"
    assert store_address(ReleaseOptions(store="/usual"), None) == "/usual"
    with pytest.raises(ConfigurationError, match=r"give --store, or set releases\.store"):
        store_address(ReleaseOptions(store=""), "")
