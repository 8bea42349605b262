"""Which checks a configuration calls for, and the running of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from assay import __version__
from assay.clock import Clock, SystemClock
from assay.compose.bundles import Choice, check, choose
from assay.compose.models import load_chosen
from assay.compose.queue import queue_options
from assay.errors import AssayError, BundleError
from assay.preflight import bundles, wikis
from assay.preflight.bundles import Golden, Load
from assay.preflight.check import Check, Failed, Group, Outcome, Passed, Report, Result, Skipped, run
from assay.preflight.machine import Machine, available_bytes
from assay.preflight.redis import Ways
from assay.preflight.web import Web, nonce_id
from assay.preflight.worker import Worker, distinct_sets
from assay.scoring.wikis import ModelSets
from assay.settings import Settings, names
from assay.stores.redis_options import secrets_of
from assay.tasks import once
from assay.telemetry import Metrics
from assay.threads import in_thread

GROUPS = ("configuration", "redis", "worker", "bundles", "wiki", "machine", "web")
"""In the order in which they are told; `web` is there when addresses are given."""


@dataclass(frozen=True, slots=True)
class PreflightOptions:
    """What the operator chose."""

    urls: tuple[str, ...] = ()
    """Web processes to ask over HTTP, as ``http://127.0.0.1:8080``."""

    workers: int = 1
    """Main processes of workers on this machine, each with `worker.processes`."""

    patience_s: float = 10.0
    """Seconds for one answer of a worker, a web process or a wiki."""

    without_golden: bool = False
    """Golden scores are not asked for, because this process does not run from a release."""


@dataclass(frozen=True)
class _Models:
    """What scores, read without trees. `wikis`: all that are served; `sets`: one for each set of models."""

    choice: Choice
    models: ModelSets
    wikis: tuple[str, ...]
    sets: tuple[str, ...]


async def preflight(settings: Settings, options: PreflightOptions, golden: Golden | None = None) -> Report:
    """Every check; nothing is changed but keys in Redis that expire within a minute. Never raises.

    `golden`: the scores that the release promises, None when the process does not run from one.
    """
    chosen = await in_thread(lambda: _models(settings))
    clock, rev_id = SystemClock(), nonce_id()
    metrics = Metrics(__version__, settings.release, "preflight")

    async def load() -> bundles.Loaded:
        assert chosen is not None
        return await bundles.load(chosen.choice, chosen.sets, rev_id)

    loaded = once(load)
    async with AsyncExitStack() as stack:
        # by itself, for it is held to serving's own short time limits, and loading models takes all cores
        redis = await run([Ways(settings, metrics, clock).group()], settings.release)
        groups = [
            _configuration(settings),
            *_of_models(chosen, settings, options, loaded, golden, rev_id, metrics, clock, stack),
            Machine(
                settings, loaded if chosen else _nothing_loaded, clock, options.workers, available_bytes
            ).group(),
        ]
        return _joined(redis, await run(groups, settings.release))


def _joined(*parts: Report) -> Report:
    """One report in the order of `GROUPS`."""
    results = [result for part in parts for result in part.results]
    results.sort(key=lambda result: GROUPS.index(result.name.partition(".")[0]))
    return Report(parts[0].release, tuple(results), sum(part.seconds for part in parts))


def unreadable(error: AssayError) -> Report:
    """The report when there are no settings: all else is left out, and said to be."""
    todo = "mend what is listed; `assay config check` tells the same"
    bad = Result("configuration.settings", "all layers", Failed(str(error), todo))
    skipped = Skipped("not checked: the configuration cannot be read", "mend the configuration first")
    return Report("unknown", (bad, *(Result(name, "nothing", skipped) for name in GROUPS[1:])))


def secrets(settings: Settings) -> frozenset[str]:
    """All that must not stand in a report."""
    return secrets_of(settings.redis) | secrets_of(queue_options(settings))


def _models(settings: Settings) -> _Models | None:
    """None when they cannot be had; `configuration.models` says why."""
    try:
        choice = choose(settings)
        models = load_chosen(choice, with_trees=False)
    except AssayError:
        return None
    served = tuple(sorted({*choice.wikis, *choice.made_up}))
    return _Models(choice, models, served, distinct_sets(models, dict.fromkeys(served)))


async def _nothing_loaded() -> bundles.Loaded:
    raise BundleError("no bundle was found to load")


def _configuration(settings: Settings) -> Group:
    async def readable() -> Outcome:
        return Passed(f"{sum(1 for _ in names())} settings are well-formed, for release {settings.release}")

    async def models() -> Outcome:
        try:
            await in_thread(lambda: check(settings))
        except AssayError as error:
            return Failed(str(error), "mend the configuration, or install the bundles that it names")
        return Passed("every wiki has models, every file is there")

    advice = "run `assay config check`"
    checks = [
        Check("settings", "all layers", readable, advice),
        Check("models", "all wikis", models, advice, bundles.LOAD_LIMIT_S),
    ]
    return Group("configuration", checks, advice)


def _of_models(
    chosen: _Models | None,
    settings: Settings,
    options: PreflightOptions,
    loaded: Load,
    golden: Golden | None,
    rev_id: int,
    metrics: Metrics,
    clock: Clock,
    stack: AsyncExitStack,
) -> list[Group]:
    """Groups about models; without models they hold no checks, and so fail."""
    if chosen is None:
        advice = "mend what the checks of the configuration say"
        absent = ["worker", "bundles", "wiki", *(["web"] if options.urls else [])]
        return [Group(name, (), advice) for name in absent]
    worker = Worker(settings, chosen.models, chosen.sets, rev_id, loaded, metrics, clock, options.patience_s)
    stack.push_async_callback(worker.aclose)
    webs = [
        Web(url, settings.release, chosen.models, chosen.wikis, chosen.sets, options.patience_s).group()
        for url in options.urls
    ]
    return [
        worker.group(),
        bundles.group(chosen.choice.paths, loaded, golden, without_golden=options.without_golden),
        wikis.group(chosen.choice.wikis, settings.wiki_api, clock, options.patience_s),
        *webs,
    ]
