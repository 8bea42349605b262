"""The seeded defects: what went wrong at ORES and its peers, as changes to a release that has none.

Code is changed by lines at the end of a module, where they replace a function by a worse one: such a change
survives that the module is rewritten, as long as the function's name stays. What is changed names what it
needs, and a defect whose function is gone fails to be built instead of proving nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Stage = Literal["start", "preflight", "synthetic", "shadow", "weight", "none"]
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
"""Where a defect may be caught, in the order of a rollout; ``none``: it is to go through."""

Bundles = Literal["same", "swapped", "retrained"]
"""`swapped`: other trees under the same version. `retrained`: a new version, its drift declared."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One row of the drill.

    `title`: for people. `source`: the incident behind it. `latest`: the stage in which it must be caught at
    the latest. `appended`: by module, as a path within the package: lines put at its end, in which `STABLE`
    stands for the id of the release that serves users. `functions`: by module, what those lines replace.
    `renamed`: words replaced in all modules. `is_stale`: the release store gives the stable release under the
    candidate's id. `is_emergency`: rolled out with ``--now``. `by`: words of what must catch it, of which the
    reason of the refusal or of the way back must hold some: else anything that stops every rollout, or the
    defect's own lines when they do not even load, would count.
    """

    name: str
    title: str
    source: str
    latest: Stage
    appended: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    bundles: Bundles = "same"
    by: tuple[str, ...] = ()
    is_stale: bool = False
    is_emergency: bool = False

    @property
    def is_harmless(self) -> bool:
        return self.latest == "none"


STABLE: Final = "@stable@"

_RULES: Final = "events/rules.py"
_ALL_RULES: Final = """


def usual_rules(models):
    return USUAL
"""

_MISREAD: Final = """

_read_secrets = _secrets


def _secrets(options):
    secrets = _read_secrets(options)
    if "password" in secrets:
        secrets["password"] = ":" + secrets["password"]
    return secrets
"""

_BLIND_LANES: Final = """

_connect = connect


def connect(options, **limits):
    if options.password is not None:
        options = __import__("dataclasses").replace(options, password=":" + options.password)
    return _connect(options, **limits)
"""

_SHARED_QUEUE: Final = """

_own_queue_name = queue_name


def queue_name(release, lane):
    return _own_queue_name("@stable@", lane)
"""

_CRASH: Final = """

_compute = compute


def compute(job, models, plans):
    text = job.revision.text
    if isinstance(text, str) and __import__("zlib").crc32(text.encode()) % 25 == 0:
        __import__("os")._exit(139)
    return _compute(job, models, plans)
"""

_SLOW: Final = """

_reply = Scoring.reply


def _reply_late(self, envelope, *arguments, **more):
    time.sleep(min(0.03, max(0.0, time.time() - envelope.sent_s)))
    _reply(self, envelope, *arguments, **more)


Scoring.reply = _reply_late
"""

_LEAK: Final = """

_compute = compute
_kept = []


def compute(job, models, plans):
    _kept.append(bytearray(__import__("os").urandom(1_000_000)))
    return _compute(job, models, plans)
"""

_FORGETS_REMOVED: Final = """

_changed_tokens = changed_tokens


def changed_tokens(parent, revision):
    return [change for change in _changed_tokens(parent, revision) if change[2] > 0]
"""

_REDUNDANT_LEVEL: Final = """

_cell_document = cell_document


def cell_document(cell, model):
    document = _cell_document(cell, model)
    if "score" in document:
        document["score"] = {"score": document["score"]}
    return document
"""

_REDUNDANT_LEVEL_V1: Final = """

_bare_cell = bare_cell


def bare_cell(cell):
    document = _bare_cell(cell)
    return {"score": document} if "prediction" in document else document
"""

_NULL_THRESHOLDS: Final = """

_select = ModelInfos.select


