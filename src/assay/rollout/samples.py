"""What is seen of two arms: users' requests, requests asked of both, and memory. Values only.

Every kind of sample tells its arm by the slot that answered it; which slot is stable and which the
candidate's is the rollout's affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of the comparison. `slot`: where it runs, the same in every data centre. `release`: the id
    that its answers name; empty for a release of before answers named one."""

    slot: str
    release: str = ""

    def as_data(self) -> dict[str, str]:
        """As JSON values."""
        return {"slot": self.slot, "release": self.release}


CLIENT_GAVE_UP: Final = 499
"""The status of a request whose client left before the answer's end; nginx's number. No failure of ours, but
its `ms` count among the others', so an arm that makes clients leave is seen by its slowness."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One user's request, as the load balancer logged it.

    `at_s`: when it was answered, seconds since 1970. `slot`: empty when no server answered. `release`: what
    the answer's header named; empty when there was none. `status`: 0 when no whole answer came back. `ms`:
    from the request's first byte to the answer's last. `is_cached`: whether every score came from the cache;
    None when the answer does not tell. `target`: path and query.
    """

    at_s: float
    data_centre: str
    slot: str
    release: str
    status: int
    ms: float
    is_cached: bool | None
    method: str
    target: str

    @property
    def has_answer(self) -> bool:
        """Whether a whole answer came back, and the client was still there: else nobody saw its headers."""
        return self.status not in (0, CLIENT_GAVE_UP)

    @property
    def is_failed(self) -> bool:
        """Whether the service, not the client, is to blame. 429 and 4xx are answers."""
        return self.status == 0 or self.status >= 500


@dataclass(frozen=True, slots=True)
class SeenCell:
    """What an arm said of one revision by one model: a score or an error.

    `probability`: by label as JSON has it; empty for an error. `prediction`: its JSON text. `error`: the
    error's code, or its ORES type where there is none; None for a score.
    """

    prediction: str = ""
    probability: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CellPair:
    """The same revision and model, asked of both arms. None: the arm left the cell out. `is_repeated`: the
    candidate failed at it again, and the stable arm succeeded again, when both were asked once more."""

    wiki: str
    model: str
    rev_id: int
    stable: SeenCell | None
    candidate: SeenCell | None
    is_repeated: bool = False

    @property
    def key(self) -> tuple[str, str, int]:
        """What was asked for."""
        return self.wiki, self.model, self.rev_id


@dataclass(frozen=True, slots=True)
class Pair:
    """One request asked of both arms.

    `stable_status`, `candidate_status`: 0 when no whole answer came. `shape_faults`: a sentence for each
    place where the candidate's answer has another shape than the stable one's (a key more or less, another
    JSON type, null for an object). `value_faults`: a sentence for each value outside of scores that differs
    (a header, a feature, a threshold). `stable_ms`, `candidate_ms`: time for the same request computed anew
    by each; None when it was not measured. `stable_cpu_ms`, `candidate_cpu_ms`: processor time of the scoring
    alone, as each arm tells it; None when either does not. `has_stranger`: whether an arm named another
    release than the one that it must be of, which stands among `value_faults`, too. `made_texts`: how many
    texts were made up and sent along, each another one (`assay.rollout.evidence.texts`); 0: the wiki's own
    were asked for.
    """

    at_s: float
    data_centre: str
    target: str
    stable_status: int
    candidate_status: int
    cells: tuple[CellPair, ...] = ()
    shape_faults: tuple[str, ...] = ()
    value_faults: tuple[str, ...] = ()
    stable_ms: float | None = None
    candidate_ms: float | None = None
    stable_cpu_ms: float | None = None
    candidate_cpu_ms: float | None = None
    has_stranger: bool = False
    made_texts: int = 0


@dataclass(frozen=True, slots=True)
class MemorySeen:
    """Memory of one process of an arm, and how many jobs it had done by then. `process`: equal for all
    samples of the same process, so that a replaced process is another one."""

    at_s: float
    data_centre: str
    slot: str
    process: str
    resident_bytes: int
    jobs_done: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was seen in one stage of a rollout, in time order."""

    observed: tuple[Observed, ...] = ()
    pairs: tuple[Pair, ...] = ()
    memory: tuple[MemorySeen, ...] = ()
