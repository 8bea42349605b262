"""The configuration of HAProxy that Assay ships, read by HAProxy itself."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from assay.errors import ConfigurationError
from assay.rollout.traffic.haproxy_config import HaproxyConfig, render
from deploy.files import DEPLOY
from servers.haproxy import program

TWO = HaproxyConfig(
    data_centre="eqiad",
    bind="[::]:8080",
    remote="codfw.example.org:8080",
    peers=("192.0.2.0/24", "2001:db8::/32"),
    slots={"red": ("[::1]:1", "h:2"), "black": ("h:3", "h:4")},
    stable_slot="black",
)


def checked(text: str, folder: Path) -> str:
    """What HAProxy says of a configuration; fails when it would not start."""
    (folder / "haproxy.cfg").write_text(text)
    command = [program(), "-c", "-f", str(folder / "haproxy.cfg")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_shipped_file_is_the_template_with_its_defaults() -> None:
    assert (DEPLOY / "haproxy" / "haproxy.cfg").read_text("utf-8") == render(HaproxyConfig())


@pytest.mark.parametrize("options", [HaproxyConfig(), TWO])
def test_haproxy_accepts_it_without_a_warning(options: HaproxyConfig, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("1\n")
    numbered = dict.fromkeys(options.slots, ("127.0.0.1:1", "[::1]:2"))  # names need a resolver
    remote = "127.0.0.1:3" if options.remote else ""
    here = replace(options, state_file=str(state), runtime=str(tmp_path / "s"), slots=numbered, remote=remote)
    said = checked(render(here), tmp_path)
    assert "WARNING" not in said
    assert "ALERT" not in said


def test_what_stands_in_it_follows_from_the_options() -> None:
    lines = [line.strip() for line in render(TWO).splitlines()]
    assert "server red-2 h:2 weight 0" in lines
    assert "server black-1 h:3 weight 100" in lines
    assert "server remote codfw.example.org:8080 weight 0" in lines
    assert "acl from_peer src 192.0.2.0/24 2001:db8::/32" in lines
    assert "server remote" not in render(HaproxyConfig())


@pytest.mark.parametrize(
    "change",
    [
        {"data_centre": 'a"'},
        {"data_centre": "a\nb"},
        {"bind": ":80 ssl"},
        {"runtime": ""},
        {"state_file": "/tmp/a b"},
        {"log_address": "h:1 # x"},
        {"slots": {"blue": ("h:1 weight 256",)}},
        {"slots": {"blue\n": ("h:1",)}, "stable_slot": "blue\n"},
        {"remote": "h:1\nserver x"},
        {"peers": ("0.0.0.0/0 x",)},
        {"backend": "a{b}"},
    ],
)
def test_nothing_can_break_out_of_its_place(change: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="cannot stand in HAProxy's configuration"):
        render(replace(HaproxyConfig(), **change))  # type: ignore[arg-type]


def test_the_stable_slot_must_be_one() -> None:
    with pytest.raises(ConfigurationError, match="no slot 'red' to be stable"):
        render(replace(HaproxyConfig(), stable_slot="red"))
