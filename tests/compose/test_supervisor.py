"""What supervisord makes of our configuration: read by its own reader, and really run."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser

from assay.compose.supervisor import Program, check_free, render, supervisor_command, supervisor_url, write
from assay.errors import ConfigurationError
from assay.releases.supervisor import Supervisor, SupervisorAddress
from servers.processes import Process, running
from waiting import until

WORD = "100 % 'of' it;#all"
STAYS = """
import os, signal, sys
def tell(what):
    with open(sys.argv[1], "a") as file:
        print(sys.argv[2], what, file=file)
def end(*_):
    tell("ended")
    sys.exit()
signal.signal(signal.SIGTERM, end)
tell("says " + os.environ.get("WORD", "nothing"))
print("a complaint", file=sys.stderr, flush=True)
while True:
    signal.pause()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, as a socket's path has a limit; with what supervisord would expand."""
    with tempfile.TemporaryDirectory(prefix="assay-sv-") as short:
        (made := Path(short) / "a %b").mkdir()
        yield made


def test_it_starts_in_order_ends_in_reverse_and_starts_again_what_ends(folder: Path) -> None:
    told, script = folder.parent / "told", folder / "stays.py"
    script.write_text(STAYS)

    def program(name: str, priority: int, **more: object) -> Program:
        command = (sys.executable, str(script), str(told), name)
        return Program(name, command, priority, {"WORD": WORD}, **more)  # type: ignore[arg-type]

    def lines() -> list[str]:
        return told.read_text().splitlines() if told.exists() else []

    both = {"group": "both", "starts_itself": False}
    configuration = write(
        folder,
        [
            program("last", 30),
            program("first", 10),
            Program("broken", (sys.executable, "-c", "raise SystemExit('no')"), 20, retries=0),
            program("later", 40, **both),
            program("too", 50, **both),
        ],
    )
    process = Process("supervisord", supervisor_command(configuration), folder.parent, {})
    with running(process):
        process.until((folder / "supervisor.sock").exists, 30)
        with closing(Supervisor(SupervisorAddress(supervisor_url(folder)))) as supervisor:
            until(lambda: sorted(lines()) == [f"first says {WORD}", f"last says {WORD}"])
            until(lambda: supervisor.states("broken") == {"broken": "FATAL"})
            assert supervisor.states("both") == {"later": "STOPPED", "too": "STOPPED"}
            assert supervisor.start_ended("both", 30) == ["later", "too"]
            os.kill(supervisor.pids("first")["first"], signal.SIGKILL)
            until(lambda: lines().count(f"first says {WORD}") == 2)
            with pytest.raises(ConfigurationError, match="is not to be written over: end it first"):
                check_free(folder)
        process.terminate()
        assert process.wait() == 0
    assert [line for line in lines() if line.endswith("ended")][-2:] == ["last ended", "first ended"]
    assert len(lines()) == 5 + 4
    assert "a complaint" in (folder / "logs" / "last.log").read_text()
    assert "no" in (folder / "logs" / "broken.log").read_text()
    check_free(folder)


def test_only_its_owner_may_look_in_or_give_orders(folder: Path) -> None:
    """The environment of programs may hold passwords; also when somebody made the folder before."""
    folder.chmod(0o755)
    configuration = write(folder, [Program("web", ("assay", "web"), 1, {"PASSWORD": "x"})])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(configuration.stat().st_mode) == 0o600
    assert write(folder, []) == configuration
    assert "PASSWORD" not in configuration.read_text()
    assert "PASSWORD" not in repr(Program("web", (), 1, {"PASSWORD": "x"}))


def test_a_socket_that_nobody_listens_on_any_more_is_no_hindrance(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "supervisor.sock"))
    check_free(folder)


def test_a_path_that_no_socket_can_have_is_refused_and_any_shorter_one_works(folder: Path) -> None:
    """supervisord would end with words of its own, once all had been said to be well."""
    room = 107 - len(f"/supervisor.sock.{os.getpid()}") - len(f"{folder}/")
    with pytest.raises(ConfigurationError, match="is too long a path for the socket in it: name a shorter"):
        check_free(folder / ("d" * (room + 1)))
    fits = folder / ("d" * (room - 2))  # the numbers of later processes may be longer
    fits.mkdir()
    check_free(fits)
    command = supervisor_command(write(fits, []))
    with running(Process("supervisord", command, fits, dict(os.environ))) as process:
        process.until((fits / "supervisor.sock").exists, 60)


def test_special_characters_reach_the_command_as_they_are(tmp_path: Path) -> None:
    command = ("assay", "--wiki", "w=/a b/100%/c'd.xml")
    text = render(tmp_path, [Program("web", command, 1)])
    line = next(line for line in text.splitlines() if line.startswith("command="))
    assert shlex.split(line.removeprefix("command=").replace("%%", "%")) == list(command)


@given(value=st.text(st.sampled_from("aé\"'%;#= ,\n")) | st.text())
@example(value="a ;b")
@example(value="a #b")
def test_a_value_reaches_supervisord_as_it_is_or_is_refused_without_being_shown(value: str) -> None:
    """By supervisord's own reader: a password that loses a character is a wrong password on all nodes."""
    url = f"redis://:{value}@here"
    programs = [Program("web", ("assay", value), 1, {"URL": url})]
    try:
        text = render(Path("/up"), programs)
    except ConfigurationError as refused:
        saying = str(refused)
        event("refused")
        if url in saying:
            pytest.fail(saying)
        return
    reader = UnhosedConfigParser()
    reader.read_string(text)
    section = "program:web"
    assert shlex.split(reader.saneget(section, "command")) == ["assay", value]
    found = dict_of_key_value_pairs(reader.saneget(section, "environment"))
    assert found == {"URL": url}
