"""Reports of what could not be checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from assay.errors import ConfigurationError
from assay.preflight.check import Passed
from assay.preflight.plan import GROUPS, secrets, unreadable
from assay.settings import load
from assay.stores.redis_options import RedisOptions


def test_a_configuration_that_cannot_be_read_leaves_no_group_out() -> None:
    report = unreadable(ConfigurationError("unknown setting redsi"))
    assert [result.name.partition(".")[0] for result in report.results] == list(GROUPS)
    assert report["configuration.settings"].outcome.said == "unknown setting redsi"
    assert not any(isinstance(result.outcome, Passed) for result in report.results)
    assert report.exit_status == 1
    one_mended = replace(report, results=report.results[1:])
    assert one_mended.exit_status == 1, "what was skipped was not waived"


def test_the_secrets_of_both_servers_must_not_be_told(tmp_path: Path) -> None:
    settings = load(environment={"ASSAY_REDIS__PASSWORD": "of scores"})
    assert "of scores" in secrets(settings)
    two = replace(settings, queue_redis=RedisOptions(password="of the queue"))
    assert {"of scores", "of the queue"} <= secrets(two)
