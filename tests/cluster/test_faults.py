"""What an operator fears, done to real processes under load: no answer is lost, none is wrong, and everything
comes back by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster.faults import FAULTS, suffer
from cluster.small_cluster import START_LIMIT_S, Cluster
from servers.processes import Process, running


def test_all_is_well_without_faults(cluster: Cluster) -> None:
    with cluster.load().running() as load:
        load.until_answered(30)
    assert (load.tally.lost, load.tally.wrong, dict(load.tally.told)) == ([], [], {})


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_loses_and_spoils_no_answer(cluster: Cluster, name: str) -> None:
    figures = suffer(cluster, name)
    print(figures)
    assert (figures.lost, figures.wrong) == ([], [])


@pytest.mark.parametrize("role", [Cluster.web, Cluster.worker])
def test_a_wrong_secret_is_told_and_nothing_is_served(cluster: Cluster, role: Callable[..., Process]) -> None:
    with cluster.redis.client() as client:
        client.acl_setuser("guarded", enabled=True, passwords=["+right"], categories=["+@all"], keys=["*"])
    process = role(cluster, "stranger", ASSAY_REDIS__USERNAME="guarded", ASSAY_REDIS__PASSWORD="not this one")
    with running(process):
        assert process.wait(START_LIMIT_S) != 0
    assert "refuses our user name or password" in process.text()
    assert "not this one" not in process.text()