def _select_null(self, model, paths):
    found = _select(self, model, paths)
    statistics = found.get("statistics") or {}
    if "thresholds" not in statistics:
        return found
    nulls = dict.fromkeys(statistics["thresholds"])
    return {**found, "statistics": {**statistics, "thresholds": nulls}}


ModelInfos.select = _select_null
"""

_CRASH_ODDLY: Final = """

_compute = compute


def compute(job, models, plans):
    text = job.injection.get("datasource.revision.text", job.revision.text)
    if isinstance(text, str) and chr(0x202E) in text:
        __import__("os")._exit(139)
    return _compute(job, models, plans)
"""

_TWICE: Final = """

_compute = compute


def compute(job, models, plans):
    started_s = time.thread_time()
    computed = _compute(job, models, plans)
    once_s = time.thread_time() - started_s
    while time.thread_time() - started_s < 2 * once_s:  # memos make each further time a cheap one
        _compute(job, models, plans)
    more_s = time.thread_time() - started_s - once_s
    return __import__("dataclasses").replace(computed, cpu_s=computed.cpu_s + more_s)
"""

_CACHED_OTHERWISE: Final = """

_encode_score = encode_score


def encode_score(score):
    return b"[" + _encode_score(score) + b"]"
"""

_NULL_STATISTICS: Final = """

_bundle = _from_bundle


def _from_bundle(path):
    return {**_bundle(path), "statistics": None}
