"""``assay web`` and ``assay worker`` with what they cannot begin with; beginning is in `test_worker`."""

from __future__ import annotations

from pathlib import Path

from cli.running import assay_each
from servers import redis as redis_server
from servers.redis import free_port


def test_neither_begins_with_what_cannot_be(tmp_path: Path) -> None:
    with redis_server.running(password="x") as redis:
        wrong = ("--redis", redis.url.replace("//", "//:hunter2@"))
        nobody = ("--redis", f"redis://127.0.0.1:{free_port()}/0")
        commands = {
            ("web", *wrong): "refuses our user name or password",
            ("worker", *wrong): "refuses our user name or password",
            ("web", "--redis", "smoke://x"): "redis",
            ("worker", "--lane", "slow", *nobody): "lane",
            ("web", "--wiki", "w=none.xml", "--port", "0", *nobody): "none.xml does not exist",
            ("worker", "--wiki", "w=a.xml", "--bundles", "w=nowiki", *nobody): "nowiki",
        }
        ran = assay_each(tmp_path, list(commands))
    for done, told in zip(ran, commands.values(), strict=True):
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert told in done.stderr
        assert "Traceback" not in done.stderr
        assert "hunter2" not in done.stderr
