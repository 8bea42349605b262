"""What flags say, and what they may not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.cli import options
from assay.errors import ConfigurationError

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="="), min_size=1, max_size=8)


@given(st.dictionaries(WORDS, st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)))
def test_pairs_are_parted_at_the_first_equals_sign(given_: dict[str, str]) -> None:
    written = [f"{name}={value}" for name, value in given_.items()]
    assert options.pairs(written, "--wiki") == list(given_.items())
    assert options.pairs(written * 2, "--wiki") == list(given_.items())


@pytest.mark.parametrize("value", ["enwiki", "=dump.xml", "enwiki=", "="])
def test_what_is_no_pair_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--wiki .*: write it as NAME=SOURCE, such as"):
        options.pairs([value], "--wiki")


def test_one_name_with_two_values_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--wiki names w twice, a and b"):
        options.pairs(["w=a", "v=a", "w=b"], "--wiki")


def test_streams_are_said_by_their_kinds() -> None:
    assert options.streams(None) is options.streams([]) is None
    assert options.streams(["udp=127.0.0.1:9390", "recentchanges=clubwiki"]) == {
        "udp": {"kind": "udp", "address": "127.0.0.1:9390"},
        "recentchanges": {"kind": "recentchanges", "wiki": "clubwiki"},
    }
    with pytest.raises(ConfigurationError, match="--follow kafka=…: the kinds are eventstreams, "):
        options.streams(["kafka=x"])


def test_flags_that_were_not_given_change_nothing(tmp_path: Path) -> None:
    file = tmp_path / "assay.toml"
    file.write_text('release = "of-the-file"\n[server]\nport = 1234\n')
    configuration = options.Configuration(config=[file])
    kept = options.load_settings(configuration, server={"host": None, "port": None})
    assert (kept.release, kept.server.port) == ("of-the-file", 1234)
    changed = options.load_settings(configuration, release="another", processes=3, server={"port": 0})
    assert (changed.release, changed.server.port, changed.pool.processes) == ("another", 0, 3)


def test_what_is_scored_is_said_once_for_all_commands(tmp_path: Path) -> None:
    scored = options.WhatIsScored(["w=x.xml", "v=y.xml"], ["w=enwiki"], [tmp_path])
    found = options.load_settings(options.NOTHING_GIVEN, scored, release="r1", server={"port": 7})
    assert {name: (wiki.source, wiki.bundles) for name, wiki in found.wikis.items()} == {
        "w": ("x.xml", "enwiki"),
        "v": ("y.xml", None),
    }
    assert (found.bundle_directories, found.release, found.server.port) == ((str(tmp_path),), "r1", 7)


def test_a_release_is_not_told_that_it_is_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_RELEASE", "2026-11-27-abc")
    assert options.load_settings(release="another").release == "another"
    monkeypatch.setenv("ASSAY_SHIPPED_BUNDLES", "false")
    told = "--release and --bundle-directory cannot be given to the release 2026-11-27-abc"
    with pytest.raises(ConfigurationError, match=told):
        options.load_settings(scored=options.WhatIsScored(bundle_directory=[tmp_path]), release="another")
    assert options.load_settings().release == "2026-11-27-abc"


def test_an_output_that_could_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for fine in (None, file, tmp_path / "new"):
        options.check_output(fine)
    options.check_output(tmp_path, folder=True)
    options.check_output(tmp_path / "new" / "deep", folder=True)
    with pytest.raises(ConfigurationError, match="is a folder: name a file in it"):
        options.check_output(tmp_path)
    with pytest.raises(ConfigurationError, match="is a file: name a folder"):
        options.check_output(file, folder=True)
    with pytest.raises(ConfigurationError, match=r"there is no folder .*/none to write x into"):
        options.check_output(tmp_path / "none" / "x")


@contextmanager
def as_a_stranger() -> Iterator[None]:
    """Root may write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_what_its_user_may_not_write_is_refused_before_the_work() -> None:
    with TemporaryDirectory() as name:
        folder, file = Path(name), Path(name) / "file"
        file.touch()
        file.chmod(0o444)
        folder.chmod(0o555)
        try:
            with as_a_stranger():
                for path, how, refused in (
                    (file, {}, file),
                    (folder / "new", {}, folder),
                    (file, {"in_one_step": True}, folder),
                    (folder / "new" / "deep", {"folder": True}, folder),
                ):
                    with pytest.raises(ConfigurationError, match=f"^{refused} must not be written to by"):
                        options.check_output(path, **how)
        finally:
            folder.chmod(0o755)


def test_of_a_link_the_place_that_it_leads_to_is_looked_at(tmp_path: Path) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        closed, opened = folder / "closed", folder / "opened"
        for place, there in ((closed, opened), (opened, closed)):
            place.mkdir()
            (place / "link").symlink_to(there / "file")
        opened.chmod(0o777)
        closed.chmod(0o555)
        try:
            with as_a_stranger():
                options.check_output(closed / "link", in_one_step=True)
                with pytest.raises(ConfigurationError, match=f"^{closed} must not be written to by"):
                    options.check_output(opened / "link", in_one_step=True)
        finally:
            closed.chmod(0o755)
    (tmp_path / "link").symlink_to("none/file")
    with pytest.raises(ConfigurationError, match=r"there is no folder .*/none to write file into"):
        options.check_output(tmp_path / "link", in_one_step=True)


def test_a_device_is_written_to_but_never_replaced(tmp_path: Path) -> None:
    """`--output /dev/null`, given by root, would have left a file in the place of everybody's."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for place in (Path(os.devnull), pipe, link):
        options.check_output(place)
        with pytest.raises(ConfigurationError, match="is no plain file, and another would take its place"):
            options.check_output(place, in_one_step=True)
    options.check_output(tmp_path / "new", in_one_step=True)


def test_a_warning_is_told_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    options.warn("redis.address is now redis.url")
    assert capsys.readouterr() == ("", "assay: warning: redis.address is now redis.url\n")
