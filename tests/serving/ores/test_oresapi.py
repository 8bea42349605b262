"""`oresapi`, the Python client that ORES's own authors published, as it is on the package index.

It asks ``/v3/scores/`` for fifty revisions in a request, some requests at once, and gives either what it was
told of each revision, or the refusal in place of every score.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from oresapi.session import Session

from servers.asgi import Served
from small_app import AWAY, GONE, HIDDEN_TEXT

AGENT = "Assay's tests"


@pytest.fixture
def connection() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


def test_hundreds_of_revisions_come_in_their_order(live: Served, connection: requests.Session) -> None:
    session = Session(live.url, user_agent=AGENT, session=connection)
    cells = list(session.score("testwiki", ["revid"], range(1, 131)))
    found = [round(cell["revid"]["score"]["probability"]["true"] * 100) for cell in cells]
    assert found == [int(f"{rev_id % 100:02}"[::-1]) for rev_id in range(1, 131)]


def test_one_revision_by_several_models(live: Served, connection: requests.Session) -> None:
    session = Session(live.url, user_agent=AGENT, session=connection)
    (row,) = session.score("smallwiki", ["damaging", "wp10"], 12)
    assert isinstance(row["damaging"]["score"]["prediction"], bool)
    assert row["wp10"]["score"]["prediction"] == "Stub"


def test_a_revision_that_cannot_be_scored_is_an_error_of_its_own(
    live: Served, connection: requests.Session
) -> None:
    session = Session(live.url, user_agent=AGENT, session=connection)
    rows = session.score("smallwiki", ["damaging"], [12, GONE, HIDDEN_TEXT, AWAY])
    kinds = [row["damaging"].get("error", {}).get("type") for row in rows]
    assert kinds == [None, "RevisionNotFound", "TextDeleted", "RequestError"]


@pytest.mark.parametrize(
    ("wiki", "models", "count", "code", "message"),
    [
        ("nowiki", ["damaging"], 1, "not found", "No scorers available for nowiki"),
        ("smallwiki", ["none"], 1, "not found", "Models ('none',) not available for smallwiki"),
        ("testwiki", ["revid"], 51, "bad request", "Too many values for 'revids' parameter.  Max of 50."),
    ],
)
def test_a_refusal_stands_for_every_score(
    inline: Served,
    connection: requests.Session,
    wiki: str,
    models: list[str],
    count: int,
    code: str,
    message: str,
) -> None:
    session = Session(inline.url, user_agent=AGENT, session=connection, batch_size=count)
    rows = list(session.score(wiki, models, range(1, count + 1)))
    assert rows == [{models[0]: {"error": {"code": code, "message": message}}}] * count
