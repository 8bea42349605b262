"""Commands whose standard streams are closed, as a service manager or a shell's ``2>&-`` leaves them."""

from __future__ import annotations

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
assert later > 2 and sys.stdin.read() == "" and print("lost", file=sys.stderr) is None
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


def test_a_result_that_has_no_place_to_go_is_an_error(tmp_path: Path) -> None:
    done = subprocess.run(
        closing("1>&-", *ASSAY, "config", "show"),
        capture_output=True,
        text=True,
        check=False,
        env=environment(tmp_path),
    )
    assert (done.returncode, done.stderr) == (1, "assay: Bad file descriptor: mend it and run again\n")
