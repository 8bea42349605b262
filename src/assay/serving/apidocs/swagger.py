"""Swagger 2.0 documents out of our OpenAPI 3.1 document, so that routes and parameters are described once.

Only what our descriptions use is translated. Swagger 2.0 knows neither alternatives nor null: alternatives
become an object whose description names them, a null becomes ``x-nullable``. ``host`` and ``schemes`` stay
out: they are then those that the document was fetched from, also behind proxies, and no header of a client
is repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_COMPONENTS: Final = "#/components/schemas/"
_DEFINITIONS: Final = "#/definitions/"
_PARAMETER_KEYS: Final = ("name", "in", "description", "required", "allowEmptyValue")
_SCHEMA_KEYS: Final = (
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "items",
)

Document = Mapping[str, Any]


def swagger(document: Document, prefixes: Sequence[str], title: str, version: str) -> dict[str, Any]:
    """The part of an OpenAPI 3.1 `document` whose paths begin with one of `prefixes`."""
    paths = {
        path: {method: _operation(operation) for method, operation in operations.items()}
        for path, operations in document["paths"].items()
        if path.startswith(tuple(prefixes))
    }
    return {
        "swagger": "2.0",
        "info": {"title": title, "version": version, "description": document["info"]["description"]},
        "basePath": "/",
        "consumes": [_FORM],
        "produces": [_JSON],
        "paths": paths,
        "definitions": _definitions(document["components"]["schemas"], paths),
    }


def _operation(operation: Document) -> dict[str, Any]:
    told: dict[str, Any] = {name: operation[name] for name in ("summary", "operationId", "tags")}
    parameters = [_parameter(parameter) for parameter in operation.get("parameters", ())]
    body = operation.get("requestBody", {}).get("content", {})
    if _FORM in body:
        parameters.extend(_form_fields(body[_FORM]["schema"]))
    elif _JSON in body:
        told["consumes"] = [_JSON]
        parameters.append({"name": "body", "in": "body", "schema": _schema(body[_JSON]["schema"])})
    told["parameters"] = parameters
    told["responses"] = {status: _response(response) for status, response in operation["responses"].items()}
    return told


def _parameter(parameter: Document) -> dict[str, Any]:
    kept = {key: parameter[key] for key in _PARAMETER_KEYS if key in parameter}
    return kept | _schema(parameter["schema"])


def _form_fields(schema: Document) -> Iterator[dict[str, Any]]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        told = {"name": name, "in": "formData", "required": name in required}
        if "description" in field:
            told["description"] = field["description"]
        if "" in field.get("enum", ()):
            told["allowEmptyValue"] = True
        yield told | {key: value for key, value in _schema(field).items() if key in _SCHEMA_KEYS}


def _response(response: Document) -> dict[str, Any]:
    told: dict[str, Any] = {"description": response["description"]}
    content = response.get("content", {})
    return told | ({"schema": _schema(content[_JSON]["schema"])} if _JSON in content else {})


def _schema(schema: Any) -> dict[str, Any]:
    """A schema as Swagger 2.0 writes it; references lead to ``definitions``."""
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace(_COMPONENTS, _DEFINITIONS)}
    told = {key: _value(key, value) for key, value in schema.items() if key not in ("anyOf", "type")}
    return told | _type(schema.get("type")) | _alternatives(schema.get("anyOf", ()))


def _value(key: str, value: Any) -> Any:
    if key == "properties":
        return {name: _schema(field) for name, field in value.items()}
    nested = key in ("items", "additionalProperties") and isinstance(value, Mapping)
    return _schema(value) if nested else value


def _type(kind: Any) -> dict[str, Any]:
    """Of several types none is told, for one would be wrong."""
    kinds = [kind] if isinstance(kind, str) else list(kind or ())
    real = [name for name in kinds if name != "null"]
    told: dict[str, Any] = {"type": real[0]} if len(real) == 1 else {}
    return told | ({"x-nullable": True} if "null" in kinds else {})


def _alternatives(schemas: Sequence[Document]) -> dict[str, Any]:
    if not schemas:
        return {}
    names = [schema["$ref"].removeprefix(_COMPONENTS) for schema in schemas if "$ref" in schema]
    told: dict[str, Any] = {"description": f"One of: {', '.join(names)}."} if names else {}
    return {"type": "object", **told, "x-any-of": [_schema(schema) for schema in schemas]}


def _definitions(schemas: Document, paths: Document) -> dict[str, Any]:
    """Those that `paths` refer to, and those that they refer to."""
    found: dict[str, Any] = {}
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _schema(schemas[name])
            waiting.extend(_references(found[name]))
    return {name: found[name] for name in sorted(found)}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(_DEFINITIONS)
        value = value.values()
    if not isinstance(value, str | int | float | None):
        for item in value:
            yield from _references(item)
