"""What is sent arrives, with "none", "not known" and "cannot be had" told apart."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields
from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.models.model import Explanation, Score
from assay.revisions.problem import Problem
from assay.revisions.types import UNKNOWN, Actor, ActorHistory, Page, PageHistory, Revision, Unknown
from assay.scoring.codec import (
    CodecError,
    Computed,
    decode_computed,
    decode_job,
    decode_score,
    encode_computed,
    encode_job,
    encode_score,
)
from assay.scoring.request import Job, Scored

text = st.text(max_size=40)
counts = st.integers(0, 2**53)
moments = st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
problems = st.builds(Problem, text, text, text, st.booleans())


def known(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.just(UNKNOWN) | strategy


actors = st.builds(
    Actor,
    known(text),
    st.booleans(),
    known(st.none() | counts),
    known(st.frozensets(text, max_size=3)),
    known(st.none() | moments),
    known(counts),
)


def histories(kind: type) -> st.SearchStrategy[Any]:
    """Counts and moments, whatever fields the record has."""
    choices: dict[Any, st.SearchStrategy[Any]] = {
        int: counts,
        datetime: moments,
        NoneType: st.none(),
        Unknown: st.just(UNKNOWN),
    }
    hints = get_type_hints(kind)
    members = {field.name: get_args(hints[field.name]) or (hints[field.name],) for field in fields(kind)}
    return st.builds(kind, **{name: st.one_of(*map(choices.get, kinds)) for name, kinds in members.items()})  # type: ignore[arg-type]


def revisions(parent: st.SearchStrategy[Any]) -> st.SearchStrategy[Revision]:
    return st.builds(
        Revision,
        id=counts,
        page=st.builds(Page, text, known(counts), known(st.integers(-2, 3000))),
        actor=known(actors | problems),
        timestamp=known(moments),
        comment=known(text | problems),
        text=text | problems,
        parent=parent,
        parent_id=known(st.none() | counts),
        is_minor=known(st.booleans()),
        size_bytes=known(counts),
        sha1=known(text),
        content_model=text,
        tags=known(st.lists(text, max_size=3).map(tuple)),
        page_history=known(histories(PageHistory)),
        actor_history=known(histories(ActorHistory)),
    )


finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | finite | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
jobs = st.builds(
    Job,
    text,
    st.lists(text, max_size=3).map(tuple),
    revisions(known(st.none()) | problems | revisions(st.just(UNKNOWN))),
    st.dictionaries(text, json_values, max_size=3),
    st.booleans(),
    st.booleans(),
    told=st.booleans(),
)
labels = st.booleans() | st.sampled_from(["FA", "true", "false", ""])
scores = st.builds(Score, labels, st.dictionaries(labels, finite, max_size=4))
explanations = st.builds(
    Explanation,
    st.dictionaries(labels, finite, max_size=3),
    st.dictionaries(labels, st.lists(finite, max_size=3), max_size=3),
)
values = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | finite
scored = st.builds(
    Scored, scores, st.none() | st.dictionaries(text, values, max_size=3), st.none() | explanations
)
computed = st.builds(
    Computed, st.dictionaries(text, scored | problems, max_size=3), finite, finite, st.none() | finite
)


@given(jobs)
def test_a_job_survives(job: Job) -> None:
    assert decode_job(encode_job(job)) == job


@given(computed)
def test_a_result_survives_with_its_types(result: Computed) -> None:
    back = decode_computed(encode_computed(result))
    assert back == result
    assert repr(back) == repr(result)  # 1 == True == 1.0, but they are not the same values


@given(scores)
def test_a_score_survives_with_its_types(score: Score) -> None:
    assert repr(decode_score(encode_score(score))) == repr(score)


@given(st.binary(max_size=200) | json_values.map(lambda value: repr(value).encode()))
def test_rubbish_is_refused_with_one_error(data: bytes) -> None:
    for decode in (decode_job, decode_computed, decode_score):
        with pytest.raises(CodecError):
            decode(data)


@given(jobs, st.data())
def test_a_truncated_job_is_refused(job: Job, data: st.DataObject) -> None:
    encoded = encode_job(job)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(CodecError):
        decode_job(encoded[:cut])


def test_another_version_is_refused_by_number() -> None:
    with pytest.raises(CodecError, match="version 99; this process speaks 2"):
        decode_score(b"[99,true,[]]")


def test_no_field_of_a_revision_is_left_out() -> None:
    names = {"id", "page", "actor", "timestamp", "comment", "text", "parent", "parent_id", "is_minor"}
    names |= {"size_bytes", "sha1", "content_model", "tags", "page_history", "actor_history"}
    assert names == {field.name for field in fields(Revision)}, "teach this module's strategy the new field"


def test_a_kept_score_takes_no_more_memory_than_its_bytes() -> None:
    """A cache counts lengths; what it holds must not be larger than that."""
    tracemalloc.start()
    try:
        kept = [encode_score(Score(True, {True: 1 / n, False: 1 - 1 / n})) for n in range(1, 1001)]
        allocated, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert allocated < sum(map(len, kept)) + 200 * len(kept)
