"""What is made at the first look, once."""

from __future__ import annotations

from assay.features.text.lazy import kept


class Text:
    looks = 0

    @kept
    def length(self) -> int:
        """Characters."""
        self.looks += 1
        return 4


def test_a_kept_property_is_found_at_the_first_look_only() -> None:
    text, other = Text(), Text()
    assert text.looks == 0
    assert [text.length, text.length] == [4, 4]
    assert (text.looks, other.looks) == (1, 0)


def test_a_kept_property_tells_what_it_is() -> None:
    assert Text.length.__doc__ == "Characters."
