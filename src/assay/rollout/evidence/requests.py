"""One table of all requests that Assay answers: the synthetic suite of a rollout asks them of both arms.

A test proves that every route of the application's OpenAPI document stands in it, and that each status is
right. The table may know more routes than an arm: what the stable release
does not have yet is not asked, for there is nothing to compare it with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from assay.rollout.evidence.asker import ARMS_VERSION, Ask
from assay.rollout.evidence.cells import tensor_id
from assay.scoring.synthetic import TEST_WIKI

TOO_MANY_REVISIONS: Final = 51
FEED_EDITS: Final = 5
"""Enough that two arms, which look at the wiki at different moments, tell some of the same edits."""
_UNKNOWN: Final = "no_such_thing"


@dataclass(frozen=True, slots=True)
class Ground:
    """What there is to ask for: models by wiki, and some revisions of each. `labels`: of each (wiki, model),
    as JSON's keys have them; `features`: their names. `fresh`: a revision of the test wiki that nobody can
    have asked for. `routes`: methods and paths of the stable arm's OpenAPI document; None: not known, all are
    asked."""

    models: Mapping[str, Sequence[str]]
    revisions: Mapping[str, Sequence[int]] = field(default_factory=dict)
    labels: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    features: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    fresh: int = 0
    routes: frozenset[str] | None = None

    def rev_id(self, wiki: str) -> int:
        """A revision of the wiki: a fresh one of the test wiki, a recent one of others; 1, which is most
        likely missing, where none is known: an error's shape is worth asking for, too."""
        if wiki == TEST_WIKI and self.fresh:
            return self.fresh
        return next(iter(self.revisions.get(wiki, ())), 1)


@dataclass(frozen=True, slots=True)
class Case:
    """`route`: the method and path of OpenAPI's document that it asks. `status`: what Assay answers.
    `is_cacheable`: whether the second answer comes from the cache."""

    route: str
    ask: Ask
    status: int = 200
    is_cacheable: bool = False


def cases(ground: Ground) -> list[Case]:
    """All of them: each route and shape once, each model of each wiki, and bad inputs; of those that the
    ground knows."""
    return [case for case in _all(ground) if ground.routes is None or case.route in ground.routes]


def _all(ground: Ground) -> list[Case]:
    found = [*_everywhere(), *_events()]
    for wiki, models in ground.models.items():
        found += _of_wiki(wiki, models, ground)
        for model in models:
            found += _of_model(wiki, model, ground)
    some_wiki = next(iter(ground.models), _UNKNOWN)
    return [*found, *_bad(some_wiki, ground.rev_id(some_wiki))]


# -- parts -------------------------------------------------------------------------------------------

_ALL: Final = "/v3/scores/"
_WIKI: Final = "/v3/scores/{wiki}/"
_REVISION: Final = "/v3/scores/{wiki}/{rev_id}/"
_CELL: Final = "/v3/scores/{wiki}/{rev_id}/{model}/"
_EDIT: Final = "/api/{wiki}/revisions/{rev_id}"
_VERSIONED: Final = "/v2/models/{name}/versions/{version}"
_OLDER: Final = ("/scores/", "/v1/scores/", "/v2/scores/")
"""Of ORES's first two APIs, which put the model before the revision."""


def _get(path: str, query: str = "", *, status: int = 200, is_cacheable: bool = False, **parts: Any) -> Case:
    return Case(f"GET {path}", Ask(_filled(path, parts) + query), status, is_cacheable)


def _post(
    path: str, *, form: str | None = None, json: str | None = None, status: int = 200, **parts: Any
) -> Case:
    return Case(f"POST {path}", Ask(_filled(path, parts), "POST", form, json), status)


def _filled(path: str, parts: Mapping[str, Any]) -> str:
    return path.format(**{name: quote(str(value), safe="") for name, value in parts.items()})


def _everywhere() -> Iterator[Case]:
    for path in ("/livez", "/readyz", "/metrics", "/api/wikis", _ALL):
        yield _get(path)
    yield _get(_ALL, "?model_info=")
    yield _get(_ALL, "?format=json")
    yield _post(_ALL, form="model_info=version")
    for root in _OLDER:
        yield _get(root)
        yield _post(root, form="format=json")
    for path in ("/versions/", "/v1/models", "/v2", "/v2/health/live", "/v2/health/ready"):
        yield _get(path, "?format=json" if path == "/versions/" else "")


