"""Runs the application with uvicorn: one process, its own event loop, an orderly end."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.errors import AssayError
from assay.serving.options import ServerOptions
from assay.serving.protocol import limited_http


class _Application:
    """The application, and in `failure` the `AssayError` that kept it from starting. Such an error is one
    sentence for a person; Starlette would have its traceback logged, once for each router."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.failure: AssayError | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return await self._app(scope, receive, send)

        async def tell(message: Message) -> None:
            error = sys.exception() if message["type"] == "lifespan.startup.failed" else None
            if isinstance(error, AssayError):
                self.failure = error
                message = {**message, "message": ""}
            await send(message)

        return await self._app(scope, receive, tell)


class _Server(uvicorn.Server):
    """Tells when it answers; and the application when it is asked to end, before it waits for answers under
    way."""

    def __init__(
        self, config: uvicorn.Config, draining: asyncio.Event, started: Callable[[], None] | None
    ) -> None:
        super().__init__(config)
        self._draining = draining
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # of an application that did not start; `serve` says so
            self.should_exit = True
        if self.started and not self.should_exit and self._tell_started is not None:
            self._tell_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._draining.set()
        await super().shutdown(sockets)


def build_server(
    app: ASGIApp,
    options: ServerOptions,
    draining: asyncio.Event | None = None,
    started: Callable[[], None] | None = None,
) -> uvicorn.Server:
    """For tests and embedding; `serve` runs it in the usual way. `draining`: of the application, if it has
    long answers to bring to their end. `started`: called once it answers, unless it is to end by then."""
    return _Server(
        uvicorn.Config(
            app,
            loop="uvloop",
            http=limited_http(options),
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            backlog=options.backlog,
            timeout_keep_alive=round(options.keep_alive_s),
            timeout_graceful_shutdown=round(options.drain_timeout_s),
        ),
        draining or asyncio.Event(),
        started,
    )


def serve(
    app: ASGIApp,
    listener: socket.socket,
    options: ServerOptions,
    draining: asyncio.Event | None = None,
    started: Callable[[], None] | None = None,
) -> bool:
    """Serve until TERM, INT or HUP, then drain; arguments as of `build_server`. False when the application
    did not start, and its log says why; raises the `AssayError` that was the reason.

    Afterwards uvicorn raises the signal again for whoever had a handler; here nobody may die of it,
    because an orderly end is a success. So is an end that was asked for before the start: the signal may have
    taken with it what was to be started.
    """
    application = _Application(app)
    server = build_server(application, options, draining, started)
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        server.handle_exit(number, frame)

    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup's wish stands
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        return True
    if application.failure is not None:
        raise application.failure
    return server.started
