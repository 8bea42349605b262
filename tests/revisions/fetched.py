"""What a source gave for a revision, proved to be what the test is about."""

from __future__ import annotations

from assay.revisions.problem import Problem
from assay.revisions.source import Source
from assay.revisions.types import Revision
from waiting import soon


async def one(source: Source, rev_id: int) -> Revision:
    revision = (await source.fetch([rev_id], soon()))[rev_id]
    assert isinstance(revision, Revision), revision
    return revision


def code(value: object) -> str:
    assert isinstance(value, Problem), value
    return value.code
