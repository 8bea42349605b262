"""Which of two kinds of answer a client would rather have."""

from __future__ import annotations

from starlette.requests import Request


def prefers(request: Request, kind: str, other: str) -> bool:
    """Whether `kind` is asked for before `other`, by ``Accept``; False when the client does not care."""
    accept = request.headers.get("accept", "")
    return _weight(accept, kind) > _weight(accept, other)


def _weight(accept: str, kind: str) -> float:
    """The quality of the most special range that covers `kind`; 0.0 when none does."""
    weights: dict[str, float] = {}
    for item in accept.split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        weights[name] = _quality(parameters)
    for name in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        if name in weights:
            return weights[name]
    return 0.0


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
