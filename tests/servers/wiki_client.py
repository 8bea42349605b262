"""What people and bots do on a wiki, through its action API: for tests only, and blocking."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

ANSWER_LIMIT_S: Final = 60.0


@dataclass(frozen=True)
class Account:
    name: str
    password: str


@dataclass(frozen=True)
class Saved:
    """An edit that was saved. `rev_id`: None when it changed nothing. `parent_id`: None for a new page."""

    page_id: int
    rev_id: int | None
    parent_id: int | None


class WikiError(Exception):
    """The wiki refused. `code`: MediaWiki's."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(f"{code}: {info}")
        self.code = code


class WikiClient:
    """One person's browser, so to speak: cookies, and the token that edits need."""

    def __init__(self, api_url: str) -> None:
        self.api_url = api_url
        self.is_bot = False
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        self._token = ""

    def log_in(self, account: Account) -> None:
        token = self.query(meta="tokens", type="login")["query"]["tokens"]["logintoken"]
        answer = self.call(
            action="clientlogin",
            username=account.name,
            password=account.password,
            logintoken=token,
            loginreturnurl=self.api_url,
        )
        if answer["clientlogin"]["status"] != "PASS":
            raise WikiError("login", str(answer["clientlogin"]))
        self._token = ""

    def query(self, **parameters: str | int) -> dict[str, Any]:
        return self.call(action="query", **parameters)

    def call(self, **parameters: str | int) -> dict[str, Any]:
        """One POST. Raises `WikiError` for what the wiki refuses."""
        form = urllib.parse.urlencode(
            {**parameters, "format": "json", "formatversion": "2"}, errors="surrogatepass"
        ).encode()
        with self._opener.open(self.api_url, form, timeout=ANSWER_LIMIT_S) as response:
            body = response.read()
        try:
            document: dict[str, Any] = json.loads(body)
        except ValueError:
            raise WikiError("no JSON", body[:500].decode("utf-8", "replace")) from None
        if error := document.get("error"):
            raise WikiError(error["code"], error["info"])
        return document

    def change(self, **parameters: str | int) -> dict[str, Any]:
        """An action that needs a token."""
        if not self._token:
            self._token = self.query(meta="tokens")["query"]["tokens"]["csrftoken"]
        return self.call(**parameters, token=self._token)

    def answers(self) -> bool:
        try:
            self.query(meta="siteinfo")
        except (OSError, http.client.HTTPException, WikiError):
            return False
        return True

    # What they do

    def edit(self, title: str, text: str, comment: str = "", **more: str | int) -> Saved:
        """Save a page. `more`: as action=edit takes it, such as ``minor=1``, ``bot=1``, ``undo=REV``."""
        answer = self.change(action="edit", title=title, text=text, summary=comment, **more)["edit"]
        return Saved(answer["pageid"], answer.get("newrevid"), answer.get("oldrevid") or None)

    def undo(self, title: str, rev_id: int) -> Saved:
        answer = self.change(action="edit", title=title, undo=rev_id)["edit"]
        return Saved(answer["pageid"], answer.get("newrevid"), answer.get("oldrevid") or None)

    def rollback(self, title: str, author: str) -> Saved:
        """All last edits of one author are undone."""
        token = self.query(meta="tokens", type="rollback")["query"]["tokens"]["rollbacktoken"]
        answer = self.call(action="rollback", title=title, user=author, token=token)["rollback"]
        return Saved(answer["pageid"], answer["revid"], answer["old_revid"])

    def delete(self, title: str) -> None:
        self.change(action="delete", title=title)

    def undelete(self, title: str, *timestamps: str) -> None:
        """`timestamps`: only the revisions of these times; none: all."""
        some = {"timestamps": "|".join(timestamps)} if timestamps else {}
        self.change(action="undelete", title=title, **some)

    def move(self, title: str, to: str) -> None:
        self.change(action="move", **{"from": title, "to": to})

    def protect(self, title: str) -> None:
        self.change(action="protect", title=title, protections="edit=sysop")

    def hide(self, rev_id: int, *parts: str, suppress: bool = False) -> None:
        """`parts`: content, user, comment. `suppress`: from administrators, too."""
        self.change(
            action="revisiondelete",
            type="revision",
            ids=rev_id,
            hide="|".join(parts),
            suppress="yes" if suppress else "no",
        )

    def hide_account(self, name: str) -> None:
        """Block somebody and take the name off all lists."""
        self.change(action="block", user=name, expiry="never", hidename=1, nocreate=1)
