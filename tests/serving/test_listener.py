"""A socket to answer on: whose port it has, and who else may have it."""

from __future__ import annotations

import errno
import os

import pytest

from assay.serving.listener import listen
from assay.serving.options import ServerOptions

OPTIONS = ServerOptions()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_system_chooses_a_port_of_the_address(host: str) -> None:
    with listen(host, 0, OPTIONS) as listener:
        assert listener.getsockname()[0] == host
        assert listener.getsockname()[1] > 0


def test_a_port_is_shared_only_among_those_who_say_so() -> None:
    with listen("127.0.0.1", 0, OPTIONS, reuse_port=True) as first:
        port = first.getsockname()[1]
        with listen("127.0.0.1", port, OPTIONS, reuse_port=True) as second:
            assert second.getsockname() == first.getsockname()
        with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)):
            listen("127.0.0.1", port, OPTIONS)
