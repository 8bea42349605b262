"""What a program that asks is told when something goes wrong."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

import assay.client
from assay.client import Away, Client, ClientError, Interrupted, Patience, Refused, TooLarge
from assay.client import errors as module
from servers.asgi import serving
from small_app import SmallApp

REFUSED = Refused("Wait.", status=429, code="overloaded", retryable=True, delay_s=2.5, limit=30)
EACH = (ClientError("x"), REFUSED, Away("gone"), TooLarge(1000), Interrupted("cut off"))


def test_each_is_drawn_and_can_be_imported_from_the_client() -> None:
    drawn = module.__doc__ or ""
    assert {type(error) for error in EACH} == {ClientError, *ClientError.__subclasses__()}
    for error in EACH:
        name = type(error).__name__
        assert f" {name} " in drawn or f"{name}\n" in drawn
        assert getattr(assay.client, name) is type(error)


def test_only_what_may_pass_is_worth_asking_again() -> None:
    assert {type(error).__name__ for error in EACH if error.retryable} == {"Refused", "Away", "Interrupted"}


@pytest.mark.parametrize("error", EACH, ids=lambda error: type(error).__name__)
def test_each_is_the_same_after_its_way_from_another_process(error: ClientError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(same), str(same), vars(same)) == (type(error), str(error), vars(error))
        assert same.retryable is error.retryable


def test_a_pool_of_processes_tells_why_one_of_them_was_refused() -> None:
    with serving(SmallApp().build().asgi) as served:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context) as pool, pytest.raises(Refused, match="nowiki") as refused:
            pool.submit(recent, served.url, "nowiki").result()
    assert (refused.value.status, refused.value.code) == (404, "unknown_wiki")


def recent(url: str, wiki: str) -> list[int]:
    with Client(url, patience=Patience(retries=0)) as client:
        return client.recent(wiki)
