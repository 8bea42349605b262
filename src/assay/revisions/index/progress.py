"""How far the first reading of an export has come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far an index has come. Bytes are the packed file's; `linking` comes last and reads none."""

    phase: Literal["reading", "linking"]
    done_bytes: int
    total_bytes: int
    revisions: int


ReportProgress = Callable[[IndexProgress], None]
