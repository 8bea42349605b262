"""The examples of the native API's page and of the client's are run, and every error's code is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson
import pytest

from assay import errors
from assay.models.library import search, shipped_folder
from assay.revisions.open import open_source
from assay.scoring.cache import ScoreCache
from assay.scoring.inline import InlineEngine
from assay.scoring.options import ScoreCacheOptions
from assay.scoring.pool.loading import load_models
from assay.scoring.service import ScoringService
from assay.scoring.synthetic import SyntheticSource
from assay.scoring.wikis import Wikis
from assay.serving.app import build_app
from assay.serving.options import AppOptions
from assay.serving.ores.model_info import ModelInfos
from assay.serving.refusals import CODES
from assay.stores.memory import MemoryStore
from assay.stores.options import MemoryStoreOptions
from assay.telemetry import Metrics
from doc_examples import Example, examples, fits, programs
from servers.asgi import Served, serving
from shared_data import ROOT
from small_app import CLOCK

EXAMPLES = list(examples("http/native.md"))
PROGRAMS = programs("how-to/python-client.md")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """What `make run` serves. Models are read without their trees: the examples of
    samplewiki do without."""
    found = [found for found in search(shipped_folder()) if found.manifest.wiki in ("enwiki", "testwiki")]
    paths = [str(found.path) for found in found]
    models = load_models(paths, {"samplewiki": "enwiki"}, with_trees=False)
    metrics = Metrics("test")
    export = ROOT / "src" / "assay" / "sample" / "samplewiki.xml"
    sample = open_source("samplewiki", str(export), cache_dir=tmp_path_factory.mktemp("index"))
    wikis = Wikis({"samplewiki": sample, "testwiki": SyntheticSource(CLOCK)}, models)
    cache = ScoreCache(MemoryStore(MemoryStoreOptions(), CLOCK), ScoreCacheOptions())
    service = ScoringService(wikis, InlineEngine(models, metrics), cache, metrics)
    infos = ModelInfos({found.manifest.digest: found.path for found in found})
    with serving(build_app(AppOptions(), service, infos, metrics, CLOCK).asgi) as served:
        yield served


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.command[:70])
def test_an_example_is_answered_as_written(site: Served, example: Example) -> None:
    reply = example.ask(site)
    assert reply.status == 200
    assert fits([orjson.loads(line) for line in reply.body.splitlines()], example.answers), reply.body


def test_every_route_has_an_example() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_runs(site: Served, program: str, capsys: pytest.CaptureFixture[str]) -> None:
    begin = "from assay.client import Client\n"
    exec(begin + program.replace("http://127.0.0.1:8080", site.url), {"__name__": "example"})
    if "print" in program:
        assert capsys.readouterr().out


def test_every_error_code_is_documented() -> None:
    page = (ROOT / "docs" / "http" / "native.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([a-z_]+)` \| [^|]*(?:\d|stream)", page, re.MULTILINE))
    answered: set[type[errors.AssayError]] = {
        errors.UnknownWiki,
        errors.UnknownModel,
        errors.BadParameter,
        errors.TooManyRevisions,
        errors.BadInjection,
        errors.RetryableError,
        errors.Overloaded,
        errors.DeadlineExceeded,
        errors.EngineUnavailable,
        errors.SourceUnavailable,
    }
    own = {"no_statistics", "revision_not_found", "draining"}
    assert told == {*CODES.values(), *(kind.code for kind in answered), *own}


def test_every_reason_of_a_cell_is_documented() -> None:
    page = (ROOT / "docs" / "http" / "native.md").read_text("utf-8").partition("### Reasons of a cell")[2]
    source = "".join(path.read_text("utf-8") for path in (ROOT / "src" / "assay").rglob("*.py"))
    reasons = set(re.findall(r"\bProblem\(\s*\"([a-z_]+)\"", source))
    assert len(reasons) > 12
    assert reasons <= set(re.findall(r"`([a-z_]+)`", page))
