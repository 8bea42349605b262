"""``assay bench load``: an open load on any server that speaks ORES's third API, and what came of it."""

from __future__ import annotations

import asyncio
import re
import resource
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

import orjson
import typer
from rich.console import Console
from rich.table import Table

from assay.cli import options
from assay.cli.progress import stepping
from assay.errors import ConfigurationError, reason_of
from assay.load import Answered, Expectations, LoadPlan, LoadReport, Tally, fresh_revisions, run
from assay.load.requests import Kind
from assay.load.summary import Summary
from assay.load.verify import breaks_rule
from assay.scoring.lines import parse_id, read_ids
from assay.scoring.synthetic import TEST_WIKI

_LOOK_S: Final = 0.2
_OTHER_FILES: Final = 64
"""Descriptors that the process has open besides its connections, roughly."""
_UNITS_S: Final = {"s": 1, "min": 60, "h": 3600}
_CACHES: Final[dict[bool | None, Literal["any", "warm", "cold"]]] = {None: "any", True: "warm", False: "cold"}
_PERCENTILES: Final = ("p50", "p90", "p99", "p99_9", "max")


class Arrivals(StrEnum):
    poisson = "poisson"
    constant = "constant"


def register(app: typer.Typer) -> None:
    commands = typer.Typer(help="Measure a running server.", no_args_is_help=True)
    commands.command()(load)
    app.add_typer(commands, name="bench")


def load(
    urls: Annotated[list[str], typer.Argument(metavar="URL...", help="Web nodes, asked in turn.")],
    wiki: Annotated[str, typer.Option(help="The wiki to ask for.")] = TEST_WIKI,
    models: Annotated[str, typer.Option(help="Models, separated by | or commas; default: all.")] = "",
    revisions: Annotated[
        str,
        typer.Option(
            metavar="FILE|A-B|now",
            help="A file of ids, one a line; a range; or ids of the test wiki that no cache can hold.",
        ),
    ] = "now",
    rate: Annotated[str, typer.Option(help="Requests on average: 50/s, 125/min.")] = "50/s",
    duration: Annotated[float, typer.Option(help="Seconds.")] = 60.0,
    arrivals: Annotated[
        Arrivals, typer.Option(help="As visitors come, or one each 1/rate seconds.")
    ] = Arrivals.poisson,
    revisions_per_request: Annotated[
        int, typer.Option(min=1, help="Of the kinds scores and bulk; at most 50.")
    ] = 1,
    requests: Annotated[
        str,
        typer.Option(
            metavar="KIND=WEIGHT,...",
            help="The mix: scores, revision, cell, bulk, models, wikis; for example scores=8,cell=2.",
        ),
    ] = "scores=1",
    parameter: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A further one of each request for scores. May be repeated."),
    ] = None,
    warm: Annotated[
        bool | None,
        typer.Option(
            "--warm/--cold",
            help="warm: ask for all once beforehand; cold: ask for none twice; default: neither.",
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one attempt.")] = 30.0,
    connections: Annotated[
        int, typer.Option(min=1, help="Most requests in flight; what is due beyond is skipped, and counted.")
    ] = 500,
    keep_alive: Annotated[bool, typer.Option(help="Use a connection again for the next request.")] = True,
    retry: Annotated[
        bool,
        typer.Option(
            "--retry", help="Obey Retry-After, send again what was refused or reset; count the last outcome."
        ),
    ] = False,
    retry_for: Annotated[float, typer.Option(help="Seconds after which no attempt is begun.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same requests at the same times.")] = 0,
    expect: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Scores that answers must hold; others are wrong.")
    ] = None,
    record_expected: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the scores of this run, for --expect.")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every answer, as JSON lines.")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the report, as JSON.")] = None,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Exit status 1 when answers were lost or wrong, none had status 200, or, with --expect, "
            "scores came that the file does not know, or none that it knows.",
        ),
    ] = False,
    i_may_load_this_server: Annotated[
        bool,
        typer.Option("--i-may-load-this-server", help="Needed for any address but this machine's own."),
    ] = False,
) -> None:
    """Put an open load on a server: requests leave when they are due, whatever the server does.

    A latency runs from the moment a request was due, so that a stall shows in every request it held up.
    Ctrl-C ends the run early, with its report.
    """
    for path in (record_expected, record, json):
        options.check_output(path)
    plan = LoadPlan(
        urls=tuple(urls),
        wiki=wiki,
        revisions=_revisions(revisions, wiki),
        models=tuple(models.replace(",", "|").split("|")) if models else (),
        rate_per_s=_rate(rate),
        duration_s=duration,
        arrivals=arrivals.value,
        revisions_per_request=revisions_per_request,
        mix=_mix(requests),
        parameters=dict(options.pairs(parameter, "--parameter")),
        cache=_CACHES[warm],
        timeout_s=timeout,
        connections=connections,
        keep_alive=keep_alive,
        retry=retry,
        retry_for_s=retry_for,
        seed=seed,
        may_load_remote=i_may_load_this_server,
    )
    _check_descriptors(plan)
    expected = _expectations(plan, expect, is_learning=record_expected is not None)
    faults: list[str] = []
    with nullcontext() if record is None else _recording(record, faults) as on_answer:
        report = asyncio.run(_watched(plan, expected, on_answer))
    if record_expected is not None:
        with _telling(record_expected, faults):
            expected.save(record_expected)
    if json is not None:
        with _telling(json, faults):
            json.write_bytes(orjson.dumps(report.document(), option=orjson.OPT_INDENT_2))
    _print(report)
    if faults:
        raise ConfigurationError("; ".join(faults))
    if strict and not _is_proof(report, has_file=expect is not None):
        raise typer.Exit(1)


