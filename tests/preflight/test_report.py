"""What machines and people read: stable, complete, without secrets."""

from __future__ import annotations

import io

import orjson
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from assay.preflight.check import Failed, Passed, Report, Result, Skipped
from assay.preflight.report import Blotter, document, print_table

REPORT = Report(
    "r1",
    (
        Result("redis.scores", "10.0.0.1:6379/0", Passed("logged in", ("no password",)), 0.0123),
        Result("worker.bulk", "models of enwiki", Failed("no worker answers", "start one")),
        Result("bundles.golden", "3 bundles", Skipped("no release", "use one", waived=True)),
        Result("wiki", "nothing", Skipped("not checked", "mend the configuration")),
    ),
    1.2345,
)


def printed(report: Report, blot: Blotter, width: int = 200) -> str:
    stream = io.StringIO()
    print_table(report, blot, Console(file=stream, width=width))
    return stream.getvalue()


def test_the_document_is_what_is_promised() -> None:
    told = document(REPORT, Blotter(()))
    assert {**told, "checks": told["checks"][:2]} == {
        "version": 1,
        "release": "r1",
        "ok": False,
        "seconds": 1.234,
        "checks": [
            {
                "check": "redis.scores",
                "subject": "10.0.0.1:6379/0",
                "outcome": "passed",
                "said": "logged in",
                "todo": "",
                "warnings": ["no password"],
                "seconds": 0.012,
            },
            {
                "check": "worker.bulk",
                "subject": "models of enwiki",
                "outcome": "failed",
                "said": "no worker answers",
                "todo": "start one",
                "warnings": [],
                "seconds": 0.0,
            },
        ],
    }
    assert [check["outcome"] for check in told["checks"]] == ["passed", "failed", "waived", "skipped"]


def test_the_table_ends_with_what_to_do_and_the_verdict() -> None:
    table, _, todo = printed(REPORT, Blotter(())).partition("worker.bulk of models of enwiki:")
    assert "no password" in table
    assert todo.strip().startswith("start one")
    assert todo.strip().endswith("release r1: it must not take traffic")
    assert "1 passed, 1 failed, 1 skipped, 1 waived" in todo


def test_a_report_is_not_read_as_markup() -> None:
    report = Report("r1", (Result("a.b", "[bold]x[/bold]", Failed("[/] [red]", "see [link]")),))
    told = printed(report, Blotter(()))
    assert "[bold]x[/bold]" in told
    assert "see [link]" in told


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(), st.text())
def test_no_secret_stands_in_a_document(secret: str, before: str, after: str) -> None:
    said = before + secret + after
    report = Report(
        "r1", (Result("a.b", said, Failed(said, said)), Result("c.d", said, Passed(said, (said,))))
    )
    told = document(report, Blotter({secret}))
    for check in told["checks"]:
        texts = [check["subject"], check["said"], check["todo"], *check["warnings"]]
        for text in texts:
            assert secret not in text.replace("[secret]", "\0") or secret in "[secret]" or "\0" in secret
    assert orjson.dumps(told)


def test_no_secret_stands_in_a_table() -> None:
    said = "it is hunter2"
    failed, passed = Failed(said, said), Passed(said, (said,))
    told = printed(
        Report("r1", (Result("a.b", said, failed), Result("c.d", said, passed))), Blotter({"hunter2"})
    )
    assert "hunter2" not in told
    assert told.count("it is [secret]") == 7


def test_a_secret_within_another_is_blotted_out_whole() -> None:
    assert Blotter({"pass", "password"})("a password, a pass") == "a [secret], a [secret]"
