"""Who may ask the page of rollouts.

Without a token, only this machine: the listening address and the `Host` that a request names must be
loopback's, so that no web page elsewhere can have a browser ask for it. With a token, whoever shows it: as a
bearer token, as the password of HTTP's basic authentication (browsers), or, because Flagger can send nothing
else, as ``token`` in the metadata of its webhook.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from fastapi import Request
from starlette.exceptions import HTTPException

from assay.errors import ConfigurationError

LEAST_TOKEN: Final = 16
"""Characters: what chance does not find."""
_MAX_TOKEN_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Access:
    """`token`: None when only this machine may ask."""

    token: bytes | None = field(repr=False)

    @classmethod
    def of(cls, host: str, token_file: str) -> Self:
        """For a page that listens on `host`. Raises `ConfigurationError` when strangers could ask, or the
        token cannot be used."""
        if token_file:
            return cls(_read_token(Path(token_file)))
        if not is_loopback(host):
            raise ConfigurationError(
                f"the page of rollouts would be open to everyone who reaches {host}: "
                "name a token file, or listen on 127.0.0.1"
            )
        return cls(None)

    def admit(self, request: Request, shown: str = "") -> None:
        """Raises `HTTPException` (401, 403) unless the request may ask. `shown`: a token in its body."""
        if self.token is None:
            if not is_loopback(_host(request)):
                raise HTTPException(403, "ask for 127.0.0.1 or localhost; other names need a token file")
            return
        given = shown or _token_in(request.headers.get("authorization", ""))
        if not hmac.compare_digest(given.encode(), self.token):
            challenge = {"WWW-Authenticate": 'Basic realm="assay rollouts", charset="UTF-8"'}
            raise HTTPException(401, "show the token of this page", challenge)


def is_loopback(host: str) -> bool:
    """Whether only this machine is reached by this name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read_token(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            token = file.read(_MAX_TOKEN_BYTES + 1).strip()
    except OSError as error:
        raise ConfigurationError(f"the token file {path} cannot be read: {error.strerror}") from None
    if not LEAST_TOKEN <= len(token) <= _MAX_TOKEN_BYTES or not token.isascii():
        wanted = f"{LEAST_TOKEN} to {_MAX_TOKEN_BYTES} ASCII characters"
        raise ConfigurationError(f"the token file {path} must hold {wanted}")
    return token


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _token_in(authorization: str) -> str:
    """Of an ``Authorization`` header; empty when there is none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
