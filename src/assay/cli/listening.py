"""The port that a server is to have, or a sentence that says why not."""

from __future__ import annotations

import socket

from assay.errors import cannot_listen
from assay.serving.listener import listen
from assay.settings import Settings


def listening(settings: Settings, reuse_port: bool) -> socket.socket:
    """The socket, taken before anything slow is done, so that a taken port is told at once."""
    host, port = settings.server.host, settings.server.port
    try:
        return listen(host, port, settings.http, reuse_port=reuse_port)
    except OSError as error:
        raise cannot_listen(error, host, port) from None
