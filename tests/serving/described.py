"""Answers held against the OpenAPI document as if it were closed: what it does not name must not come.

JSON Schema lets an answer hold more than is described, so that a field could be forgotten there without any
check of conformance noticing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from servers.asgi import Served
from small_app import ask

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


@dataclass
class Described:
    """An OpenAPI document. `seen`: ``Schema.field.field`` of all that has come so far."""

    document: Mapping[str, Any]
    seen: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, served: Served) -> Described:
        return cls(ask(served, "/openapi.json").json)

    def hold(self, method: str, path: str, answer: Any) -> None:
        """`path`: as it stands in the document. The answer is a good one, and all of it described."""
        content = self.document["paths"][path][method.lower()]["responses"]["200"]["content"]
        self.hold_schema(content["application/json"]["schema"], answer)

    def hold_schema(self, schema: Mapping[str, Any], answer: Any) -> None:
        faults, seen = self._look(schema, answer, "")
        assert not faults, faults
        self.seen |= seen

    def fields(self, *schemas: str) -> set[str]:
        """All that these and what they are made of name."""
        return {name for schema in schemas for name in self._fields(_ref(schema), "", set())}

    def _resolved(self, schema: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], str]:
        if "$ref" not in schema:
            return schema, where
        name = schema["$ref"].rpartition("/")[2]
        return self.document["components"]["schemas"][name], name

    def _look(self, schema: Mapping[str, Any], value: Any, where: str) -> tuple[list[str], set[str]]:
        """What is wrong with the value, and the fields that it has."""
        schema, where = self._resolved(schema, where)
        if "anyOf" in schema:
            looked = [self._look(branch, value, where) for branch in schema["anyOf"]]
            return min(looked, key=lambda found: len(found[0]))
        faults = _own_faults(schema, value, where) if schema else [f"{where} is described as anything"]
        seen: set[str] = set()
        for name, child in [] if faults or _is_free(schema) else _children(value):
            described = _child_schema(schema, name)
            is_field = name in schema.get("properties", {})
            if described is None:
                faults.append(f"{where}.{name} is not described")
                continue
            more, below = self._look(described, child, f"{where}.{name}" if is_field else where)
            faults += more
            seen |= below | ({f"{where}.{name}"} if is_field else set())
        return faults, seen

    def _fields(self, schema: Mapping[str, Any], where: str, above: set[str]) -> Iterator[str]:
        schema, name = self._resolved(schema, where)
        if name in above:
            return
        for branch in schema.get("anyOf", ()):
            yield from self._fields(branch, name, above | {name} if name != where else above)
        for key, child in schema.get("properties", {}).items():
            yield f"{name}.{key}"
            yield from self._fields(child, f"{name}.{key}", above | {name})
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                yield from self._fields(schema[key], name, above)


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _own_faults(schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
    named = schema.get("type", [])
    kinds = [named] if isinstance(named, str) else named
    is_kind = not kinds or any(_is(value, kind) for kind in kinds)
    if not is_kind or ("const" in schema and value != schema["const"]):
        return [f"{where} is {value!r:.80}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value!r:.80}, none of {schema['enum']}"]
    if isinstance(value, dict):
        return [f"{where} has no {name}" for name in schema.get("required", ()) if name not in value]
    if isinstance(value, list) and not schema.get("minItems", 0) <= len(value) <= schema.get(
        "maxItems", 10**9
    ):
        return [f"{where} has {len(value)} items"]
    return []


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _children(value: Any) -> list[tuple[str, Any]]:
    """By name; items of a list have none."""
    if isinstance(value, dict):
        return list(value.items())
    return [("", child) for child in value] if isinstance(value, list) else []


def _child_schema(schema: Mapping[str, Any], name: str) -> Any:
    """None: nothing is said of it."""
    if name == "" and "items" in schema:
        return schema["items"]
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    if isinstance(schema.get("additionalProperties"), dict):
        return schema["additionalProperties"]
    return None


def _is_free(schema: Mapping[str, Any]) -> bool:
    """Whether it is an object that may hold anything, as of none of its fields is said a word."""
    return schema.get("type") == "object" and not {"properties", "additionalProperties"} & set(schema)
