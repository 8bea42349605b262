"""A running web process, asked over HTTP as clients do: routes, guard, fetching, engine, serialisation.

Every answer must say by ``X-Assay-Release`` that it is this release's. What is asked can have been computed
by nobody before: an id that no cache knows, or a text that was made up just now.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson

from assay.errors import ConfigurationError, reason_of
from assay.models.recipe import label_name
from assay.preflight.check import Check, Failed, Group, Outcome, Passed
from assay.scoring.request import Job, Scored
from assay.scoring.score import PlanCache, compute
from assay.scoring.synthetic import TEST_WIKI, synthetic_revision
from assay.scoring.wikis import ModelSets
from assay.serving.guard import RELEASE_HEADER

_MAX_BYTES: Final = 8 * 1024 * 1024
_TEXT: Final = "datasource.revision.text"
ADVICE: Final = "see that a web process of this release listens there, and read its log"


class _Wrong(Exception):
    """An answer that must not be. `todo`: what to do."""

    def __init__(self, said: str, todo: str = ADVICE) -> None:
        super().__init__(said)
        self.todo = todo


@dataclass(frozen=True)
class Web:
    """One web process at `url`. `wikis`: all that it must serve; `sets`: a wiki for each set of models."""

    url: str
    release: str
    models: ModelSets
    wikis: tuple[str, ...]
    sets: tuple[str, ...]
    limit_s: float

    def group(self) -> Group:
        plain: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("release", self.names_release),
            ("ready", self.is_ready),
            ("wikis", self.serves_wikis),
        )
        checks = [self._check(name, self.url, run) for name, run in plain]
        for wiki in self.sets:
            run = self.scores_made_up if wiki == TEST_WIKI else lambda wiki=wiki: self.scores_real(wiki)  # type: ignore[misc]
            checks.append(self._check("scores", f"{wiki} at {self.url}", run))
        return Group("web", checks, ADVICE)

    def _check(self, name: str, subject: str, ask: Callable[[], Any]) -> Check:
        async def run() -> Outcome:
            try:
                return Passed(await ask())
            except _Wrong as error:
                return Failed(str(error), error.todo)
            except (aiohttp.ClientError, OSError) as error:
                return Failed(f"no answer: {reason_of(error)}", ADVICE)

        return Check(name, subject, run, ADVICE, self.limit_s)

    # -- questions -----------------------------------------------------------------------------------

    async def names_release(self) -> str:
        await self._get("/livez")
        return f"answers as release {self.release}"

    async def is_ready(self) -> str:
        document = await self._get("/readyz", statuses=(200, 503))
        if document.get("ready") is not True:
            bad = {name: said for name, said in document.get("checks", {}).items() if said != "ok"}
            raise _Wrong("; ".join(f"{name}: {said}" for name, said in bad.items()) or "it is not ready")
        return f"ready by {len(document.get('checks', {}))} checks of its own"

    async def serves_wikis(self) -> str:
        """The same wikis, with the same models by name and version, as this configuration says."""
        document = await self._get("/v3/scores/")
        served = {
            wiki: {name: model.get("version") for name, model in told["models"].items()}
            for wiki, told in document.items()
        }
        own = {
            wiki: {name: model.version for name, model in self.models.of(wiki).items()} for wiki in self.wikis
        }
        if wrong := sorted(wiki for wiki in {*served, *own} if served.get(wiki) != own.get(wiki)):
            raise _Wrong(
                f"it serves other models than this configuration says, of: {', '.join(wrong)}",
                "restart it with this configuration and these bundles",
            )
        return f"{len(served)} wikis with the models of this configuration"

    async def scores_made_up(self) -> str:
        """`testwiki` scores any id; its model's score depends on the id's last digits."""
        rev_id, own = nonce_id(), self.models.of(TEST_WIKI)
        document = await self._get(f"/v3/scores/{TEST_WIKI}/{rev_id}/")
        cells = _cells(document, TEST_WIKI, rev_id, set(own))
        expected = compute(Job(TEST_WIKI, tuple(own), synthetic_revision(rev_id)), own, PlanCache()).cells
        for name, cell in expected.items():
            if isinstance(cell, Scored) and "revid" in own:
                told = {label_name(label): p for label, p in cell.score.probability.items()}
                if cells[name]["score"]["probability"] != told:
                    raise _Wrong(f"{name} of revision {rev_id} has another score than it must have")
        return f"revision {rev_id}, which no cache knows, was scored"

    async def scores_real(self, wiki: str) -> str:
        """A real revision with a text made up just now, so that the wiki is asked and no cache can answer."""
        recent = await self._get(f"/api/{wiki}/recent?limit=1")
        if not (ids := recent.get("revisions")):
            raise _Wrong("the wiki names no recent revision to ask for", "let it hold one page at least")
        text = orjson.dumps(f"A text of preflight, {secrets.token_hex(8)}.").decode()
        document = await self._get(f"/v3/scores/{wiki}/{ids[0]}/", {"features": "", _TEXT: text})
        cells = _cells(document, wiki, ids[0], set(self.models.of(wiki)))
        return f"{len(cells)} models scored revision {ids[0]} with a text that no cache knows"

    async def _get(
        self, path: str, query: Mapping[str, str] | None = None, statuses: tuple[int, ...] = (200,)
    ) -> dict[str, Any]:
        """The answer's document, once it is known whose it is."""
        limit = aiohttp.ClientTimeout(total=self.limit_s)
        async with (
            aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(self.url + path, params=query, allow_redirects=False) as response,
        ):
            self._check_release(response.headers.get(RELEASE_HEADER))
            body = await _whole(response)
        if response.status not in statuses:
            raise _Wrong(f"GET {path}: status {response.status}: {body[:300].decode('utf-8', 'replace')}")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            document = None
        if not isinstance(document, dict):
            raise _Wrong(f"GET {path}: the answer is no JSON object")
        return document

    def _check_release(self, told: str | None) -> None:
        if told is None:
            raise _Wrong(
                f"its answers name no release ({RELEASE_HEADER} is missing)",
                "see what listens there: it is no Assay, or one from before releases",
            )
        if told != self.release:
            raise _Wrong(
                f"release {told} answers there, not {self.release}",
                f"end what listens there, or give the address of a web process of {self.release}",
            )


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    """Its body, in pieces: one call of `read` gives what has come so far, which need not be all."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _MAX_BYTES:
            raise _Wrong(f"GET {response.url.path}: the answer has more than {_MAX_BYTES} bytes")
    return bytes(body)


def nonce_id() -> int:
    """A revision id that nobody asked for before: 40 random bits above all that wikis have."""
    return 2**41 + secrets.randbits(40)


def check_url(url: str) -> str:
    """Without its final slash. Raises `ConfigurationError`."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    more = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or more:
        raise ConfigurationError("--url: write it as http://HOST:PORT, without user name, password or query")
    return url.rstrip("/")


def _cells(document: Mapping[str, Any], wiki: str, rev_id: int, names: set[str]) -> Mapping[str, Any]:
    try:
        cells = document[wiki]["scores"][str(rev_id)]
        wrong = {name: cell["error"]["message"] for name, cell in cells.items() if "error" in cell}
        scored = {name for name, cell in cells.items() if "prediction" in cell.get("score", {})}
    except (KeyError, TypeError, AttributeError):
        raise _Wrong("the answer has another shape than /v3/scores/ promises") from None
    if wrong:
        raise _Wrong("; ".join(f"{name}: {message}" for name, message in wrong.items()))
    if scored != names:
        raise _Wrong(
            f"scores by {', '.join(sorted(scored)) or 'nobody'}, asked for {', '.join(sorted(names))}"
        )
    return cells  # type: ignore[no-any-return]
