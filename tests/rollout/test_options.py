"""A node whose supervisor could be asked only by telling its password is refused with the settings."""

from __future__ import annotations

import pytest

from assay.rollout.options import NodeSettings


@pytest.mark.parametrize("supervisor", ["http://assay:secret@127.0.0.1:9001", "unix://a@b"])
def test_an_address_with_a_password_is_refused_and_not_repeated(supervisor: str) -> None:
    with pytest.raises(ValueError, match="give supervisor_user and supervisor_password_file") as told:
        NodeSettings(supervisor=supervisor)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(("user", "file"), [("assay", ""), ("", "/etc/assay/supervisor")])
def test_a_user_without_a_password_or_the_other_way_round_is_refused(user: str, file: str) -> None:
    with pytest.raises(ValueError, match="give both or neither"):
        NodeSettings(
            supervisor="unix:///run/supervisor.sock", supervisor_user=user, supervisor_password_file=file
        )


@pytest.mark.parametrize(("user", "file"), [("assay", "/etc/assay/supervisor"), ("", "")])
def test_both_or_neither_will_do(user: str, file: str) -> None:
    node = NodeSettings(supervisor="systemd", supervisor_user=user, supervisor_password_file=file)
    assert (node.supervisor_user, node.supervisor_password_file) == (user, file)
