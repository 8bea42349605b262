"""SHA-1 of a text as MediaWiki writes it: 31 digits in base 36."""

from __future__ import annotations

import hashlib
import re

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH = 31
_BASE_16 = re.compile("[0-9A-Fa-f]{40}")


def base36(number: int) -> str:
    """A 160-bit number in base 36, padded with zeros to 31 digits."""
    digits = []
    while number:
        number, digit = divmod(number, 36)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits)).rjust(LENGTH, "0")


def sha1_base36(data: bytes) -> str:
    """The `sha1` of a dump for this UTF-8 text."""
    return base36(int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest(), "big"))


def base36_of_hex(hexadecimal: str) -> str | None:
    """What the action API gives in base 16, in base 36; None when it is no SHA-1. Python reads signs as well,
    and the digits of a negative number would never end."""
    return base36(int(hexadecimal, 16)) if _BASE_16.fullmatch(hexadecimal) else None


EMPTY = sha1_base36(b"")
