"""An Assay of one web process that dies of one revision, as of a segmentation fault, and is replaced by the
next one. Each says so when it begins.

    python tests/servers/fragile_assay.py PORT REV_ID
"""

from __future__ import annotations

import os
import socket
import sys

from aiohttp import web

MODELS = {"damaging": {"version": "1"}}
SCORE = {"prediction": False, "probability": {"false": 0.9, "true": 0.1}}


def main() -> None:
    port, bad = sys.argv[1:]

    async def models(request: web.Request) -> web.Response:
        return web.json_response({"smallwiki": {"models": MODELS}})

    async def scores(request: web.Request) -> web.Response:
        rev_ids = str((await request.post())["revids"]).split("|")
        if bad in rev_ids:
            os._exit(1)
        told = {rev_id: {"damaging": {"score": SCORE}} for rev_id in rev_ids}
        return web.json_response({"smallwiki": {"models": MODELS, "scores": told}})

    application = web.Application()
    application.router.add_get("/v3/scores/", models)
    application.router.add_post("/v3/scores/smallwiki/", scores)
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        while True:
            print("begun", flush=True)
            if (child := os.fork()) == 0:
                web.run_app(application, sock=listener, print=None, handle_signals=False)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
