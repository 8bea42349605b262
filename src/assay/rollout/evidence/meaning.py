"""What the parts of Assay's documents mean, by route and place: where two arms may differ. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

Path = tuple[str, ...]
Route = Literal["v3", "v2", "v1", "api", "lines", "recent", "feed", "inference", "versions", ""]


@dataclass(frozen=True, slots=True)
class Declared:
    """(wiki, model) whose model is another one in the candidate, as its release declares; ``*`` is any.

    Its version, features and statistics may differ; the shape of its scores may not.
    """

    models: Collection[tuple[str, str]] = ()

    def __contains__(self, asked: tuple[str, str]) -> bool:
        return any(wiki in ("*", asked[0]) and model in ("*", asked[1]) for wiki, model in self.models)


class Meaning:
    """What may differ at a place of a document."""

    def __init__(self, target: str, declared: Declared) -> None:
        self.route = route_of(target)
        parts = path_parts(target)
        self._wiki = _wiki_of(self.route, parts)
        told = _told_model(parts)
        self._is_of_declared = told is not None and told in declared
        self._depth = 1 if self.route == "v1" and of_v1(parts)[1] else 2
        self._declared = declared

    def is_free(self, where: Path) -> bool:
        """Whether nothing here is compared: it is of a model that is declared to be another one."""
        match self.route, where:
            case "v3", (wiki, "models", model, _, *_):
                return (wiki, model) in self._declared
            case "v2", ("scores", wiki, model, "version" | "info", *_):
                return (wiki, model) in self._declared
            case "v2", ("scores", wiki, model, "features", _, _, *_):
                return (wiki, model) in self._declared
            case "v1", ("models", model, _, *_):
                return (self._wiki, model) in self._declared
            case "lines", (_, "models", model, _, *_):
                return (self._wiki, model) in self._declared
            case "lines", (_, "scores", model, "features" | "explanation", _, *_):
                return (self._wiki, model) in self._declared
            case "", (_, *_) if self._is_of_declared:
                return True
            case "v3", (wiki, "scores", _, model, "features" | "explanation", _, *_):
                return (wiki, model) in self._declared
            case "api", ("scores", model, "features" | "explanation", _, *_):
                return (self._wiki, model) in self._declared
            case "", ("wikis", _, "models", _, "version" | "digest" | "features", *_):
                return bool(self._declared.models)  # which wiki and model, ``/v3/scores/`` tells
        return False

    def is_cell(self, where: Path) -> bool:
        """Whether a score or an error stands here."""
        match self.route, where:
            case "v3", (_, "scores", _, _):
                return True
            case "api", ("scores", _):
                return True
            case "v2", ("scores", _, _, "scores", _):
                return True
            case "lines", (_, "scores", _):
                return True
            case "feed", ("edits", _, "scores", _):
                return True
        return self._is_bare_cell(where)

    def _is_bare_cell(self, where: Path) -> bool:
        """By revision, then by model unless the path names one."""
        return self.route == "v1" and len(where) == self._depth and where[0].isdecimal()

    def values_count(self, where: Path) -> bool:
        """Whether a value here must be the same, not only of the same type."""
        match self.route, where:
            case _, (*_, "message"):
                return False
            case "feed", ("is_complete",) | ("edits", _, "scores", _, *_):
                return False
            case "inference", ("versions" | "model_version", *_):
                return False  # each arm has its own
            case "inference", ("outputs", "0" | "1" | "2", "data", *_):
                return False  # probability, prediction, error: of the cell
            case "recent", ("revisions", *_):
                return False  # the world goes on between two questions
            case "versions", _:
                return False
            case "v1", _ if self._is_bare_cell(where[: self._depth]):
                return False
            case "v2", ("scores", _, _, "scores", _, *_):
                return False
            case "lines", (_, "scores", _, part, *_):
                return part == "features"
            case "v3", (_, "scores", _, _, part, *_):
                return part == "features"
            case "api", ("scores", _, "features", _, "contributions", *_):
                return False
            case "api", ("scores", _, part, *_):
                return part == "features"
        return True

    def item_key(self, where: Path) -> str:
        """By what the items of a list are told apart: of a feed, since an edit that one arm alone tells came
        between the two looks at the wiki. Empty: by their places."""
        return "id" if (self.route, where) == ("feed", ("edits",)) else ""

    def is_feature(self, where: Path) -> bool:
        """A feature's value: null is one, and 0 is 0.0."""
        match self.route, where:
            case "v3", (_, "scores", _, _, "features", _):
                return True
            case "api", ("scores", _, "features", _, "value"):
                return True
            case "v2", ("scores", _, _, "features", _, _):
                return True
            case "lines", (_, "scores", _, "features", _):
                return True
        return False


def route_of(target: str) -> Route:
    """Which kind of document a target's answer is: ORES's three (the third is Lift Wing's, too), one edit,
    many lines or the latest edits of ``/api/`` (their ids, or the feed), the Open Inference Protocol's, one
    that tells versions, or another."""
    match path_parts(target):
        case ["v3", "scores", *_] | ["v3", "precache"]:
            return "v3"
        case ["v1", "models", name] if name.endswith((":predict", ":explain")):
            return "v3"
        case ["v2", "scores", *_] | ["v2", "precache"]:
            return "v2"
        case ["scores", *_] | ["v1", "scores", *_]:
            return "v1"
        case ["v2", "models", *_]:
            return "inference"
        case ["api", _, "recent"]:
            return "recent"
        case ["api", _, "feed"]:
            return "feed"
        case ["api", _, "scores"]:
            return "lines"
        case ["api", _, "revisions", _] | ["api", _, "text"]:
            return "api"
        case ["versions"] | ["v2"]:
            return "versions"
    return ""


def _wiki_of(route: Route, parts: Sequence[str]) -> str:
    """Where the path names it; empty where the document does."""
    if route in ("api", "lines"):
        return parts[1]
    return of_v1(parts)[0] if route == "v1" else ""


def _told_model(parts: Sequence[str]) -> tuple[str, str] | None:
    """Wiki and model of a path under ``/api/`` that tells of one model; None for any other path."""
    match parts:
        case ["api", wiki, "models", model, *_]:
            return wiki, model
    return None


def of_v1(parts: Sequence[str]) -> tuple[str, str]:
    """Wiki and model of a path of the first API; empty where it has none."""
    wiki, model, *_ = (*parts[parts.index("scores") + 1 :], "", "")
    return wiki, model


def path_parts(target: str) -> list[str]:
    return [unquote(part) for part in target.partition("?")[0].strip("/").split("/")]