def _events() -> Iterator[Case]:
    """One that no rule is for, and none at all: which events are wanted differs from wiki to wiki."""
    meta = {"stream": "mediawiki.revision-create"}
    unwanted = json.dumps({"meta": meta, "database": _UNKNOWN, "rev_id": 1})
    query, form = f"?event={quote(unwanted)}", f"event={quote(unwanted)}"
    yield _post("/v3/precache/", json=unwanted, status=204)
    yield _post("/v3/precache/", json="{}", status=400)
    yield _get("/v2/precache/", query, status=204)
    yield _get("/v2/precache/", status=400)
    yield _post("/v2/precache/", form=form, status=204)


def _wanted_event(wiki: str, rev_id: int) -> Iterator[Case]:
    """One that all usual rules are for: a person's edit of an article. It tells of a revision that is asked
    for anyway, so that neither the wiki nor its cached scores are any different afterwards; of the test wiki,
    of one that has to be computed. 204 where the wiki has no such rule."""
    event = json.dumps(
        {
            "$schema": "/mediawiki/revision/create/2.0.0",
            "meta": {"stream": "mediawiki.revision-create", "domain": "wiki.invalid"},
            "database": wiki,
            "rev_id": rev_id,
            "rev_parent_id": 1,
            "page_namespace": 0,
            "performer": {"user_text": "Nobody", "user_id": 1, "user_is_bot": False},
        }
    )
    yield _post("/v3/precache/", json=event)
    yield _get("/v2/precache/", f"?event={quote(event)}")
    yield _post("/v2/precache/", form=f"event={quote(event)}")


def _of_wiki(wiki: str, models: Sequence[str], ground: Ground) -> Iterator[Case]:
    rev_id = ground.rev_id(wiki)
    revids = quote("|".join(map(str, dict.fromkeys([*ground.revisions.get(wiki, ()), rev_id]))), safe="")
    names = quote("|".join(models), safe="")
    yield _get(_WIKI, wiki=wiki)
    yield _get(_WIKI, "?model_info=", wiki=wiki)
    yield _get(_WIKI, f"?revids={revids}", is_cacheable=True, wiki=wiki)
    yield _get(_WIKI, f"?models={names}&revids={revids}&precache", wiki=wiki)
    yield _post(_WIKI, form=f"models={names}&revids={revids}&features", wiki=wiki)
    yield _get(_REVISION, is_cacheable=True, wiki=wiki, rev_id=rev_id)
    yield _post(_REVISION, form=f"models={names}", wiki=wiki, rev_id=rev_id)
    yield _get("/api/{wiki}/recent", "?limit=3", wiki=wiki)
    yield _get("/api/{wiki}/feed", f"?limit={FEED_EDITS}", wiki=wiki)
    yield _get(_EDIT, wiki=wiki, rev_id=rev_id)
    yield _post(_EDIT, json="{}", wiki=wiki, rev_id=rev_id)
    for root in _OLDER:
        yield _get(f"{root}{{wiki}}/", wiki=wiki)
        yield _get(f"{root}{{wiki}}/", f"?models={names}&revids={revids}", wiki=wiki)
        yield _post(f"{root}{{wiki}}/", form=f"models={names}&revids={revids}", wiki=wiki)
    yield from _wanted_event(wiki, rev_id)
    lines = {"revisions": [rev_id], "features": True, "order": "asked"}
    yield _post("/api/{wiki}/scores", json=json.dumps(lines), wiki=wiki)
    if wiki != TEST_WIKI:  # which has nothing to say of a text
        unsaved = {"text": "It is ''good''.", "title": "Bread"}
        yield _post("/api/{wiki}/text", json=json.dumps(unsaved), wiki=wiki)


