"""What is cleaned at the boundary, whatever the format."""

from __future__ import annotations

import pytest

from assay.revisions.record import is_ip


@pytest.mark.parametrize("name", ["192.0.2.1", "2001:DB8::1", "2001:db8:0:0:0:0:0:1", "24.64.12.xxx"])
def test_names_that_are_addresses(name: str) -> None:
    assert is_ip(name)


@pytest.mark.parametrize(
    "name", ["Vera", "imported>Vera", "24.64.xxx.xxx", "24.64.12.xxxx", "15.22", "xxx", ""]
)
def test_names_that_are_not(name: str) -> None:
    assert not is_ip(name)
