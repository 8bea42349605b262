"""``assay bench load`` as a person runs it: a real process against a server on this machine."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import orjson
import pytest

from assay.cli import app
from assay.errors import AssayError
from assay.load import LoadPlan, LoadReport, Tally
from cli.running import ASSAY, assay, environment
from load.answering import Answering
from servers.asgi import Served
from waiting import until


def _load(folder: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return assay(folder, "bench", "load", url, "--rate", "50/s", "--duration", "0.4", *arguments)


def _row(table: str, name: str) -> list[str]:
    return next(line.split() for line in table.splitlines() if line.startswith(name))


def test_a_run_tells_what_came_of_it_and_writes_it_down(tmp_path: Path, answered: Served) -> None:
    done = _load(
        tmp_path,
        answered.url,
        *("--arrivals", "constant", "--strict", "--json", "report.json", "--record", "answers.jsonl"),
        *("--record-expected", "expected.json"),
    )
    assert done.returncode == 0, done.stderr
    assert _row(done.stdout, "due")[1] == "20"
    assert _row(done.stdout, "answered 200")[2] == "20"
    assert _row(done.stdout, "lost")[1] == "0"
    report = orjson.loads((tmp_path / "report.json").read_bytes())
    assert report["answered"] == {"200": 20}
    assert report["ok_latency"]["count"] == 20
    answers = [orjson.loads(line) for line in (tmp_path / "answers.jsonl").read_bytes().splitlines()]
    assert [answer["status"] for answer in answers] == [200] * 20
    assert all(answer["due_s"] <= answer["sent_s"] <= answer["done_s"] for answer in answers)
    assert all("score" in answer["body"] for answer in answers)


def test_fresh_ids_are_never_asked_for_twice(tmp_path: Path, answered: Served, answering: Answering) -> None:
    for _ in range(2):
        assert _load(tmp_path, answered.url, "--cold", "--models", "revid").returncode == 0
    assert len(answering.targets) > 10
    assert len(set(answering.targets)) == len(answering.targets)


def test_scores_recorded_once_are_expected_later(
    tmp_path: Path, answered: Served, answering: Answering
) -> None:
    """An injected value switches the test model's rule off: only the recorded scores are left to tell."""
    arguments = ("--revisions", "1-5", "--parameter", "datasource.revision.text=1", "--strict")
    assert _load(tmp_path, answered.url, *arguments, "--record-expected", "scores.json").returncode == 0
    assert _load(tmp_path, answered.url, *arguments, "--expect", "scores.json").returncode == 0
    answering.wrong = {3}
    assert _load(tmp_path, answered.url, *arguments).returncode == 0
    done = _load(tmp_path, answered.url, *arguments, "--expect", "scores.json")
    assert done.returncode == 1
    assert "wrong: testwiki 3 revid is" in done.stdout


def test_strict_takes_nothing_for_a_proof(tmp_path: Path, answered: Served, answering: Answering) -> None:
    """Scores of other revisions find nothing wrong, nor does whoever answers with errors alone."""
    (tmp_path / "scores.json").write_text('{"enwiki": {"7": {"damaging": {}}}}')
    arguments = ("--revisions", "1-5", "--parameter", "datasource.revision.text=1", "--strict")
    done = _load(tmp_path, answered.url, *arguments, "--expect", "scores.json", "--arrivals", "constant")
    assert done.returncode == 1
    assert _row(done.stdout, "compared")[1:4] == ["0", "and", "20"]
    answering.refusals = [503] * 100
    done = _load(tmp_path, answered.url, "--strict")
    assert (done.returncode, _row(done.stdout, "lost")[1], _row(done.stdout, "wrong")[1]) == (1, "0", "0")
    answering.refusals = [503] * 10
    assert _load(tmp_path, answered.url, "--strict", "--arrivals", "constant").returncode == 0


@pytest.mark.parametrize("option", ["--json", "--record", "--record-expected"])
def test_a_report_is_told_though_a_file_takes_nothing_more(
    tmp_path: Path, answered: Served, option: str
) -> None:
    """An hour of load is not lost to a full disk. Answers are so long that some are written while it runs."""
    done = _load(tmp_path, answered.url, "--parameter", "x=" + "y" * 3000, option, "/dev/full")
    assert done.returncode == 1
    assert int(_row(done.stdout, "answered 200")[2]) > 5
    assert done.stderr == "assay: /dev/full cannot be written whole: No space left on device\n"


@pytest.mark.parametrize(("strict", "status"), [(("--strict",), 1), ((), 0)])
def test_strict_is_a_matter_of_the_exit_status(
    tmp_path: Path, answered: Served, answering: Answering, strict: tuple[str, ...], status: int
) -> None:
    answering.body = b"no document"
    done = _load(tmp_path, answered.url, *strict)
    assert done.returncode == status
    assert "malformed" in done.stdout
    assert "Beware: No answer had status 200." in done.stdout


