"""Who starts and ends a slot's processes, by what an operator writes."""

from __future__ import annotations

import pytest

from assay.errors import ConfigurationError
from assay.releases.processes import processes
from assay.releases.supervisor import Supervisor, SupervisorAddress
from assay.releases.systemd import Systemd


def test_nobody_is_nobody() -> None:
    assert processes(None) is None


def test_an_address_is_a_supervisords_and_the_word_is_systemd() -> None:
    assert isinstance(processes(SupervisorAddress("systemd")), Systemd)
    assert isinstance(processes(SupervisorAddress("unix:///run/supervisor.sock")), Supervisor)


@pytest.mark.parametrize(("user", "password_file"), [("ada", ""), ("", "/secret"), ("ada", "/secret")])
def test_systemd_takes_no_password(user: str, password_file: str) -> None:
    with pytest.raises(ConfigurationError, match="systemd knows no user and password: leave out"):
        processes(SupervisorAddress("systemd", user, password_file))
