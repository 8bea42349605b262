"""Commands whose standard streams are closed, as a service manager or a shell's ``2>&-`` leaves them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.running import ASSAY, environment
from servers.processes import Process, running, status
from servers.redis import free_port

OPENED = """
import os, subprocess, sys
from assay.cli.standard_streams import open_closed
open_closed()
later = os.open(os.devnull, os.O_RDONLY)
child = "import os; [os.fstat(number) for number in range(3)]"
assert later > 2 and sys.stdin.read() == "" and print("lost: \\udcff", file=sys.stderr) is None
sys.exit(subprocess.run([sys.executable, "-c", child]).returncode)
"""


def closing(streams: str, *command: str) -> list[str]:
    """A command without these, as a shell says it."""
    return ["sh", "-c", f'exec "$@" {streams}', "sh", *command]


def test_a_server_whose_log_is_closed_serves_and_ends_in_order(tmp_path: Path) -> None:
    port = free_port()
    command = closing("2>&-", *ASSAY, "serve", "--port", str(port), "--processes", "1")
    process = Process("serve", command, tmp_path, environment(tmp_path))
    with running(process):
        process.until(lambda: status(port, "/readyz") == 200, 60)
        assert status(port, "/v3/scores/testwiki/12/") == 200
        process.terminate()
        assert process.wait() == 0
    assert process.text() == ""


@pytest.mark.parametrize("streams", ["0<&- 2>&-", "0<&- 1>&- 2>&-", ""])
def test_no_later_file_and_no_child_gets_the_number_of_a_closed_one(streams: str) -> None:
    done = subprocess.run(
        closing(streams, sys.executable, "-c", OPENED), stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0


@pytest.mark.parametrize("words", ["--version", "--help", "config show"])
def test_a_result_that_has_no_place_to_go_is_an_error(tmp_path: Path, words: str) -> None:
    done = ended("1>&-", tmp_path, *words.split())
    told = "assay: standard output is closed: give it a file, or /dev/null\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_a_result_that_finds_no_space_is_an_error(tmp_path: Path) -> None:
    done = ended("1>/dev/full", tmp_path, "--version")
    told = "assay: No space left on device: mend it and run again\n"
    assert (done.returncode, done.stderr) == (1, told)


def test_an_error_is_told_as_ever_where_there_would_have_been_no_result(tmp_path: Path) -> None:
    done = ended("1>&-", tmp_path, "config", "show", "--config", "none.toml")
    assert done.returncode == 1
    assert "none.toml: No such file or directory" in done.stderr
    assert "standard output" not in done.stderr


def test_what_is_written_in_vain_at_the_very_end_is_an_error_too() -> None:
    """As by a command that leaves it to Python to write out."""
    program = "import sys, assay.cli as cli; cli.app = lambda: sys.exit(print('lost')); cli.main()"
    command = closing("1>&-", sys.executable, "-c", program)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = "assay: standard output is closed: give it a file, or /dev/null\n"
    assert (done.returncode, done.stderr) == (1, told)


LATIN = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
"""As in a locale without UTF-8."""


def test_results_are_utf_8_in_any_locale(tmp_path: Path) -> None:
    history = {"rev_id": 1, "page_title": "Дом", "timestamp": "2026-01-01T00:00:00Z", "user": "Ω"}
    (tmp_path / "h.jsonl").write_text(json.dumps({**history, "comment": None, "text": "c"}))
    (tmp_path / "w.toml").write_text('[wikis.w]\nsource = "дом.xml"\nbundles = "enwiki"\n')
    for words, told in (
        (("label", "h.jsonl"), "1\tДом\t2026-01-01T00:00:00Z\tΩ\t"),
        (("config", "show", "--config", "w.toml"), '"source": "дом.xml"'),
        (("train", "--help"), "https://…/api.php"),
    ):
        done = subprocess.run(
            (*ASSAY, *words),
            capture_output=True,
            check=True,
            env=environment(tmp_path, **LATIN),
            cwd=tmp_path,
        )
        assert told in done.stdout.decode("utf-8")


def test_a_terminal_keeps_its_encoding_and_is_shown_what_it_has_no_sign_for(tmp_path: Path) -> None:
    (tmp_path / "base.toml").touch()
    for name, contact in (("one", "é…"), ("other", "x")):
        (tmp_path / f"{name}.toml").write_text(f'wiki_api.contact = "{contact}"\n')
    diff = (*ASSAY, "config", "diff", "one", "other", "--config-folder", ".")
    ours, theirs = os.openpty()
    try:
        given = environment(tmp_path, **LATIN)
        done = subprocess.run(
            diff, stdout=theirs, stderr=subprocess.PIPE, check=False, env=given, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (1, b"")
        assert b'"\xe9\\u2026"' in os.read(ours, 10_000)
    finally:
        os.close(ours)
        os.close(theirs)


def test_the_names_of_those_that_were_closed_are_told() -> None:
    program = (
        "import sys; from assay.cli.standard_streams import open_closed; sys.exit(' '.join(open_closed()))"
    )
    command = closing("0<&-", sys.executable, "-c", program)
    assert subprocess.run(command, capture_output=True, text=True, check=False).stderr == "stdin\n"


def ended(streams: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = closing(streams, *ASSAY, *words)
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment(folder), cwd=folder
    )
