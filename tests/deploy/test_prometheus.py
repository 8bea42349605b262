"""Dashboard and alerts speak of metrics that exist, and each alert fires when it should and not otherwise."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assay.revisions.problem import source_failed
from assay.telemetry import Metrics
from deploy.files import (
    DEPLOY,
    PROCESS_METRICS,
    alerts,
    dashboard,
    dashboard_queries,
    documents,
    run,
    unknown,
)
from shared_data import ROOT

RUNBOOK = ROOT / "docs" / "how-to" / "operate.md"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_speaks_of_metrics_that_exist(alert: dict[str, str]) -> None:
    assert unknown(alert["expr"]) == set()


def test_the_dashboard_speaks_of_metrics_that_exist() -> None:
    assert {name for query in dashboard_queries() for name in unknown(query)} == set()


@pytest.mark.parametrize(
    ("query", "strange"),
    [
        ("rate(assay_requests_total[5m])", {"assay_requests_total"}),
        ("assay_engine_queue_wait_seconds", {"assay_engine_queue_wait_seconds"}),
        ('sum by (model) (assay_http_requests_total{code="x"})', {"model", "code"}),
        ('assay_engine_queue_jobs{lane="bulk",role="web"}', set()),
    ],
)
def test_strange_names_are_found(query: str, strange: set[str]) -> None:
    assert unknown(query) == strange


def test_process_metrics_are_exposed() -> None:
    shown = Metrics().exposition().decode()
    assert {name for name in PROCESS_METRICS if f"\n{name}{{" not in shown} == set()


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_links_what_to_do(alert: dict[str, dict[str, str]]) -> None:
    page, _, section = alert["annotations"]["runbook"].partition("#")
    text = RUNBOOK.read_text("utf-8")
    headings = {h.lower().replace(" ", "-"): h for h in re.findall(r"(?m)^## (.*)$", text)}
    assert ROOT / page == RUNBOOK
    assert section in headings
    assert f"`{alert['alert']}`" in text.split(f"## {headings[section]}\n")[1].split("\n## ")[0]


def test_promtool_accepts_the_rules() -> None:
    run("promtool", "check", "rules", "prometheus/alerts.yml")


def test_every_alert_is_tested_firing_and_quiet() -> None:
    (tests,) = documents(DEPLOY / "prometheus" / "alerts_test.yml")
    told = [test["name"] for test in tests["tests"]]
    assert sorted(told) == sorted(
        f"{alert['alert']} {how}" for alert in alerts() for how in ("fires", "is quiet")
    )
    run("promtool", "test", "rules", "alerts_test.yml", cwd=DEPLOY / "prometheus")


def test_promtool_understands_the_dashboards_queries(tmp_path: Path) -> None:
    rules = [{"record": f"q{number}", "expr": query} for number, query in enumerate(dashboard_queries())]
    assert len(rules) > 30
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")  # JSON is YAML
    run("promtool", "check", "rules", "--lint=none", str(path))


def test_the_dashboard_has_a_row_for_each_stage_and_can_be_narrowed() -> None:
    board = dashboard()
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows == [
        "Traffic",
        "Errors",
        "Latency",
        "Cache",
        "Queue",
        "Workers",
        "Fetch",
        "Compute",
        "Memory",
    ]
    assert {"release", "role"} <= {variable["name"] for variable in board["templating"]["list"]}
    narrowed = [t["expr"] for p in board["panels"] for t in p.get("targets", ())]
    assert all('release=~"$release",role=~"$role"' in query for query in narrowed)
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_alerts_on_wikis_that_fail_know_the_problems_code() -> None:
    """The label is the problem's code, which a rule cannot look up."""
    rules = (DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8")
    outcomes = re.findall(r'assay_source_revisions_total\{outcome="(\w+)"\}', rules)
    assert outcomes == [source_failed(1, "time-out").code]
