"""Scores long lists by a server elsewhere: the batch of `assay score`, over `assay.client`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from assay.client import AsyncClient, ClientError, Refused, WikiInfo
from assay.errors import (
    AssayError,
    ConfigurationError,
    RequestError,
    SourceUnavailable,
    UnknownModel,
    UnknownWiki,
)
from assay.scoring.batch import BatchOptions, Row, Terms
from assay.scoring.synthetic import TEST_WIKI

OPTIONS: Final = BatchOptions(chunk=200)
"""Large chunks: they cost no memory here, and the server divides them as suits it."""


class RemoteScorer:
    """`assay.scoring.batch.ChunkScorer` of a server. Each chunk is one streamed request.

    A server that scores with other bundles than those of `terms` ends the batch: half a file by one model and
    half by another is no answer.
    """

    def __init__(self, client: AsyncClient, terms: Terms) -> None:
        self.terms = terms
        self._client = client
        self._asked = {"models": [*terms.bundles], "features": terms.features, "explain": terms.explain}

    async def score(self, rev_ids: tuple[int, ...]) -> Mapping[int, Row]:
        found: dict[int, Row] = {}
        try:
            async with aclosing(self._client.lines(self.terms.wiki, rev_ids, **self._asked)) as lines:
                async for line in lines:
                    if "models" in line:
                        self._check(line["models"])
                    elif "revision" in line:
                        found[line["revision"]] = line["scores"]
        except ClientError as error:
            raise ours(error) from error
        return found

    def _check(self, models: Mapping[str, Any]) -> None:
        if {name: model["digest"] for name, model in models.items()} != self.terms.bundles:
            raise ConfigurationError(
                "the server has other bundles now than when the file was begun: delete the file to begin anew"
            )


async def open_remote(
    client: AsyncClient,
    wiki: str | None,
    models: Sequence[str] | None,
    *,
    features: bool = False,
    explain: bool = False,
) -> RemoteScorer:
    """`wiki`: None for the only one that the server has besides the test wiki. `models`: None for all.

    Raises `UnknownWiki`, `UnknownModel`, `ConfigurationError`, `RetryableError`.
    """
    try:
        known = await client.wikis()
    except ClientError as error:
        if isinstance(error, Refused) and error.status in {400, 404}:  # this request has nothing to refuse
            told = str(error).rstrip(".")
            raise ConfigurationError(
                f"The server says: {told}. Is it an Assay, and its address given without a path behind it?"
            ) from error
        raise ours(error) from error
    chosen = _chosen(known, wiki)
    names = tuple(chosen.models) if models is None else tuple(models)
    if strangers := tuple(name for name in names if name not in chosen.models):
        raise UnknownModel(
            f"{chosen.name} has no model {', '.join(strangers)}; there are: {', '.join(chosen.models)}"
        )
    bundles = {name: chosen.models[name].digest for name in names}
    return RemoteScorer(client, Terms(chosen.name, bundles, features, explain))


def ours(error: ClientError) -> AssayError:
    """The client's error as one of those that batches and commands know."""
    if not error.retryable:
        return RequestError(str(error))
    delay_s = error.delay_s if isinstance(error, Refused) else None
    return SourceUnavailable(str(error), delay_s=delay_s or 1.0)


def _chosen(known: Mapping[str, WikiInfo], wiki: str | None) -> WikiInfo:
    if wiki is not None and wiki not in known:
        raise UnknownWiki(f"No scorers available for {wiki}; there are: {', '.join(known)}")
    names = [name for name in known if name != TEST_WIKI] if wiki is None else [wiki]
    if len(names) != 1:
        raise ConfigurationError(
            f"name one of the wikis {', '.join(known)}: assay score --url URL WIKI REV..."
        )
    return known[names[0]]
