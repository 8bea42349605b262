"""Scores by their identity, over any `KeyValueStore`.

Only good scores are kept: a problem may be mended by the next minute (a revision imported, a wiki back),
and features or explanations are asked for rarely and are large.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from assay.models.model import Score
from assay.scoring.codec import CodecError, decode_score, encode_score
from assay.scoring.key import ScoreKey
from assay.scoring.options import ScoreCacheOptions
from assay.stores.kv import KeyValueStore

_PROBE_TTL_S: Final = 10.0


class ScoreCache:
    """Typed get and set of many at once."""

    def __init__(self, store: KeyValueStore, options: ScoreCacheOptions) -> None:
        self._store = store
        self._options = options

    async def get_many(self, keys: Iterable[ScoreKey]) -> dict[ScoreKey, Score]:
        """The scores that are there; a damaged entry counts as absent."""
        by_text = {str(key): key for key in keys}
        found = await self._store.get_many(list(by_text))
        scores = {}
        for text, data in found.items():
            try:
                scores[by_text[text]] = decode_score(data)
            except CodecError:
                continue
        return scores

    async def set_many(self, scores: Mapping[ScoreKey, Score]) -> None:
        if scores:
            values = {str(key): encode_score(score) for key, score in scores.items()}
            await self._store.set_many(values, self._options.ttl_s)

    async def answers(self) -> bool:
        """Whether known scores can be had just now."""
        return await self._store.answers()

    async def misleads(self) -> bool:
        """Whether a score that was made up just now comes back as another one, so that answers are wrong.
        That nothing comes back is no such thing: it costs time only."""
        chance = random.random()
        score = Score(True, {True: chance, False: 1 - chance})
        key = str(ScoreKey("readyz", "probe", secrets.token_hex(8), 1))
        await self._store.set_many({key: encode_score(score)}, _PROBE_TTL_S)
        found = (await self._store.get_many([key])).get(key)
        try:
            return found is not None and decode_score(found) != score
        except CodecError:
            return True

    async def aclose(self) -> None:
        await self._store.aclose()
