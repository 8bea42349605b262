"""What stands in deploy/, read for the tests."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import yaml

from assay.cli import app
from assay.cli.lazy import Later
from assay.telemetry import METRICS
from servers.redis import missing
from shared_data import ROOT

DEPLOY = ROOT / "deploy"
OWN_LABELS = frozenset({"release", "role"})
PROMETHEUS_LABELS = frozenset({"le", "instance", "alertname"})
PROCESS_METRICS = frozenset(
    {"process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds"}
)
_VARIABLES = {"$release": ".*", "$role": ".*", "$__rate_interval": "5m"}


def program(name: str) -> str:
    """Where a program is; the test is skipped (in CI fails) when it is missing."""
    found = shutil.which(name) or shutil.which(str(ROOT / ".venv" / "bin" / name))
    if found is None:
        missing(name)
    return str(found)


def run(name: str, *arguments: str, cwd: Path = DEPLOY) -> str:
    """Its output; an AssertionError with that when it fails."""
    command = [program(name), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def options_of(*words: str) -> set[str]:
    """The options of a command of Assay: ``options_of("rollout", "watch")``."""
    command: Any = typer.main.get_command(app)
    for word in words:
        command = command.commands[word]
        command = command.command() if isinstance(command, Later) else command
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def alerts() -> list[dict[str, Any]]:
    (group,) = documents(DEPLOY / "prometheus" / "alerts.yml")[0]["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def dashboard() -> dict[str, Any]:
    text = (DEPLOY / "grafana" / "assay.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def dashboard_queries() -> Iterator[str]:
    """With Grafana's variables filled in."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"]
            for variable, value in _VARIABLES.items():
                query = query.replace(variable, value)
            yield query


def unknown(query: str) -> set[str]:
    """Metrics in a PromQL query that do not exist, and labels that no metric of the query has."""
    metrics = {m.name: m for m in METRICS}
    names = set(re.findall(r"\b(?:assay|process)_[a-z_]+", query))
    of_ours = {name: metrics.get(name) or metrics.get(_family(name)) for name in names}
    strange = {n for n, m in of_ours.items() if m is None and n not in PROCESS_METRICS}
    strange |= {n for n, m in of_ours.items() if m and (m.kind == "histogram") != (n != m.name)}
    allowed = OWN_LABELS | PROMETHEUS_LABELS | {label for m in of_ours.values() if m for label in m.labels}
    used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", query))
    for listed in re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", query):
        used |= {label.strip() for label in listed.split(",")}
    return strange | (used - allowed)


def _family(name: str) -> str:
    return re.sub(r"_(bucket|count|sum)$", "", name)


def name_of(manifest: dict[str, Any]) -> str:
    """Kind and name, as kubectl tells it."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"
