"""The words of the feature graph: roots, datasources and features.

A *root* is read straight from a revision. A *datasource* is anything computed on the way (tokens, a
diff). A *feature* is a number or truth value that a model may learn from. All are pure functions of
their inputs, named as ORES named them, and any can be replaced by an injected value; everything
downstream follows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Literal

from assay.revisions.types import Revision

FeatureValue = bool | int | float | None
"""What a feature may be; None when it is missing (the source does not tell)."""


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    """One vertex of the graph. Compared by identity: the same name may be bound to two lexicons.

    `compute` gets the values of `depends_on` in order. When one of them is a `Problem` or failed,
    this node is too; when one is UNKNOWN, so is this node, unless it `accepts_unknown` and wants to
    decide for itself.
    """

    name: str
    doc: str
    depends_on: tuple[Node, ...] = ()
    compute: Callable[..., Any] | None = None
    version: int = 1
    accepts_unknown: bool = False

    def __repr__(self) -> str:
        return f"<{self.name}>"


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Root(Node):
    """Read from the revision itself by `read`; `name` begins with ``datasource.``."""

    read: Callable[[Revision], Any] | None = None
    from_json: Callable[[Any], Any] | None = None


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Datasource(Node):
    """An intermediate value; `name` begins with ``datasource.``.

    `from_json` turns an injected JSON value into what dependents expect; it raises ValueError or
    TypeError with a clear message. None: it cannot be injected.
    """

    from_json: Callable[[Any], Any] | None = None


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Feature(Node):
    """A number or truth value for models; `name` begins with ``feature.``; `doc` tells unit and range."""

    type: Literal["bool", "int", "float"] = field(default="float")


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class Field(Feature):
    """A feature that is one field of its only input; the fields of one input are read together.

    `field`: its name, or a path with dots. `as_float`: a whole number is told as a float, as the legacy did.
    """

    field: str = ""
    as_float: bool = False

    def __post_init__(self) -> None:
        get = attrgetter(self.field)
        object.__setattr__(self, "compute", (lambda value: float(get(value))) if self.as_float else get)