def _of_model(wiki: str, model: str, ground: Ground) -> Iterator[Case]:
    at: dict[str, Any] = {"wiki": wiki, "rev_id": ground.rev_id(wiki), "model": model}
    yield _get(_CELL, is_cacheable=True, **at)
    yield _get(_CELL, "?features&explain", **at)
    yield _get(_CELL, "?model_info=", **at)
    yield _post(_CELL, form="explain", **at)
    for root in _OLDER:
        yield _get(f"{root}{{wiki}}/{{model}}/", f"?revids={at['rev_id']}", wiki=wiki, model=model)
        yield _post(f"{root}{{wiki}}/{{model}}/", form=f"revids={at['rev_id']}", wiki=wiki, model=model)
        yield _get(f"{root}{{wiki}}/{{model}}/{{rev_id}}/", **at)
        yield _post(f"{root}{{wiki}}/{{model}}/{{rev_id}}/", form="format=json", **at)
    yield _get("/v2/scores/{wiki}/{model}/{rev_id}/", "?features&model_info", **at)
    yield from _of_named_model(f"{wiki}-{model}", at["rev_id"], tensor_id(wiki, model, at["rev_id"]))
    yield _get("/api/{wiki}/models/{model}", wiki=wiki, model=model)
    status = 200 if (wiki, model) in ground.labels else 404  # nothing was measured of it
    yield _get("/api/{wiki}/models/{model}/thresholds", status=status, wiki=wiki, model=model)
    of_model = f"?models={quote(model, safe='')}&model_info="
    for label in ground.labels.get((wiki, model), ()):
        for condition in (
            "'maximum recall @ precision >= 0.5'",
            "'maximum filter_rate @ recall >= 0.999999'",
        ):
            path = f"statistics.thresholds.{label}.{condition}"
            yield _get(_WIKI, of_model + quote(path, safe=""), wiki=wiki)
    for name in list(ground.features.get((wiki, model), ()))[:1]:
        yield _get(_CELL, f"?{quote(name, safe='')}=1&features", **at)
        inject = json.dumps({str(at["rev_id"]): {name: 1}})
        yield _get(_CELL, "?" + urlencode({"inject": inject, "features": ""}), **at)
        body = json.dumps({"models": [model], "injection": {name: 1}})
        yield _post(_EDIT, json=body, wiki=wiki, rev_id=at["rev_id"])


def _of_named_model(name: str, rev_id: int, request_id: str) -> Iterator[Case]:
    """As Lift Wing and the Open Inference Protocol name a model; by the protocol with and without the version
    that the arm itself tells."""
    body = json.dumps({"rev_id": rev_id})
    tensor = {"name": "rev_id", "datatype": "INT64", "shape": [1], "data": [rev_id]}
    inference = json.dumps({"id": request_id, "inputs": [tensor]})
    yield _get("/v1/models/{name}", name=name)
    yield _post("/v1/models/{name}:predict", json=body, name=name)
    yield _post("/v1/models/{name}:explain", json=body, name=name)
    yield from _of_tensors("/v2/models/{name}", inference, name=name)
    for case in _of_tensors(_VERSIONED, inference, name=name, version=ARMS_VERSION):
        yield replace(case, ask=replace(case.ask, version_of=name))


def _of_tensors(root: str, inference: str, **named: Any) -> Iterator[Case]:
    yield _get(root, **named)
    yield _get(f"{root}/ready", **named)
    yield _post(f"{root}/infer", json=inference, **named)


def _bad(wiki: str, rev_id: int) -> Iterator[Case]:
    """What a client does wrong, and what it is told."""
    at: dict[str, Any] = {"wiki": wiki, "rev_id": rev_id}
    many = "|".join(map(str, range(1, TOO_MANY_REVISIONS + 1)))
    yield _get(_WIKI, status=404, wiki=_UNKNOWN)
    yield _get(_REVISION, status=404, wiki=_UNKNOWN, rev_id=1)
    yield _get(_CELL, status=404, model=_UNKNOWN, **at)
    yield _get(_EDIT, status=404, wiki=_UNKNOWN, rev_id=1)
    yield _get(_REVISION, f"?models={_UNKNOWN}", status=404, **at)
    yield _get(_REVISION, "?features=maybe", status=400, **at)
    yield _get(_REVISION, "?format=xml", status=400, **at)
    yield _get(_REVISION, "?model_info=statistics.nothing", status=400, **at)
    yield _get(_REVISION, "?feature.no_such_feature=1", status=400, **at)
    yield _get(_REVISION, "?inject=%7B", status=400, **at)
    yield _get(_REVISION, status=400, wiki=wiki, rev_id="zero")
    yield _get(_EDIT, status=400, wiki=wiki, rev_id="zero")
    yield _get(_WIKI, f"?revids={quote(many, safe='')}", status=400, wiki=wiki)
    yield _get("/api/{wiki}/recent", "?limit=0", status=400, wiki=wiki)
    yield _get("/api/{wiki}/feed", "?limit=0", status=400, wiki=wiki)
    yield _post(_EDIT, json="[", status=400, **at)
    yield _get("/v2/models/{name}", status=404, name=_UNKNOWN)
    yield Case(f"POST {_ALL}", Ask(_ALL, "POST", form="{}", content_type="text/plain"), 415)
    yield Case(f"GET {_ALL}", Ask(_ALL, "DELETE"), 405)
    yield Case(f"GET {_ALL}", Ask("/no/such/path"), 404)