async def _watched(
    plan: LoadPlan, expected: Expectations, on_answer: Callable[[Answered], None] | None
) -> LoadReport:
    """The run, with a bar; the first Ctrl-C ends it in order, a second one at once."""
    loop, stop, tally = asyncio.get_running_loop(), asyncio.Event(), Tally()

    def end() -> None:
        stop.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, end)
    watch = asyncio.create_task(_watch(plan, tally))
    try:
        return await run(plan, stop=stop, tally=tally, expected=expected, on_answer=on_answer)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        watch.cancel()


async def _watch(plan: LoadPlan, tally: Tally) -> None:
    total = round(plan.rate_per_s * plan.duration_s)
    with stepping() as step:
        while True:
            step(
                min(tally.due, total),
                total,
                f"load: {tally.in_flight} in flight, {tally.lost} lost, {tally.wrong} wrong, "
                f"{tally.skipped} skipped",
            )
            await asyncio.sleep(_LOOK_S)


# -- what was given -----------------------------------------------------------------------------------


def _revisions(text: str, wiki: str) -> range | tuple[int, ...]:
    if text == "now":
        if wiki != TEST_WIKI:
            raise ConfigurationError(f"--revisions now is for {TEST_WIKI}: give a FILE of ids, or A-B")
        return fresh_revisions(datetime.now(UTC))
    if ends := re.fullmatch(r"([0-9]+)-([0-9]+)", text):
        return range(parse_id(ends[1]), parse_id(ends[2]) + 1)
    try:
        lines = Path(text).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--revisions {text} cannot be read: {reason_of(error)}") from error
    return tuple(dict.fromkeys(read_ids(lines, text)))


def _rate(text: str) -> float:
    """A second. Raises `ConfigurationError`."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(?:/(s|min|h))?", text)
    if not found:
        raise ConfigurationError(f"--rate {text!r}: write it as 50/s, 125/min or 1000/h")
    return float(found[1]) / _UNITS_S[found[2] or "s"]


def _mix(text: str) -> Mapping[Kind, float]:
    """Names are checked by the plan, which knows them."""
    weights = {}
    for name, weight in options.pairs(text.split(","), "--requests"):
        if not re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", weight):
            raise ConfigurationError(
                f"--requests {name}={weight}: give a number, for example scores=8,cell=2"
            )
        weights[cast(Kind, name)] = float(weight)
    return weights


def _expectations(plan: LoadPlan, expect: Path | None, *, is_learning: bool) -> Expectations:
    knows_rule = not breaks_rule(plan.parameters)
    if expect is None:
        return Expectations(is_learning=is_learning, knows_rule=knows_rule)
    return Expectations.read(expect, is_learning=is_learning, knows_rule=knows_rule)


def _is_proof(report: LoadReport, *, has_file: bool) -> bool:
    """Whether the run shows that the server is right. One that was answered by errors only, or with scores
    that nothing is known of, found nothing wrong either. `has_file`: of the scores that are expected."""
    tally = report.tally
    if report.lost or report.wrong or not tally.ok:
        return False
    return not has_file or (tally.compared > 0 and not tally.unknown)


def _check_descriptors(plan: LoadPlan) -> None:
    """Or the generator would run out of them and blame the server."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed != resource.RLIM_INFINITY and plan.connections + _OTHER_FILES > allowed:
        raise ConfigurationError(
            f"{plan.connections} connections need more open files than the {allowed} that this shell allows: "
            f"ulimit -n {plan.connections + _OTHER_FILES}, or fewer --connections"
        )


