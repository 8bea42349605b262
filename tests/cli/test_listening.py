"""A port that cannot be had is told in a sentence, with what to do; and before a server is loaded."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from assay.cli.listening import listening
from assay.errors import ConfigurationError
from assay.settings import Settings, load


def settings(host: str, port: int = 0) -> Settings:
    return load([], flags={"server": {"host": host, "port": port}}, environment={})


def test_the_address_of_the_settings_is_taken() -> None:
    with listening(settings("127.0.0.1"), reuse_port=False) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(
            ConfigurationError, match=f"port {port}: Address already in use: give another --port"
        ):
            listening(settings(host, port), reuse_port=False)


def test_a_port_is_shared_when_both_say_so() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as other:
        port = other.getsockname()[1]
        with listening(settings("127.0.0.1", port), reuse_port=True) as listener:
            assert listener.getsockname()[1] == port


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_an_address_that_is_none_of_this_machine_is_told(host: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        listening(settings(host), reuse_port=False)
    assert str(told.value).startswith(f"cannot listen on {host} port 0: ")
    assert str(told.value).endswith(": give a --host that is an address of this machine")
    assert "Unknown error" not in str(told.value)


def test_who_only_tries_a_port_loads_no_server() -> None:
    program = (
        "import sys, assay.cli.up; print({'uvicorn', 'starlette', 'assay.compose.web'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert found == "set()\n"
