"""Lift Wing's routes pass the same gate and keep the same deadline as ORES's, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from assay.serving.options import AppOptions, QuotaOptions
from servers.asgi import Served, serving
from small_app import AWAY, GONE, SmallApp, post_json

DAMAGING = "/v1/models/smallwiki-damaging:predict"
RISK = "/v1/models/revertrisk-multilingual:predict"
TENSORS = "/v2/models/smallwiki-damaging/infer"
UNSAVED = {"revision_data": {"text": "x", "page": {"title": "x"}}}
BURST = 50


def tensor(rev_ids: Iterable[int]) -> Any:
    ids = list(rev_ids)
    return {"inputs": [{"name": "rev_id", "datatype": "INT64", "shape": [len(ids)], "data": ids}]}


def instances(rev_ids: Iterable[int]) -> Any:
    return {"instances": [{"rev_id": rev_id, "lang": "small"} for rev_id in rev_ids]}


@contextmanager
def limited() -> Iterator[Served]:
    """To a burst, and next to nothing after it; one request at a time."""
    quota = QuotaOptions(exempt=(), revisions_per_minute=1, burst=BURST, concurrent=1)
    with serving(SmallApp(quota=quota).build().asgi) as served:
        yield served


ONE_OF_EACH = [(DAMAGING, {"rev_id": 12}), (DAMAGING, UNSAVED), (RISK, {"rev_id": 12, "lang": "small"})]


@pytest.mark.parametrize(
    ("path", "body", "cost"),
    [
        (DAMAGING, {"rev_id": 12}, 1),
        (DAMAGING, {"rev_id": GONE}, 1),
        (DAMAGING, {"rev_id": AWAY}, 1),
        (DAMAGING, UNSAVED, 1),
        (TENSORS, tensor(range(1, 31)), 30),
        (TENSORS, tensor([*range(1, 11), *range(1, 11)]), 10),
        (RISK, instances([12, 13, 12, 12]), 2),
    ],
)
def test_each_revision_counts_once_whatever_becomes_of_it(path: str, body: Any, cost: int) -> None:
    with limited() as served:
        assert post_json(served, path, body).status != 429
        assert post_json(served, TENSORS, tensor(range(100, 100 + BURST - cost))).status == 200
        for path, body in [*ONE_OF_EACH, (TENSORS, tensor([1]))]:
            refused = post_json(served, path, body)
            assert (refused.status, set(refused.json)) == (429, {"error"})
            assert int(refused.headers["retry-after"]) > 0


def test_a_passed_deadline_is_a_504() -> None:
    with serving(SmallApp(options=AppOptions(request_timeout_s=0.0)).build().asgi) as served:
        for path, body in [*ONE_OF_EACH, (TENSORS, tensor([1]))]:
            reply = post_json(served, path, body)
            assert (reply.status, set(reply.json)) == (504, {"error"}), reply.body


@pytest.mark.parametrize("body", [{"rev_id": 991}, UNSAVED])
def test_the_operators_own_clients_learn_what_it_cost_and_strangers_do_not(body: Any) -> None:
    for quota, tells in ((QuotaOptions(), True), (QuotaOptions(exempt=()), False)):
        with serving(SmallApp(quota=quota).build().asgi) as served:
            reply = post_json(served, DAMAGING, body)
            assert reply.headers["x-cache"] == "miss"
            assert ("server-timing" in reply.headers) == tells
