"""The HAProxy of docs/how-to/secure.md, at work before a server: TLS outside, metrics for nobody outside."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Final

import pytest

from deploy.files import program, run
from servers.asgi import Served, serving
from servers.processes import Process, running
from servers.redis import free_port
from shared_data import ROOT
from small_app import SmallApp, ask

PAGE: Final = (ROOT / "docs" / "how-to" / "secure.md").read_text("utf-8")
START_LIMIT_S: Final = 20.0


def configuration(plain: int, secure: int, certificate: Path, web: Served) -> str:
    """The documented one, with this machine's ports."""
    (found,) = re.findall(r"```\n(# /etc/haproxy/haproxy.cfg\n.*?)```", PAGE, re.DOTALL)
    text = str(found)
    for there, here in {
        "  user haproxy\n  group haproxy\n": "",
        "bind :80\n": f"bind 127.0.0.1:{plain}\n",
        "bind :443 ssl crt /etc/haproxy/assay.pem": f"bind 127.0.0.1:{secure} ssl crt {certificate}",
        "127.0.0.1:8080": f"127.0.0.1:{web.port}",
    }.items():
        assert text.count(there) == 1
        text = text.replace(there, here)
    return text


def self_signed(folder: Path) -> Path:
    """Certificate and key in one file, as HAProxy wants them."""
    certificate = folder / "assay.pem"
    made = run("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost",
               "-keyout", "-", "-out", "-")  # fmt: skip
    certificate.write_text(made)
    return certificate


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """Of plain HTTP, and of TLS."""
    folder = tmp_path_factory.mktemp("haproxy")
    plain, secure = free_port(), free_port()
    path = folder / "haproxy.cfg"
    with serving(SmallApp().build().asgi) as web:
        path.write_text(configuration(plain, secure, self_signed(folder), web))
        process = Process("haproxy", [program("haproxy"), "-db", "-f", str(path)], folder, {})
        with running(process):
            process.until(lambda: _listens(plain), START_LIMIT_S)
            yield plain, secure


def _listens(port: int) -> bool:
    try:
        return ask(Served(port), "/livez").status > 0
    except OSError:
        return False


def _by_tls(port: int, path: str) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = HTTPSConnection("127.0.0.1", port, context=context, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_scores_are_given_by_tls_and_metrics_are_not(ports: tuple[int, int]) -> None:
    _, secure = ports
    assert _by_tls(secure, "/v3/scores/smallwiki/1/damaging/") == 200
    for path in ("/metrics", "/metrics/", "/%6Detrics", "/metrics?x"):
        assert _by_tls(secure, path) == 403


def test_who_comes_without_tls_is_sent_to_it(ports: tuple[int, int]) -> None:
    plain, _ = ports
    reply = ask(Served(plain), "/livez")
    assert (reply.status, reply.headers["location"][:8]) == (302, "https://")
