"""Orders of operators to a running controller: files in a folder, read and removed by the controller.

No port, no signal: whoever may write into the state folder may give orders, and an order that nobody takes
lies there to be seen. It is removed after it was journalled under its name, so that a controller that was
killed in between, or may not remove what root wrote, still obeys it once.
"""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import orjson

from assay.durable import replacing
from assay.errors import ConfigurationError

Kind = Literal["pause", "resume", "abort", "promote"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_FOLDER: Final = "orders"
_MAX_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Order:
    """`by`: who gave it. `rollout`: the id of the one that is meant; empty: whichever is under way.
    `promote`: go on to the next stage without waiting for time or samples."""

    kind: Kind
    by: str
    reason: str = ""
    rollout: str = ""


def operator() -> str:
    """Who runs this process, for the journal."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # no name for the user's number
        name = f"uid {os.getuid()}"
    return f"{os.environ.get('SUDO_USER') or name}@{socket.gethostname()}"


def give(state_dir: Path, order: Order) -> str:
    """Whole or not at all: a controller never reads half an order. Its name, by which it is journalled once
    it is taken.

    Raises `ConfigurationError` when it is longer than a controller reads. What is no Unicode in its words (a
    terminal with another encoding) is replaced: it must not keep an abort from being given.
    """
    content = orjson.dumps({name: _sayable(text) for name, text in asdict(order).items()})
    if len(content) > _MAX_BYTES:
        raise ConfigurationError(
            f"the order has {len(content)} bytes, at most {_MAX_BYTES} are read: say less"
        )
    folder = state_dir / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns():020d}-{os.getpid()}.json"
    with replacing(folder / name) as stream:
        stream.write(content)
    return name


def _sayable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def take(state_dir: Path, taken: Container[str]) -> Iterator[tuple[str, Order | str]]:
    """All orders with their names, oldest first, each removed once the next is asked for; for one that cannot
    be read, a sentence about it. `taken`: names of those that were obeyed already and are only removed. What
    is no plain file is left alone."""
    for path in sorted((state_dir / _FOLDER).glob("*.json")):
        if not path.is_file():
            continue
        if path.name not in taken:
            yield path.name, _read(path)
        with suppress(OSError):
            path.unlink()


def _read(path: Path) -> Order | str:
    try:
        with path.open("rb") as file:
            document = orjson.loads(file.read(_MAX_BYTES))
        if document["kind"] in KINDS:
            told = (str(document[name]) for name in ("by", "reason", "rollout"))
            return Order(document["kind"], *told)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return f"the order {path.name} cannot be read; it was dropped"
