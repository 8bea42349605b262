"""Whatever was not proved is a failure, and no check hides another."""

from __future__ import annotations

import asyncio
import time

import pytest

from assay.errors import BundleError
from assay.preflight.check import Check, Failed, Group, Outcome, Passed, Report, Skipped, run


async def good() -> Outcome:
    return Passed("it works")


def check(name: str = "a", run: object = good, subject: str = "this", limit_s: float = 5.0) -> Check:
    return Check(name, subject, run, "mend it", limit_s)  # type: ignore[arg-type]


async def test_all_good_is_good() -> None:
    report = await run([Group("g", [check("a"), check("b")], "")], "r1")
    assert [result.name for result in report.results] == ["g.a", "g.b"]
    assert (report.is_good, report.exit_status, report.release) == (True, 0, "r1")


async def test_a_group_without_checks_is_a_failure_that_says_what_to_do() -> None:
    report = await run([Group("g", [check()], ""), Group("canary", [], "put hosts into it")], "r1")
    assert report.exit_status == 1
    assert report["canary"].outcome == Failed(
        "nothing was checked: this applies to nothing here", "put hosts into it"
    )


async def test_a_check_that_applies_to_nothing_is_a_failure_and_is_not_run() -> None:
    async def never() -> Outcome:
        raise AssertionError

    report = await run([Group("g", [check(run=never, subject="")], "")], "r1")
    assert report["g.a"].outcome == Failed("the check applies to nothing", "mend it")


@pytest.mark.parametrize(("waived", "status"), [(False, 1), (True, 0)])
async def test_a_skipped_check_is_a_failure_unless_it_was_waived(waived: bool, status: int) -> None:
    async def skip() -> Outcome:
        return Skipped("no release", "use one", waived)

    assert (await run([Group("g", [check(run=skip)], "")], "r1")).exit_status == status


def test_a_report_of_nothing_is_not_good() -> None:
    assert Report("r1", ()).exit_status == 1


async def test_an_exception_is_its_checks_failure_in_a_sentence() -> None:
    async def broken() -> Outcome:
        raise BundleError("trees.txt was altered")

    report = await run([Group("g", [check("a", broken), check("b")], "")], "r1")
    assert report["g.a"].outcome == Failed(
        "the check itself failed: BundleError: trees.txt was altered", "mend it"
    )
    assert report["g.b"].is_good


async def test_a_check_that_hangs_ends_at_its_limit_and_the_others_are_told() -> None:
    async def hang() -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    report = await run([Group("g", [check("a", hang, limit_s=0.02), check("b")], "")], "r1")
    assert report["g.a"].outcome == Failed("no outcome within 0.02 s", "mend it")
    assert report["g.b"].is_good


async def test_a_time_out_of_the_checks_own_is_not_taken_for_its_limit() -> None:
    async def times_out() -> Outcome:
        raise TimeoutError("the wiki is slow")

    report = await run([Group("g", [check("a", times_out)], "")], "r1")
    assert report["g.a"].outcome.said == "the check itself failed: TimeoutError: the wiki is slow"


async def test_checks_run_at_the_same_time() -> None:
    """Each waits for the other: one after the other, neither would end."""
    met = asyncio.Barrier(2)

    async def meet() -> Outcome:
        await met.wait()
        return Passed("met")

    groups = [Group("g", [check("a", meet)], ""), Group("h", [check("a", meet)], "")]
    assert (await run(groups, "r1")).is_good


async def test_a_report_knows_how_long_each_check_took_and_all_of_them() -> None:
    before_s = time.perf_counter()
    report = await run([Group("g", [check("a"), check("b")], "")], "r1")
    within_s = time.perf_counter() - before_s
    for result in report.results:
        assert 0 < result.seconds <= report.seconds <= within_s


def test_a_check_that_was_not_made_is_in_no_report() -> None:
    with pytest.raises(KeyError, match=r"g\.a"):
        Report("r1", ())["g.a"]
