"""What a worker's main process knows of the messages in its hands."""

from __future__ import annotations

import gc
from weakref import WeakSet

import pytest

from assay.scoring.queue.marks import Marks
from assay.scoring.queue.worker import in_hand


class Request:
    """As Celery's, in what is asked of it here."""

    def __init__(self, *args: object) -> None:
        self.args = args


def test_a_request_that_celery_forgets_is_not_kept_alive() -> None:
    marks = Marks("worker-1", lambda: pytest.fail("nothing is in hand for long"))
    request = Request(b"envelope")
    reserved = WeakSet([request])
    marks.look(in_hand(reserved))
    del request
    gc.collect()
    assert not reserved


@pytest.mark.parametrize(
    ("args", "envelope"), [((b"envelope",), b"envelope"), ((), b""), (("text",), b"")], ids=repr
)
def test_what_a_stranger_sent_is_no_envelope(args: tuple[object, ...], envelope: bytes) -> None:
    request = Request(*args)
    assert [get() for get in in_hand([request]).values()] == [envelope]