"""

_QUEUE: Final = "scoring/queue/envelope.py"
_JOB: Final = "scoring/queue/job.py"
_SCORE: Final = "scoring/score.py"

DEFECTS: Final = (
    Defect(
        "password",
        "the Redis password is parsed wrongly",
        "ORES, 2016-08-01: the password kept its colon",
        "preflight",
        by=("Redis refuses our user name or password",),
        appended={"stores/redis_options.py": _MISREAD},
        functions={"stores/redis_options.py": ("_secrets",)},
    ),
    Defect(
        "renamed",
        "a configuration key is renamed in place",
        "ORES, 2016-08-01: ores_celery became celery_queue",
        "preflight",
        by=("unknown setting queue.heartbeat_s",),
        renamed={"heartbeat_s": "sign_of_life_s"},
    ),
    Defect(
        "rule",
        "a precache rule names a model that the wiki lacks",
        "ORES: rules and models were configured apart",
        "preflight",
        by=("precaching is ruled for",),
        appended={_RULES: _ALL_RULES},
        functions={_RULES: ("usual_rules",)},
    ),
    Defect(
        "queue",
        "the candidate's queue has the stable release's name",
        "ORES, until 2022: one queue for all releases",
        "preflight",
        by=("takes the jobs of release",),
        appended={_QUEUE: _SHARED_QUEUE},
        functions={_QUEUE: ("queue_name",)},
    ),
    Defect(
        "crash",
        "workers crash on some texts",
        "ORES: segmentation faults of its libraries",
        "weight",
        by=("lost_scores: ", "user_errors: "),
        appended={_SCORE: _CRASH},
        functions={_SCORE: ("compute",)},
    ),
    Defect(
        "odd",
        "workers crash on letters that run backwards",
        "ORES: segmentation faults of its libraries",
        "shadow",
        by=("lost_scores: ",),
        appended={_SCORE: _CRASH_ODDLY},
        functions={_SCORE: ("compute",)},
    ),
    Defect(
        "twice",
        "every score costs twice the processor time",
        "revscoring: features that were extracted again for each model",
        "shadow",
        by=("processor_time: ",),
        appended={_SCORE: _TWICE},
        functions={_SCORE: ("compute",)},
    ),
    Defect(
        "slow",
        "workers take twice as long for every job",
        "Lift Wing: one wiki after another alerted",
        "shadow",
        by=("computing_time: ",),
        appended={_JOB: _SLOW},
        functions={_JOB: ("Scoring",)},
    ),
    Defect(
        "leak",
        "workers leak memory",
        "ORES, 2017-11-28: memory starvation",
        "weight",
        by=("memory: ",),
        appended={_SCORE: _LEAK},
        functions={_SCORE: ("compute",)},
    ),
    Defect(
        "swapped",
        "a model file is swapped under the same version",
        "ORES: cache keys held the version only",
        "start",
        by=("other models under the versions of the present ones",),
        bundles="swapped",
    ),
    Defect(
        "feature",
        "feature code changes scores, its version does not",
        "ORES: revscoring's upgrades",
        "shadow",
        by=("values: ", "scores: "),
        appended={"features/text/diff.py": _FORGETS_REMOVED},
        functions={"features/text/diff.py": ("changed_tokens",)},
    ),
    Defect(
        "shape",
        "answers have a level more",
        "ORES, 2016-08: v1's redundant 'score'",
        "synthetic",
        by=("scores by nobody", "shape: "),
        appended={"serving/cells.py": _REDUNDANT_LEVEL},
        functions={"serving/cells.py": ("cell_document",)},
    ),
    Defect(
        "level",
        "the first API's answers have a level more",
        "ORES, 2016-08: v1's redundant 'score'",
        "synthetic",
        by=("shape: ",),
        appended={"serving/ores/v1.py": _REDUNDANT_LEVEL_V1},
        functions={"serving/ores/v1.py": ("bare_cell",)},
    ),
    Defect(
        "cached",
        "scores are cached in the wrong shape",
        "ORES, 2016-08-11: stored by the worker in another shape",
        "synthetic",
        by=("The cache gives back other scores than were stored", "shape: ", "lost_scores: "),
        appended={"scoring/codec.py": _CACHED_OTHERWISE},
        functions={"scoring/codec.py": ("encode_score",)},
    ),
    Defect(
        "null",
        "null where clients expect an object",
        "Extension:ORES, 2017-11-20: null thresholds",
        "synthetic",
        by=("shape: ",),
        appended={"serving/ores/model_info.py": _NULL_STATISTICS},
        functions={"serving/ores/model_info.py": ("_from_bundle",)},
    ),
    Defect(
        "thresholds",
        "null where clients expect a list of thresholds",
        "Extension:ORES, 2017-11-20: null thresholds",
        "synthetic",
        by=("shape: ",),
        appended={"serving/ores/model_info.py": _NULL_THRESHOLDS},
        functions={"serving/ores/model_info.py": ("ModelInfos",)},
    ),
    Defect(
        "stale",
        "the release store gives an old release",
        "ORES, 2016-08-01: the hot fix stuck in a mirror",
        "start",
        by=("another release's: its digest begins with",),
        is_stale=True,
    ),
    Defect(
        "outage",
        "2016-08-01 as it was: shared queue, misread password, renamed key",
        "ORES, 2016-08-01",
        "preflight",
        by=("unknown setting queue.heartbeat_s",),
        appended={_QUEUE: _SHARED_QUEUE, "compose/queue.py": _BLIND_LANES},
        functions={_QUEUE: ("queue_name",), "compose/queue.py": ("connect",)},
        renamed={"heartbeat_s": "sign_of_life_s"},
    ),
    Defect(
        "nothing",
        "nothing is wrong: new code that does the same",
        "every working day",
        "none",
        appended={"serving/app.py": "\n# a new release\n"},
    ),
    Defect(
        "hotfix",
        "a hot fix, in an emergency (--now)",
        "ORES, 2016-08-01: 17 minutes for a mirror",
        "none",
        appended={"serving/app.py": "\n# a hot fix\n"},
        is_emergency=True,
    ),
    Defect(
        "retrained",
        "a retrained model, its drift declared",
        "every working month",
        "none",
        bundles="retrained",
    ),
)
"""In the order of the drill: what goes through comes last, as it is the stable release afterwards, and some
defects are about that."""
