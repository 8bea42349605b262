"""What a client may put in the place of a node's value: JSON, checked and converted.

The converters raise ValueError with what a value must be; whoever names the value adds which one it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from assay.errors import BadInjection
from assay.features.graph.node import Datasource, Feature, FeatureValue, Node, Root
from assay.revisions.types import UNKNOWN, Unknown

MAX_FAULTS: Final = 10
MAX_NAME_CHARS: Final = 100
"""Of wrong injected values and of an unknown name, in one message: a client may send a hundred thousand."""

_T = TypeVar("_T")


def decode_injection(nodes: Iterable[Node], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Check and convert a client's injected JSON values against the nodes that they name.

    Raises `BadInjection` naming what is wrong, up to `MAX_FAULTS` of it: an unknown name, with one that may
    be meant, a wrong type, a node that cannot be injected.
    """
    by_name = {node.name: node for node in nodes}
    decoded: dict[str, Any] = {}
    faults: list[str] = []
    for name, value in raw.items():
        node = by_name.get(name)
        if node is None:
            faults.append(_unknown(name, by_name) if len(faults) < MAX_FAULTS else "")
            continue
        try:
            decoded[name] = _decode(node, value)
        except (ValueError, TypeError) as error:
            faults.append(f"{name}: {error}")
    if faults:
        more = f"; and {len(faults) - MAX_FAULTS} more" if len(faults) > MAX_FAULTS else ""
        raise BadInjection("; ".join(faults[:MAX_FAULTS]) + more)
    return decoded


def _unknown(name: str, known: Iterable[str]) -> str:
    told = name[:MAX_NAME_CHARS]
    meant = get_close_matches(told, known, n=1, cutoff=0.8)
    return f"{told}: no such feature or datasource" + (f"; is {meant[0]} meant?" if meant else "")


def _decode(node: Node, value: Any) -> Any:
    if isinstance(node, Feature):
        return _decode_feature(node, value)
    if isinstance(node, Root | Datasource) and node.from_json is not None:
        return node.from_json(value)
    raise ValueError("cannot be injected")


def _decode_feature(feature: Feature, value: Any) -> FeatureValue | Unknown:
    if value is None:
        return UNKNOWN
    if feature.type == "bool":
        if not isinstance(value, bool):
            raise ValueError("must be true or false")
        return value
    return number(value)


# -- converters --------------------------------------------------------------------------------------


def optional(convert: Callable[[Any], _T]) -> Callable[[Any], _T | None]:
    """As `convert`, or null."""
    return lambda value: None if value is None else convert(value)


def string(value: Any) -> str:
    """What is no Unicode in it is replaced."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value.encode("utf-8", "replace").decode("utf-8")


def strings(value: Any) -> list[str]:
    """As they are."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of strings")
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a number")
    if not abs(value) < 1e18:
        raise ValueError("must be a finite number below 1e18")
    return value


def integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 2**63:
        raise ValueError("must be a whole number below 2^63")
    return value


def timestamp(value: Any) -> datetime:
    """ISO 8601, as MediaWiki writes it; without a zone it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(string(value))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter before the year 1 or after 9999, in UTC
        raise ValueError("must be a time such as 2016-08-01T12:00:00Z") from None


def groups(value: Any) -> frozenset[str]:
    if not isinstance(value, list):
        raise ValueError("must be a list of group names")
    return frozenset(string(group) for group in value)
