"""What a program that asks is told when something goes wrong."""

from __future__ import annotations

import copy
import pickle

import pytest

import assay.client
from assay.client import Away, ClientError, Interrupted, Refused, TooLarge
from assay.client import errors as module

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