# -- what is told -------------------------------------------------------------------------------------


@contextmanager
def _recording(path: Path, faults: list[str]) -> Iterator[Callable[[Answered], None]]:
    """What the file does not take is left out, and told in `faults`: no run is lost to a full disk."""
    stream = path.open("wb")

    def write(answered: Answered) -> None:
        if not faults:
            with _telling(path, faults):
                stream.write(orjson.dumps(answered.document(), option=orjson.OPT_APPEND_NEWLINE))

    try:
        yield write
    finally:
        with _telling(path, faults):
            stream.close()


@contextmanager
def _telling(path: Path, faults: list[str]) -> Iterator[None]:
    """A file that cannot be written is one of the `faults`, and keeps nobody from the report."""
    try:
        yield
    except OSError as error:
        told = f"{path} cannot be written whole: {reason_of(error)}"
        faults.extend([told] if told not in faults else [])


def _print(report: LoadReport) -> None:
    tally, console = report.tally, Console(highlight=False)
    counts = Table("", "count", "", box=None, pad_edge=False)
    counts.columns[1].justify = "right"
    counts.add_row("due", str(tally.due), f"{report.due_per_s:.1f}/s, {report.elapsed_s:.1f} s")
    counts.add_row("sent", str(tally.sent), "")
    for status, count in sorted(tally.statuses.items()):
        rate = f"{report.ok_per_s:.1f}/s" if status == 200 else ""
        counts.add_row(f"answered {status}", str(count), rate)
    for name, told in _told(tally).items():
        counts.add_row(name, str(told.total()), ", ".join(f"{key} {told[key]}" for key in sorted(told)))
    counts.add_row("compared", str(tally.compared), f"and {tally.unknown} scores of which nothing is known")
    counts.add_row("wrong", str(tally.wrong), "")
    counts.add_row(
        "lost", str(tally.lost), ", ".join(f"{key} {n}" for key, n in sorted(tally.lost_by.items()))
    )
    counts.add_row("skipped", str(tally.skipped), "")
    console.print(counts)
    console.print()
    console.print(_latencies(report))
    for example in tally.examples:
        console.print(example, style="red", markup=False, soft_wrap=True)
    for warning in report.warnings():
        console.print(f"Beware: {warning}", style="bold yellow", markup=False, soft_wrap=True)


def _told(tally: Tally) -> dict[str, Any]:
    """Counts of what need not happen: shown when it did."""
    told = {
        "told to wait": tally.told_to_wait,
        "sent again": tally.retries,
        "errors": tally.errors,
        "cells with errors": tally.cell_errors,
    }
    return {name: counter for name, counter in told.items() if counter}


def _latencies(report: LoadReport) -> Table:
    table = Table(
        "milliseconds", *(name.replace("_", ".") for name in _PERCENTILES), box=None, pad_edge=False
    )
    for column in table.columns[1:]:
        column.justify = "right"
    rows: dict[str, Summary | None] = {
        "answers with status 200": report.ok_latency,
        "all requests": report.all_latency,
        "late to leave (ours)": report.lag,
    }
    for name, summary in rows.items():
        if summary is not None:
            table.add_row(name, *(f"{getattr(summary, f'{p}_s') * 1000:.1f}" for p in _PERCENTILES))
    return table
