"""Query and form parameters as ORES read them: the query first, then the form body, the first value of each.
Only of lists, which ORES's clients join by bars and others repeat, are all values read.

Unknown parameters are ignored, because clients send many; an unknown *value* of a known one is refused,
because it is a wish that would not be granted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from assay.errors import BadInjection, BadParameter
from assay.revisions.record import MAX_ID
from assay.scoring.options import MAX_REVISIONS
from assay.scoring.request import Injection
from assay.serving.refusals import HttpError

MAX_FIELDS: Final = 1000
"""Parameters in one request: enough to inject every feature of a model singly."""

MAX_JSON_DEPTH: Final = 32
MAX_PART_HEAD_BYTES: Final = 4096
"""Headers of one part of a multipart form: a feature's name and a few words."""

NO_REVISION: Final = 0
"""MediaWiki's name for the parent of a page's first revision. Dashboards ask for the parents of all edits and
pass it on; ORES found no such revision, and scored the others."""

_LISTS: Final = ("revids", "models")
_REV_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_INJECTED: Final = ("feature.", "datasource.")
_PLAIN_FIELD: Final = re.compile(
    rb'content-disposition:[ \t]*form-data;[ \t]*name="([^"\r\n]+)"[ \t]*', re.IGNORECASE
)
_FLAGS: Final = {"": True, "1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class ScoreParameters:
    """What a client asked for, before wiki and models are looked up.

    `rev_ids`: unique, in order; `NO_REVISION` may be one. `models`: None when not given. `injection`: by
    revision id. `model_info`: dotted paths; empty when not given. `bulk`: ``precache`` was given.
    """

    rev_ids: tuple[int, ...] = ()
    models: tuple[str, ...] | None = None
    injection: Mapping[int, Injection] = field(default_factory=dict)
    model_info: tuple[str, ...] = ()
    features: bool = False
    explain: bool = False
    error_codes: bool = False
    compact: bool = False
    bulk: bool = False


async def read_fields(request: Request) -> dict[str, str]:
    """All parameters of the query string and, for POST, of the form body."""
    query = list(_pairs(request.scope["query_string"], "the query string"))
    form: list[tuple[str, str]] = []
    if request.method == "POST":
        form = list(_form(await request.body(), request.headers.get("content-type", "")))
    if (count := len(query) + len(form)) > MAX_FIELDS:
        raise BadParameter(f"{count} parameters; at most {MAX_FIELDS} are allowed: use 'inject'.")
    return {**_first(form), **_first(query)}


def _first(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The first value of each name; of a list all, as one list, but for the empty fields of forms."""
    told: dict[str, list[str]] = {}
    for name, value in pairs:
        told.setdefault(name, []).append(value)
    return {
        name: "|".join(filter(str.strip, values)) if name in _LISTS else values[0]
        for name, values in told.items()
    }


def known(fields: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Those of `fields` that a route reads: `names`, and single injected values."""
    return {name: value for name, value in fields.items() if name in names or name.startswith(_INJECTED)}


def parse(fields: Mapping[str, str], rev_id: str | None = None, model: str | None = None) -> ScoreParameters:
    """`rev_id` and `model`: from the path; they replace the parameters. Raises `BadParameter`."""
    rev_ids = _rev_ids("revid", [rev_id]) if rev_id is not None else ()
    if rev_id is None and "revids" in fields:
        rev_ids = _rev_ids("revids", _bar_split(fields["revids"]))
    models: tuple[str, ...] | None = (model,) if model is not None else None
    if model is None and "models" in fields:
        models = tuple(dict.fromkeys(_bar_split(fields["models"])))
    return ScoreParameters(
        rev_ids=rev_ids,
        models=models,
        injection=_injection(fields, rev_ids, is_single=rev_id is not None),
        model_info=tuple(fields["model_info"].split("|")) if "model_info" in fields else (),
        features=flag(fields, "features"),
        explain=flag(fields, "explain"),
        error_codes=flag(fields, "error_codes"),
        compact=_is_compact(fields),
        bulk=flag(fields, "precache"),
    )


def check_depth(value: Any, where: str) -> Any:
    """`value` itself. Raises `BadInjection` when lists and objects are nested too deep to be sensible."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return value
    raise BadInjection(f"Could not interpret {where}. It is nested deeper than {MAX_JSON_DEPTH} levels.")


# -- single parameters -------------------------------------------------------------------------------


def _bar_split(text: str) -> list[str]:
    """A list as clients write it, with blanks around the bars or not. ORES read ids so; what stands in a path
    names one thing, and is taken as it is."""
    return [part.strip() for part in text.split("|")]


def parse_rev_id(name: str, text: str, *, least: int = 1) -> int:
    """Raises `BadParameter` naming the parameter and what would be right. `least`: `NO_REVISION` where ORES's
    clients may give it."""
    number = int(text) if _REV_ID.fullmatch(text) else -1
    if not least <= number <= MAX_ID:
        raise BadParameter(
            f"Could not interpret {name}. {text[:40]!r} is not a revision id: "
            f"give a whole number from {least} to {MAX_ID}{', with | between several' * (name == 'revids')}."
        )
    return number


def parse_limit(text: str, most: int) -> int:
    """How many of a list. Raises `BadParameter`."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not 1 <= number <= most:
        raise BadParameter(f"Could not interpret limit. Give a whole number from 1 to {most}.")
    return number


def _rev_ids(name: str, texts: list[str]) -> tuple[int, ...]:
    unique = tuple(dict.fromkeys(parse_rev_id(name, text, least=NO_REVISION) for text in texts))
    if len(unique) > MAX_REVISIONS:
        raise BadParameter(f"Too many values for 'revids' parameter.  Max of {MAX_REVISIONS}.")
    return unique


def flag(fields: Mapping[str, str], name: str) -> bool:
    """Whether it is given and not as false. Raises `BadParameter`."""
    if name not in fields:
        return False
    value = _FLAGS.get(fields[name].lower())
    if value is None:
        raise BadParameter(f"Could not interpret {name}. Give it without a value, or as true or false.")
    return value


def _is_compact(fields: Mapping[str, str]) -> bool:
    if fields.get("format", "json") != "json":
        raise BadParameter("Could not interpret format. Only 'json' (short JSON) is known.")
    return "format" in fields


# -- injection ---------------------------------------------------------------------------------------


def _injection(
    fields: Mapping[str, str], rev_ids: tuple[int, ...], *, is_single: bool
) -> dict[int, Injection]:
    """`is_single`: the path names the one revision; ORES then took `inject` without it, too."""
    by_revision = _inject(fields["inject"], rev_ids, is_single=is_single) if "inject" in fields else {}
    for_all = {name: _json(value, name) for name, value in fields.items() if name.startswith(_INJECTED)}
    if for_all:
        return {rev_id: {**by_revision.get(rev_id, {}), **for_all} for rev_id in rev_ids}
    return by_revision


def _inject(text: str, rev_ids: tuple[int, ...], *, is_single: bool) -> dict[int, Injection]:
    document = _json(text, "inject")
    if is_single and isinstance(document, dict) and any(name.startswith(_INJECTED) for name in document):
        return {rev_ids[0]: document}
    if not isinstance(document, dict) or not all(isinstance(v, dict) for v in document.values()):
        raise BadInjection('Could not interpret inject. Give {"<revision id>": {"feature.x": 1, …}, …}.')
    injection = {
        parse_rev_id("inject", key.strip(), least=NO_REVISION): values for key, values in document.items()
    }
    if strangers := sorted(set(injection) - set(rev_ids)):
        raise BadInjection(f"inject names revision {strangers[0]}, which is not asked for: add it to revids.")
    return {rev_id: values for rev_id, values in injection.items() if values}


def _json(text: str, name: str) -> Any:
    try:
        return check_depth(orjson.loads(text), name)
    except orjson.JSONDecodeError as error:
        raise BadInjection(f"Could not interpret {name[:100]}. It is not JSON: {error}") from error


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        return iter(value.values())
    return iter(value if isinstance(value, list) else ())


# -- bodies ------------------------------------------------------------------------------------------


def _pairs(raw: bytes, where: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError as error:
        raise BadParameter(f"Could not interpret {where}. It is not percent-encoded UTF-8.") from error
    except ValueError as error:
        raise BadParameter(
            f"Could not interpret {where}. At most {MAX_FIELDS} fields are allowed."
        ) from error


def _form(body: bytes, content_type: str) -> list[tuple[str, str]]:
    if not body:
        return []
    header = Message()
    header["content-type"] = content_type or "application/x-www-form-urlencoded"
    kind = header.get_content_type()
    if kind == "application/x-www-form-urlencoded":
        return _pairs(body, "the form body")
    if kind == "multipart/form-data":
        return _multipart(body, header.get_boundary())
    raise HttpError(415, f"Send a form (application/x-www-form-urlencoded), not {kind}.")


def _multipart(body: bytes, boundary: str | None) -> list[tuple[str, str]]:
    """Plain fields of a multipart form, as ``curl -F`` sends it; files and nested forms are not for us.

    Cut by hand, in time that grows with the body only: `email.parser` descends into nested parts and takes
    seven seconds for 200 kB of them.
    """
    if not boundary or not boundary.isascii():
        raise BadParameter("Could not interpret the form body. Its Content-Type names no boundary.")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode(), MAX_FIELDS + 1)
    if not parts or not parts[-1].startswith(b"--"):
        raise BadParameter(
            f"Could not interpret the form body. It is cut short, or has more than {MAX_FIELDS} fields."
        )
    if len(parts) == 1:
        raise BadParameter("Could not interpret the form body. It has no fields.")
    return [_multipart_field(part) for part in parts[:-1]]


def _multipart_field(part: bytes) -> tuple[str, str]:
    end = part.find(b"\r\n\r\n", 0, MAX_PART_HEAD_BYTES)
    names = [
        match[1] for line in part[: max(end, 0)].split(b"\r\n") if (match := _PLAIN_FIELD.fullmatch(line))
    ]
    if len(names) != 1:
        raise BadParameter("Could not interpret the form body. A part has no name, or is no plain field.")
    try:
        return names[0].decode("utf-8"), part[end + 4 :].decode("utf-8")
    except UnicodeDecodeError as error:
        name = names[0][:100].decode("ascii", "replace")
        raise BadParameter(f"Could not interpret {name}. It is not UTF-8.") from error
