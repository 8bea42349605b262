"""The port that a server is to have, or a sentence that says why not."""

from __future__ import annotations

import errno
import os
import socket

from assay.errors import ConfigurationError
from assay.serving.listener import listen
from assay.settings import Settings


def listening(settings: Settings, reuse_port: bool) -> socket.socket:
    """The socket, taken before anything slow is done, so that a taken port is told at once."""
    host, port = settings.server.host, settings.server.port
    try:
        return listen(host, port, settings.http, reuse_port=reuse_port)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host} port {port}: {_told(error)}") from None


def _told(error: OSError) -> str:
    """Why, and what to do. Python's own words repeat the address; but a host that is not found has a number
    that only they explain."""
    is_usual = error.errno in errno.errorcode
    reason = os.strerror(error.errno or 0) if is_usual else error.strerror or str(error)
    advice = {
        errno.EADDRINUSE: "give another --port, or end what uses it",
        errno.EACCES: "give a --port from 1024 on",
    }.get(error.errno or 0, "give a --host that is an address of this machine")
    return f"{reason}: {advice}"
