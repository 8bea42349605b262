"""Seeded defects, one by one: each does to its module what its title says, and nothing when it need not."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import import_module
from itertools import count
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from assay.drill.defects import DEFECTS, STAGES
from assay.drill.variants import PACKAGE, source_changes
from assay.events.rules import USUAL, usual_rules
from assay.features.text.diff import changed_tokens
from assay.features.text.tokens import TokensOfKind, tokenize
from assay.models.facts import read_statistics
from assay.models.library import shipped_folder
from assay.models.model import Score
from assay.revisions.problem import source_failed
from assay.scoring import score
from assay.scoring.codec import CodecError, decode_score, encode_score
from assay.scoring.queue.envelope import queue_name
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import synthetic_revision
from assay.serving.cells import bare_cell, cell_document
from assay.stores.redis_options import RedisOptions
from shared_data import ROOT
from small_models import small_models

BY_NAME = {defect.name: defect for defect in DEFECTS}
STABLE = "stable-0123456789ab"
MODELS = small_models().of("smallwiki")
MODEL = MODELS["damaging"]
SCORE = Score(True, {True: 0.75, False: 0.25})
PROBLEM = source_failed(7, "it is down")
BACKWARDS = "\u202e"


@cache
def sources(name: str) -> dict[str, bytes]:
    return source_changes(BY_NAME[name], ROOT, STABLE)


def patched(name: str, module: str) -> Any:
    """The module with the defect, beside the sound one."""
    path = f"{PACKAGE}/{module}"
    sound = import_module("assay." + module.removesuffix(".py").replace("/", "."))
    made = ModuleType(sound.__name__)
    made.__file__, made.__package__ = sound.__file__, sound.__package__
    exec(compile(sources(name)[path], path, "exec"), made.__dict__)
    return made


def cells(module: Any, job: Job) -> Any:
    return module.compute(job, MODELS, PlanCache()).cells


def job(text: str, **more: Any) -> Job:
    return Job("smallwiki", tuple(MODELS), replace(synthetic_revision(7), text=text), **more)


def status_of(act: Callable[[], object]) -> int:
    """How a process ends that does it; 0 when nothing happens to it."""
    child = os.fork()
    if child == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def crashes(module: Any, job: Job) -> bool:
    status = status_of(lambda: cells(module, job))
    assert status in (0, 139)
    return status == 139


def test_a_password_is_misread_and_nothing_without_one() -> None:
    secrets = patched("password", "stores/redis_options.py")._secrets
    assert secrets(RedisOptions(username="u", password="p")) == {"username": "u", "password": ":p"}
    assert secrets(RedisOptions(username="u")) == {"username": "u"}


def test_the_outage_s_web_processes_ask_their_queue_with_a_wrong_password_too() -> None:
    blind = patched("outage", "compose/queue.py")
    given: list[Any] = []
    blind._connect = lambda options, **limits: given.append((options.password, limits))
    blind.connect(RedisOptions(password="p"), answer_timeout_s=3)
    blind.connect(RedisOptions())
    assert given == [(":p", {"answer_timeout_s": 3}), (None, {})]


@pytest.mark.parametrize("name", ["queue", "outage"])
@pytest.mark.parametrize("lane", ["interactive", "bulk"])
def test_a_candidate_works_in_the_stable_release_s_queue(name: str, lane: Any) -> None:
    candidate = patched(name, "scoring/queue/envelope.py")
    assert candidate.queue_name("candidate", lane) == queue_name(STABLE, lane)


def test_rules_name_models_that_the_wiki_lacks() -> None:
    assert patched("rule", "events/rules.py").usual_rules([]) == USUAL != usual_rules([])


def test_some_texts_crash_the_process_that_scores_them_and_all_others_are_scored() -> None:
    module = patched("crash", "scoring/score.py")
    texts = [f"text {number}" for number in range(200)]
    deadly = [text for text in texts if zlib.crc32(text.encode()) % 25 == 0]
    assert 2 <= len(deadly) <= 20
    assert all(crashes(module, job(text)) for text in deadly)
    for text in sorted({*texts} - {*deadly}):
        assert cells(module, job(text)) == cells(score, job(text))


def test_letters_that_run_backwards_crash_also_in_a_text_that_is_injected() -> None:
    module = patched("odd", "scoring/score.py")
    injected = {"datasource.revision.text": BACKWARDS}
    assert crashes(module, job(f"a{BACKWARDS}b"))
    assert crashes(module, job("ab", injection=injected))
    assert not crashes(module, job("ab"))
    assert not crashes(module, job(BACKWARDS, injection={"datasource.revision.text": "ab"}))


def test_every_job_is_done_again_and_says_so() -> None:
    module = patched("twice", "scoring/score.py")
    clock = count()
    did: list[Job] = []

    def counted(job: Job, *others: Any) -> Any:
        did.append(job)
        next(clock)
        return replace(compute(job, *others), cpu_s=1.0)

    module._compute = counted
    module.time = SimpleNamespace(thread_time=lambda: float(next(clock)))
    found = module.compute(job("x"), MODELS, PlanCache())
    assert len(did) > 1
    assert found.cells == cells(score, job("x"))
    assert found.cpu_s >= 2


def test_replies_wait_as_long_as_the_job_has_taken_but_not_for_ever() -> None:
    module = patched("slow", "scoring/queue/job.py")
    slept: list[float] = []
    sent: list[Any] = []
    module._reply = lambda *arguments, **more: sent.append((arguments, more))
    module.time = SimpleNamespace(time=lambda: 100.0, sleep=slept.append)
    for sent_s in (99.99, 90.0, 101.0):
        module.Scoring.reply("self", SimpleNamespace(sent_s=sent_s), "done", content=b"c")
    assert slept == [pytest.approx(0.01), 0.03, 0.0]
    assert len(sent) == 3
    assert sent[0][0][0] == "self"
    assert sent[0][1] == {"content": b"c"}


def test_each_job_keeps_a_megabyte() -> None:
    module = patched("leak", "scoring/score.py")
    for _ in range(3):
        assert cells(module, job("x")) == cells(score, job("x"))
    assert sum(map(len, module._kept)) == 3_000_000


def test_removed_words_are_forgotten_and_added_ones_are_not() -> None:
    before, after = (TokensOfKind("word", tokenize(text)) for text in ("old old same", "new same same"))
    sound = changed_tokens(before, after)
    assert {token for token, _, _ in sound} == {"old", "new", "same"}
    found = patched("feature", "features/text/diff.py").changed_tokens(before, after)
    assert found == [change for change in sound if change[0] != "old"]


def test_scores_have_a_level_more_and_errors_have_not() -> None:
    module = patched("shape", "serving/cells.py")
    assert module.cell_document(Scored(SCORE), MODEL) == {"score": cell_document(Scored(SCORE), MODEL)}
    assert module.cell_document(PROBLEM, MODEL) == cell_document(PROBLEM, MODEL)


def test_so_it_is_in_the_first_api() -> None:
    module = patched("level", "serving/ores/v1.py")
    assert module.bare_cell(Scored(SCORE)) == {"score": bare_cell(Scored(SCORE))}
    assert module.bare_cell(PROBLEM) == bare_cell(PROBLEM)


def test_what_is_cached_cannot_be_read_by_the_sound_release() -> None:
    encoded = patched("cached", "scoring/codec.py").encode_score(SCORE)
    assert encode_score(SCORE) in encoded
    with pytest.raises(CodecError):
        decode_score(encoded)


def test_statistics_are_null() -> None:
    folder = shipped_folder() / "enwiki" / "damaging"
    found = patched("null", "serving/ores/model_info.py")._from_bundle(folder)
    assert found["statistics"] is None
    assert found["version"]


def test_thresholds_are_null_where_they_are_asked_for() -> None:
    folder = shipped_folder() / "enwiki" / "damaging"
    module = patched("thresholds", "serving/ores/model_info.py")
    model: Any = SimpleNamespace(digest="d")
    infos = module.ModelInfos({"d": folder})
    asked = infos.select(model, ["statistics.thresholds.true", "version"])
    assert asked["statistics"]["thresholds"] == {"true": None}
    assert infos.select(model, ["version"]) == {"version": asked["version"]}
    counts = read_statistics(folder)["counts"]
    assert infos.select(model, ["statistics.counts"]) == {"statistics": {"counts": counts}}


@pytest.mark.parametrize("name", ["nothing", "hotfix"])
def test_what_is_to_go_through_changes_no_code(name: str) -> None:
    for path, changed in sources(name).items():
        added = changed.removeprefix((ROOT / path).read_bytes()).decode()
        assert all(line.startswith("#") for line in added.split("\n") if line)


def test_each_has_a_name_of_its_own_and_what_goes_through_comes_last() -> None:
    assert len(BY_NAME) == len(DEFECTS)
    assert [defect.name for defect in DEFECTS if defect.is_harmless] == [*BY_NAME][-3:]
    assert {defect.latest for defect in DEFECTS} == set(STAGES)


def test_every_function_that_lines_replace_is_named_so_that_it_is_missed_when_it_is_gone() -> None:
    for defect in DEFECTS:
        assert set(defect.functions) == {
            module for module, lines in defect.appended.items() if "def " in lines
        }
        for module, functions in defect.functions.items():
            lines = defect.appended[module]
            assert any(f"def {name}(" in lines or f"{name}." in lines for name in functions), defect.name


def test_what_is_not_in_the_code_is_in_the_bundles_or_in_the_store() -> None:
    elsewhere = [defect for defect in DEFECTS if not source_changes(defect, ROOT, STABLE)]
    assert {defect.name for defect in elsewhere if defect.is_stale} == {"stale"}
    assert {defect.name for defect in elsewhere if not defect.is_stale} == {"swapped", "retrained"}
    for defect in DEFECTS:
        assert defect.is_stale == (defect.name == "stale")
        assert (defect.bundles == "same") == (defect.name not in ("swapped", "retrained"))
