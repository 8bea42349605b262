"""One cluster for the tests of a module: its start costs some twenty seconds of computing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.small_cluster import Cluster, small_cluster


@pytest.fixture(scope="module")
def whole_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with small_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(whole_cluster: Cluster) -> Cluster:
    """Whole again, whatever the test before did to it."""
    whole_cluster.until_whole()
    return whole_cluster
