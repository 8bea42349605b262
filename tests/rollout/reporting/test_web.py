"""The page's routes over real sockets: who may ask, what is answered, and what is refused."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from assay.clock import FakeClock
from assay.errors import ConfigurationError
from assay.page.headers import CONTENT_SECURITY_POLICY
from assay.rollout.journal import FILE_NAME, LOCK_NAME, Journal
from assay.rollout.reporting import web
from assay.rollout.reporting.gate import MAX_BODY_BYTES
from assay.rollout.reporting.web import PageOptions, build_page, run_page
from rollout.arms import CANDIDATE, Defect
from rollout.told import NOON, Teller, whole
from servers.asgi import Answer, Served, serving
from shared_data import ROOT

TOKEN = "correct-horse-battery"
RELEASE = CANDIDATE.release
DATA_ROUTES = ("/", "/api/rollout", "/api/rollout/version", f"/api/verdict?release={RELEASE}")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOON)


@contextmanager
def page(folder: Path, clock: FakeClock, **options: Any) -> Iterator[Served]:
    with serving(build_page(PageOptions(state_dir=str(folder), **options), clock)) as served:
        yield served


def post(served: Served, hook: str, document: Any, headers: dict[str, str] | None = None) -> Answer:
    return served.ask(f"/api/flagger/{hook}", "POST", headers, json.dumps(document).encode())


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    return str(path)


# -- answers -----------------------------------------------------------------------------------------


def test_the_document_tells_what_the_page_tells(tmp_path: Path, clock: FakeClock) -> None:
    whole(tmp_path, clock, "bad", Defect(crash_share=0.3))
    with Journal(tmp_path, clock) as journal:
        teller = Teller(journal, clock, "now")
        teller.start()
        teller.go_to(5)
    with page(tmp_path, clock) as served:
        answer = served.ask("/api/rollout")
        text = served.ask("/").text
    told = json.loads(answer.body)
    assert answer.headers["cache-control"] == "no-store"
    assert told["headline"] == "Running: codfw 25 %"
    assert told["journal"]["state"] == "sound"
    rollout = told["rollout"]
    assert (rollout["id"], rollout["status"], rollout["stage"], rollout["by"]) == (
        "now",
        "running",
        "codfw 25 %",
        "ada",
    )
    states = [stage["state"] for stage in rollout["stages"]]
    assert states == ["done"] * 5 + ["running"] + ["to_come"] * 10
    assert rollout["weights"][0]["arms"]["candidate"] == {"slot": "green", "weight": 25}
    assert rollout["weights"][1]["at_s"] is None
    assert [chart["key"] for chart in rollout["charts"]] == [
        "errors",
        "latency",
        "computing",
        "passing",
        "drift",
        "delta",
    ]
    assert all(chart["points"] for chart in rollout["charts"])
    assert [former["id"] for former in told["former"]] == ["bad"]
    assert told["former"][0]["status"] == "rolled_back"
    assert told["entries"]["items"][0]["number"] == told["journal"]["entries"]
    for check in rollout["verdict"]["checks"]:
        assert check["sentence"].replace("'", "&#39;") in text
    for entry in told["entries"]["items"]:
        assert entry["what"].split(";")[0].replace("'", "&#39;") in text


def test_a_former_rollout_and_older_entries_can_be_asked_for(tmp_path: Path, clock: FakeClock) -> None:
    for name in ("one", "two & <three>"):
        whole(tmp_path, clock, name)
    with page(tmp_path, clock) as served:
        assert json.loads(served.ask("/api/rollout?rollout=one").body)["rollout"]["id"] == "one"
        assert "rollout=one" in served.ask("/").text
        other = served.ask("/?rollout=one").text
        assert "rollout=two%20%26%20%3Cthree%3E" in other
        assert served.ask("/?rollout=two%20%26%20%3Cthree%3E").status == 200
        older = json.loads(served.ask("/api/rollout?before=51").body)["entries"]
        assert [item["number"] for item in older["items"]] == list(range(50, 0, -1))
        assert older["before"] is None
        for path in ("/api/rollout?rollout=none", "/?rollout=none"):
            assert served.ask(path).status == 404
        assert "The page keeps no rollout" in served.ask("/?rollout=none").text.replace(
            "the page", "The page"
        )


@pytest.mark.parametrize(
    "query", ["before=x", "before=0", "before=1e9", f"before={10**15}", "rollout=" + "x" * 999]
)
def test_a_bad_parameter_is_refused_with_its_name(tmp_path: Path, clock: FakeClock, query: str) -> None:
    with page(tmp_path, clock) as served:
        for path in ("/", "/api/rollout"):
            answer = served.ask(f"{path}?{query}")
            assert answer.status == 400
            assert f"query.{query.partition('=')[0]}" in json.loads(answer.body)["error"]["message"]


def test_the_version_changes_with_the_journal_only(tmp_path: Path, clock: FakeClock) -> None:
    with page(tmp_path, clock) as served:

        def version() -> str:
            return str(json.loads(served.ask("/api/rollout/version").body)["version"])

        empty = version()
        with Journal(tmp_path, clock) as journal:
            teller = Teller(journal, clock)
            teller.start()
            started = version()
            assert started == version() == json.loads(served.ask("/api/rollout").body)["version"]
            assert f'data-version="{started}"' in served.ask("/").text
            teller.pause()
        paused = version()
        with (tmp_path / FILE_NAME).open("ab") as file:
            file.write(b"{}\n")
        assert len({empty, started, paused, version()}) == 4


def test_states_of_the_journal(tmp_path: Path, clock: FakeClock) -> None:
    def state(served: Served) -> str:
        return str(json.loads(served.ask("/api/rollout").body)["journal"]["state"])

    with page(tmp_path, clock) as served:
        assert state(served) == "empty"
        whole(tmp_path, clock)
        assert state(served) == "sound"
        with (tmp_path / FILE_NAME).open("ab") as file:
            file.write(b"{}\n")
        assert state(served) == "damaged"
        assert "The journal is damaged" in served.ask("/").text
        (tmp_path / FILE_NAME).unlink()
        (tmp_path / FILE_NAME).mkdir()
        assert state(served) == "unreadable"
        assert "cannot be read" in served.ask("/").text
        assert "cannot be read" in served.ask(f"/api/verdict?release={RELEASE}").text
        (tmp_path / FILE_NAME).rmdir()
        assert state(served) == "empty"


def test_it_writes_nothing_and_takes_no_lock(tmp_path: Path, clock: FakeClock) -> None:
    whole(tmp_path, clock)
    (tmp_path / LOCK_NAME).unlink()
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    with page(tmp_path, clock) as served:
        for path in (*DATA_ROUTES, "/livez"):
            assert served.ask(path).status == 200
        with Journal(tmp_path, clock) as journal:
            assert served.ask("/").status == 200
            journal.append("note", {"text": "x"})
    (tmp_path / LOCK_NAME).unlink()
    assert before.keys() == {path.name for path in tmp_path.iterdir()}


def test_pages_run_nothing_inline_and_load_nothing_from_elsewhere(tmp_path: Path, clock: FakeClock) -> None:
    whole(tmp_path, clock)
    with page(tmp_path, clock) as served:
        answer = served.ask("/")
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        loaded = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
        assert all(address.startswith(("/", "#")) for address in loaded)
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:", answer.text)
        assert re.findall(r"<script[^>]*>(.*?)</script>", answer.text) == [""]
        statics = [address for address in loaded if address.startswith("/static/")]
        assert len(statics) == 4
        for address in statics:
            asset = served.ask(address)
            assert asset.status == 200
            assert "immutable" in asset.headers["cache-control"]
            assert (
                served.ask(re.sub(r"/static/\w+/", "/static/old/", address)).headers["cache-control"]
                == "no-cache"
            )
        for path in ("/static/x/none.css", "/static/x/..%2fweb.py", "/static/x/__init__.py"):
            assert served.ask(path).status == 404
        assert served.ask("/", "HEAD").body == b""


def test_errors_have_one_shape_and_no_traceback(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    with page(tmp_path, clock) as served:
        cases = [
            ("/nope", "GET", 404),
            ("/", "POST", 405),
            ("/api/verdict", "GET", 400),
            ("/api/flagger/x", "POST", 404),
        ]
        for path, method, code in cases:
            answer = served.ask(path, method)
            assert (path, answer.status) == (path, code)
            assert json.loads(answer.body)["error"].keys() == {"code", "message"}
        monkeypatch.setattr(web, "document", broken)
        with capture_logs() as logs:
            answer = served.ask("/api/rollout")
        assert answer.status == 500
        assert "secret" not in answer.text
        assert [(each["event"], str(each["exc_info"])) for each in logs] == [
            ("page failed", "a secret of the inside")
        ]


# -- the verdict -------------------------------------------------------------------------------------


def test_argo_asks_for_a_verdict(tmp_path: Path, clock: FakeClock) -> None:
    with page(tmp_path, clock, max_age_s=30.0) as served:

        def verdict(query: str = "") -> Any:
            answer = served.ask(f"/api/verdict?release={RELEASE}{query}")
            assert answer.status == 200
            return json.loads(answer.body)["verdict"]

        assert verdict() == "no_data"
        with Journal(tmp_path, clock) as journal:
            teller = Teller(journal, clock)
            teller.start()
            teller.go_to(5)
            assert verdict() == "good"
            clock.advance(31)
            assert verdict() == "no_data"
            assert verdict("&max_age_s=60") == "good"
            teller.roll_back(reason="no")
        assert verdict() == "bad"


def test_flagger_is_answered_by_status(tmp_path: Path, clock: FakeClock) -> None:
    body = {
        "name": "assay-web",
        "namespace": "assay",
        "phase": "Progressing",
        "metadata": {"release": RELEASE},
    }
    hooks = ("confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion")
    with page(tmp_path, clock) as served:

        def codes() -> tuple[set[int], int]:
            return {post(served, hook, body).status for hook in hooks}, post(served, "rollback", body).status

        assert codes() == ({503}, 409)
        with Journal(tmp_path, clock) as journal:
            teller = Teller(journal, clock)
            teller.start()
            teller.go_to(5)
            assert codes() == ({200}, 409)
            teller.roll_back(reason="too many errors")
        assert codes() == ({409}, 200)
        answer = json.loads(post(served, "rollout", body).body)
        assert (answer["verdict"], answer["hook"]) == ("bad", "rollout")
        assert "too many errors" in answer["reason"]


def test_a_body_is_limited_in_size_and_form(tmp_path: Path, clock: FakeClock) -> None:
    with page(tmp_path, clock) as served:
        assert served.ask("/api/flagger/rollout", "POST", body=b"x" * (MAX_BODY_BYTES + 1)).status == 413
        assert served.ask("/api/flagger/rollout", "POST", body=b"{").status == 400
        assert post(served, "rollout", {"metadata": {}}).status == 400
        assert post(served, "rollout", {"metadata": {"release": "x" * 999}}).status == 400


def test_a_body_that_does_not_end_is_given_up(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "BODY_LIMIT_S", 0.05)
    with page(tmp_path, clock) as served, socket.create_connection(("127.0.0.1", served.port), 30) as client:
        client.sendall(b"POST /api/flagger/rollout HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{")
        assert client.recv(100).startswith(b"HTTP/1.1 408")


# -- who may ask -------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "assay.example", ""])
def test_off_loopback_a_token_is_required(tmp_path: Path, host: str, token_file: str) -> None:
    with pytest.raises(ConfigurationError, match="open to everyone"):
        build_page(PageOptions(state_dir=str(tmp_path), host=host))
    build_page(PageOptions(state_dir=str(tmp_path), host=host, token_file=token_file))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_on_loopback_none_is(tmp_path: Path, host: str) -> None:
    build_page(PageOptions(state_dir=str(tmp_path), host=host))


@pytest.mark.parametrize(
    "content", [None, b"", b"  \n", b"short", b"x" * 5000, "pässwörter-sind-gut".encode()]
)
def test_a_token_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=re.escape(str(path))) as refusal:
        build_page(PageOptions(state_dir=str(tmp_path), token_file=str(path)))
    assert not content or content.decode().strip() not in str(refusal.value) or not content.strip()


def test_without_a_token_other_names_than_this_machine_are_refused(tmp_path: Path, clock: FakeClock) -> None:
    body = {"metadata": {"release": RELEASE}}
    with page(tmp_path, clock) as served:
        for host in (
            "evil.example",
            "127.0.0.1.evil.example",
            "",
            "[",
            "10.0.0.1:8090",
            "localhost.evil.example:80",
        ):
            for path in (*DATA_ROUTES, "/static/x/rollout.js"):
                assert (host, served.ask(path, headers={"Host": host}).status) == (host, 403)
            assert post(served, "rollout", body, {"Host": host}).status == 403
            assert served.ask("/livez", headers={"Host": host}).status == 200
        for host in ("localhost", "localhost:8090", "127.0.0.1:9", "[::1]:8090", "LOCALHOST"):
            assert (host, served.ask("/", headers={"Host": host}).status) == (host, 200)


def test_with_a_token_it_must_be_shown_everywhere_but_for_livez(
    tmp_path: Path, clock: FakeClock, token_file: str
) -> None:
    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    wrong = (
        "",
        "Bearer",
        "Bearer x",
        f"Bearer {TOKEN}x",
        TOKEN,
        basic(TOKEN),
        basic(f"{TOKEN}:"),
        "Basic !",
        "Basic /w==",
        "Bearer é",
    )
    right = (f"Bearer {TOKEN}", f"bearer {TOKEN}", basic(f"anyone:{TOKEN}"), basic(f":{TOKEN}"))
    body = {"metadata": {"release": RELEASE}}
    with page(tmp_path, clock, token_file=token_file) as served:
        assert served.ask("/livez").status == 200
        for path in (*DATA_ROUTES, "/static/x/rollout.js"):
            for value in wrong:
                answer = served.ask(path, headers={"Authorization": value} if value else {})
                assert (path, value, answer.status) == (path, value, 401)
                assert answer.headers["www-authenticate"].startswith("Basic ")
            for value in right:
                assert served.ask(path, headers={"Authorization": value, "Host": "any.example"}).status == 200
        assert served.ask(f"/?token={TOKEN}&shown={TOKEN}").status == 401, (
            "never from an address: those are logged"
        )
        assert post(served, "rollout", body).status == 401
        assert post(served, "rollout", body, {"Authorization": f"Bearer {TOKEN}"}).status == 503
        for token, code in ((TOKEN, 503), ("x" * 20, 401), ("", 401)):
            with_token = {"metadata": {"release": RELEASE, "token": token}}
            assert post(served, "rollout", with_token).status == code


# -- its own process ---------------------------------------------------------------------------------


def test_it_runs_as_its_own_process_and_ends_on_term(tmp_path: Path) -> None:
    whole(tmp_path, FakeClock(NOON))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = (
        "from assay.rollout.reporting.web import PageOptions, run_page\n"
        f"run_page(PageOptions(state_dir={str(tmp_path)!r}, port={port}))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        assert "page of rollouts" in process.stdout.readline()
        assert Served(port).ask("/").status == 200
        with pytest.raises(
            ConfigurationError, match=f"port {port}: Address already in use: give another --port"
        ):
            run_page(PageOptions(state_dir=str(tmp_path), port=port))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode in (0, -signal.SIGTERM)
