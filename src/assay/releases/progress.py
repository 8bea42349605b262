"""How far long work on releases has come."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[int, int, str], None]
"""Told (done, total, what) again and again."""