def test_ctrl_c_ends_the_run_with_its_report(tmp_path: Path, answered: Served, answering: Answering) -> None:
    command = (*ASSAY, "bench", "load", answered.url, "--duration", "600", "--record", "answers.jsonl")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        try:
            until(lambda: len(answering.targets) >= 5, 60)
            process.send_signal(signal.SIGINT)
            told, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert int(_row(told, "answered 200")[2]) >= 5
    assert _row(told, "lost")[1] == "0"


ALL_OPTIONS = (
    *("--wiki", "enwiki", "--models", "m,n|o", "--revisions", "ids.txt", "--rate", "120/min"),
    *("--duration", "2", "--arrivals", "constant", "--revisions-per-request", "2"),
    *("--requests", "scores=8,cell=2.5", "--parameter", "x=1", "--parameter", "y=2", "--warm"),
    *("--timeout", "3", "--connections", "7", "--no-keep-alive", "--retry", "--retry-for", "9"),
    *("--seed", "5", "--i-may-load-this-server"),
)
WHOLE_PLAN = LoadPlan(
    urls=("http://192.0.2.1", "http://127.0.0.1:2"),
    wiki="enwiki",
    revisions=(9, 7, 8),
    models=("m", "n", "o"),
    rate_per_s=2.0,
    duration_s=2.0,
    arrivals="constant",
    revisions_per_request=2,
    mix={"scores": 8.0, "cell": 2.5},
    parameters={"x": "1", "y": "2"},
    cache="warm",
    timeout_s=3.0,
    connections=7,
    keep_alive=False,
    retry=True,
    retry_for_s=9.0,
    seed=5,
    may_load_remote=True,
)
LOOPBACK = ("http://127.0.0.1:1",)


@pytest.mark.parametrize(
    ("urls", "options", "plan"),
    [
        (WHOLE_PLAN.urls, ALL_OPTIONS, WHOLE_PLAN),
        (
            LOOPBACK,
            ("--revisions", "3-400", "--cold", "--rate", "360/h"),
            LoadPlan(LOOPBACK, "testwiki", range(3, 401), rate_per_s=0.1, cache="cold"),
        ),
        (LOOPBACK, ("--revisions", "3-5"), LoadPlan(LOOPBACK, "testwiki", range(3, 6))),
    ],
)
def test_what_is_run_is_what_was_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    urls: tuple[str, ...],
    options: tuple[str, ...],
    plan: LoadPlan,
) -> None:
    ran: list[LoadPlan] = []

    async def run(plan: LoadPlan, **_: object) -> LoadReport:
        ran.append(plan)
        return LoadReport.of(plan, Tally(), 1.0, 1.0)

    monkeypatch.setattr("assay.cli.bench.run", run)
    monkeypatch.chdir(tmp_path)
    Path("ids.txt").write_text("9\n7\n9\n8\n")
    app(["bench", "load", *urls, *options], standalone_mode=False)
    assert ran == [plan]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://192.0.2.1",), "192.0.2.1 is not this machine"),
        (("http://127.0.0.1:1", "--rate", "fast"), "write it as 50/s"),
        (("http://127.0.0.1:1", "--requests", "magic=1"), "called magic"),
        (("http://127.0.0.1:1", "--requests", "scores=x"), "give a number"),
        (("http://127.0.0.1:1", "--revisions", "absent.txt"), "absent.txt cannot be read"),
        (
            ("http://127.0.0.1:1", "--revisions", "9-1"),
            "there are no revisions to ask for: .* from A up to B",
        ),
        (("http://127.0.0.1:1", "--duration", "inf"), "duration_s must be above 0, and no endless number"),
        (("http://127.0.0.1:1", "--wiki", "enwiki"), "give a FILE of ids"),
        (("http://127.0.0.1:1", "--cold", "--revisions", "1-2"), "a cold run asks for up to"),
        (("http://127.0.0.1:1", "--json", "no/such/folder.json"), "no folder"),
        (("http://127.0.0.1:1", "--expect", "absent.json"), "absent.json cannot be read"),
        (("http://127.0.0.1:1", "--connections", "100000000"), "ulimit -n"),
        (("http://127.0.0.1:1", "--warm", "--revisions", "1-2"), "could not be warmed: refused"),
    ],
)
def test_bad_usage_is_one_clear_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    """In this process: `assay.cli.main`, tested elsewhere, prints what is raised here."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssayError, match=message):
        app(["bench", "load", *arguments], standalone_mode=False)
