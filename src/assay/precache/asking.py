"""Assay, asked for scores over HTTP as everybody asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import orjson

from assay import __version__
from assay.errors import ConfigurationError, reason_of
from assay.precache.judge import Cells
from assay.revisions.wiki.action_api import retry_after_s

FAILED: Final = "RequestFailed"
"""The type of the error of an edit for which there was no answer."""

CONNECT_LIMIT_S: Final = 10.0
_NOT_NOW: Final = frozenset({408, 425, 429, 503})
"""Whatever is asked: a load balancer without a server, a quota, a queue that is full. Not 502 and 504, which
a load balancer answers for a web process that died of a request, or hangs on it."""


class Refused(Exception):
    """Assay answers, and will never answer this request otherwise. `error`: as a v3 cell has it, with `type`
    and `message`."""

    def __init__(self, reason: str, error: Mapping[str, Any]) -> None:
        super().__init__(reason)
        self.error = error


class Failed(Exception):
    """Assay took the request and gave no scores: it said that something went wrong, or nothing at all, or
    what cannot be read. That may be the request's doing. `error`: as a v3 cell has it. `delay_s`: what it
    asked to wait, None if it did not."""

    def __init__(self, reason: str, error: Mapping[str, Any], delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.error = error
        self.delay_s = delay_s


class Away(Exception):
    """Nobody took the request, or it is too early for any. `delay_s`: what Assay asked to wait, None if it
    did not."""

    def __init__(self, reason: str, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s


@dataclass(frozen=True, slots=True)
class Answer:
    """`cells`: by revision and model. `versions`: by model."""

    cells: Mapping[int, Cells]
    versions: Mapping[str, str]


class Assay:
    """A session with one Assay. `url`: where it answers. `timeout_s`: for a whole answer. `connect_limit_s`:
    for a connection."""

    def __init__(self, url: str, timeout_s: float, *, connect_limit_s: float = CONNECT_LIMIT_S) -> None:
        self._url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=connect_limit_s)
        self._session: aiohttp.ClientSession | None = None

    async def check(self, models: Mapping[str, Sequence[str]]) -> None:
        """That it scores these wikis with these models. Raises `Away`, or `ConfigurationError` when it does
        not."""
        try:
            told = await self._document("GET", "/v3/scores/", {})
        except Refused as refused:
            raise ConfigurationError(f"{refused}: is precache.assay the address of an Assay?") from None
        except Failed as failed:
            raise Away(str(failed)) from None
        for wiki, names in models.items():
            known = (told.get(wiki) or {}).get("models") or {}
            if lacking := [name for name in names if name not in known]:
                raise ConfigurationError(
                    f"{self._url} does not score {wiki} with {', '.join(lacking)}: start it with the same "
                    f"configuration, or change wikis.{wiki}.precache"
                )

    async def scores(
        self, wiki: str, models: Sequence[str], rev_ids: Sequence[int], *, anew: bool = False
    ) -> Answer:
        """`anew`: computed, even where the scores are known. Raises `Away`, `Failed` or `Refused`."""
        form = {
            "revids": "|".join(map(str, rev_ids)),
            "models": "|".join(models),
            "precache": "true",
            "error_codes": "true",
        }
        if anew:
            form["features"] = "true"  # which are kept nowhere
        told: Any = (await self._document("POST", f"/v3/scores/{wiki}/", form)).get(wiki)
        try:
            return Answer(
                {int(rev_id): _cells(cells) for rev_id, cells in told["scores"].items()},
                {name: str(info["version"]) for name, info in told["models"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise self._no_answer(f"gave an answer without scores ({type(error).__name__})") from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _document(self, method: str, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            async with self._open_session().request(
                method, self._url + path, data=form or None, allow_redirects=False
            ) as response:
                body = await response.read()
                wait_s = retry_after_s(response.headers.get("Retry-After"), datetime.now(UTC))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Away(f"{self._url}: {reason_of(error)}") from None
        except TimeoutError:
            raise self._no_answer("did not answer in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._no_answer(f"gave no answer: {reason_of(error)}") from None
        if response.status != 200:
            reason = f"{self._url} answers {response.status}: {body[:200].decode(errors='replace')}"
            if response.status in _NOT_NOW:
                raise Away(reason, wait_s)
            if response.status >= 500:
                raise Failed(reason, _error(FAILED, response.status, body) | {"retryable": True}, wait_s)
            raise Refused(reason, _error("RequestRefused", response.status, body))
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise self._no_answer("gave no JSON") from None
        if not isinstance(document, dict):
            raise self._no_answer("gave no JSON object")
        return document

    def _no_answer(self, what: str) -> Failed:
        return Failed(f"{self._url} {what}", {"type": FAILED, "message": f"Assay {what}", "retryable": True})

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                headers={"User-Agent": f"assay-precache/{__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(),
                # a kept one may be closed while it is used, which looks like a request that Assay dies of
                connector=aiohttp.TCPConnector(force_close=True),
            )
        return self._session


def _cells(cells: Any) -> Cells:
    """Of one revision. Raises ValueError, or AttributeError, for what is none."""
    if strange := [name for name, cell in cells.items() if not _is_cell(cell)]:
        raise ValueError(f"no cell: {strange[0]}")
    return dict(cells)


def _is_cell(cell: Any) -> bool:
    """Whether all is there that an event tells of it."""
    if not isinstance(cell, dict):
        return False
    if "error" in cell:
        return isinstance(cell["error"], dict) and {"type", "message"} <= cell["error"].keys()
    score = cell.get("score")
    return isinstance(score, dict) and "prediction" in score and isinstance(score.get("probability"), dict)


def _error(kind: str, status: int, body: bytes) -> dict[str, Any]:
    """An answer without scores in the form of a cell's error. `message`: Assay's own, when it is Assay that
    answered."""
    try:
        message = str(orjson.loads(body)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        message = body[:200].decode(errors="replace")
    return {"type": kind, "message": f"HTTP {status}: {message}"}
