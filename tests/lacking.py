"""What a machine lacks: said precisely, and nothing to pass over where everything must be there."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """The test is skipped with the reason; with ``CI=true`` it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
