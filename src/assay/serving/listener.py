"""The socket that a server answers on; taken without the server, which is slow to import."""

from __future__ import annotations

import socket

from assay.serving.options import ServerOptions


def listen(host: str, port: int, options: ServerOptions, *, reuse_port: bool = False) -> socket.socket:
    """A listening socket; port 0 lets the system choose. `reuse_port`: several processes may listen on the
    port, and the kernel shares out the connections. Raises OSError when the address is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=options.backlog, reuse_port=reuse_port)
