"""What bundles cost and answer: memory against psutil's figures, answers against the test model's digits."""

from __future__ import annotations

import base64
import gc
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]
import pytest

from assay.errors import BundleError
from assay.models.library import shipped_folder
from assay.preflight import measure
from assay.preflight.measure import memory_bytes
from assay.scoring.codec import decode_computed, encode_computed
from assay.scoring.request import Scored

REVID = str(shipped_folder() / "testwiki" / "revid")
MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    """What is measured is frozen; the tests that follow want their garbage collected."""
    yield
    gc.unfreeze()


def question(**changes: Any) -> dict[str, Any]:
    asked = {"paths": [REVID], "borrowed": {"clubwiki": "testwiki"}, "wikis": ["testwiki"], "rev_id": 12345}
    return asked | changes


def chance(answer: dict[str, Any], wiki: str) -> float:
    cell = decode_computed(base64.b64decode(answer["answers"][wiki])).cells["revid"]
    assert isinstance(cell, Scored)
    return cell.score.probability[True]


def test_asked_as_a_program_it_answers_in_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "assay.preflight.measure"],
        input=orjson.dumps(question(wikis=["testwiki", "clubwiki"])),
        capture_output=True,
        check=True,
    )
    answer = orjson.loads(done.stdout)
    assert answer["models"] == 1
    assert set(answer["answers"]) == {"testwiki", "clubwiki"}
    assert chance(answer, "testwiki") == chance(answer, "clubwiki") == 0.54
    assert answer["seconds"] > 0
    assert 10 * MIB < answer["process_bytes"] + answer["shared_bytes"] < 1024 * MIB


def test_bundles_that_are_refused_are_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    asked = orjson.dumps(question(paths=[str(tmp_path / "nowiki" / "none")]))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(asked)))
    measure.main()
    told = orjson.loads(capsysbinary.readouterr().out)
    assert list(told) == ["fault"]
    assert "nowiki/none" in told["fault"]


def test_only_the_wikis_in_question_answer() -> None:
    nothing, answer = measure.measure(question(wikis=[])), measure.measure(question(rev_id=7))
    assert nothing["answers"] == {}
    assert chance(answer, "testwiki") == 0.7
    for told in (nothing, answer):
        assert told["shared_bytes"] > 10 * MIB
        assert 0 < told["process_bytes"] < told["shared_bytes"]


def test_a_process_that_does_not_live_to_tell_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system ends it where memory runs out."""
    parent = os.getpid()

    def deadly(computed: Any) -> bytes:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return encode_computed(computed)

    monkeypatch.setattr(measure, "encode_computed", deadly)
    with pytest.raises(BundleError, match=r"they load, but a process .* ended with status -9"):
        measure.measure(question())


def test_one_that_fails_is_a_fault_too_and_not_a_second_test_run(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()

    def failing(computed: Any) -> bytes:
        if os.getpid() != parent:
            raise MemoryError("of the child")
        return encode_computed(computed)

    monkeypatch.setattr(measure, "encode_computed", failing)
    with pytest.raises(BundleError, match=r"ended with status 1: MemoryError: of the child$"):
        measure.measure(question())


def test_each_process_costs_what_scoring_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside what it shares with this one, which has much more."""
    kept: list[bytes] = []

    def growing(computed: Any) -> bytes:
        kept.append(os.urandom(8 * MIB))
        return encode_computed(computed)

    plain = measure.measure(question(wikis=["testwiki"]))["process_bytes"]
    monkeypatch.setattr(measure, "encode_computed", growing)
    grown = measure.measure(question(wikis=["testwiki"]))["process_bytes"]
    assert 16 * MIB < grown - plain < 64 * MIB, "more than once, so that a leak would show"


def test_a_process_s_memory_is_what_psutil_says() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG)
        for _ in range(100):
            before = psutil.Process(child.pid).memory_full_info()
            own = memory_bytes("Pss", pid=child.pid), memory_bytes("Rss", pid=child.pid)
            if psutil.Process(child.pid).memory_full_info() == before:
                break
        assert own == (before.pss, before.rss)
        private = memory_bytes("Private_Clean", "Private_Dirty", pid=child.pid)
        assert private == before.uss
        assert memory_bytes("Nothing", pid=child.pid) == 0
    finally:
        child.communicate(b"\n")
    assert memory_bytes("Rss", pid=child.pid) == 0


def test_without_a_process_it_is_this_one_s() -> None:
    kept = bytearray(os.urandom(64 * MIB))
    with_it = memory_bytes("Private_Dirty")
    assert with_it > len(kept)
    del kept
    assert memory_bytes("Private_Dirty") < with_it - 32 * MIB
