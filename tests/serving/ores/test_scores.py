"""What holds in every version of ORES's API, since all three are answered by one handler.

Some of it did not hold in ORES, whose first two versions knew no limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from assay.serving.options import QuotaOptions
from assay.serving.ores.scores import VERSIONS
from servers.asgi import Served, serving
from small_app import GONE, HIDDEN_USER, SmallApp, ask, post_form

BURST = 60
TOO_MANY = (400, "bad request", "Too many values for 'revids' parameter.  Max of 50.")


@dataclass(frozen=True)
class Spoken:
    """One version as a client speaks it. `cell`: path of one model's score of one revision. `read`: a cell
    of a document, by (wiki, model, revision)."""

    root: str
    cell: str
    read: Callable[[Any, str, str, str], Any]


SPOKEN = {
    "/scores/": Spoken("/scores/", "{wiki}/{model}/{rev}", lambda d, wiki, model, rev: d[rev][model]),
    "/v1/scores/": Spoken("/v1/scores/", "{wiki}/{model}/{rev}", lambda d, wiki, model, rev: d[rev][model]),
    "/v2/scores/": Spoken(
        "/v2/scores/",
        "{wiki}/{model}/{rev}",
        lambda d, wiki, model, rev: d["scores"][wiki][model]["scores"][rev],
    ),
    "/v3/scores/": Spoken(
        "/v3/scores/", "{wiki}/{rev}/{model}", lambda d, wiki, model, rev: d[wiki]["scores"][rev][model]
    ),
}


@pytest.fixture(params=SPOKEN)
def spoken(request: pytest.FixtureRequest) -> Spoken:
    return SPOKEN[request.param]


def test_all_versions_are_spoken_here() -> None:
    assert [root for version in VERSIONS for root in version.roots] == list(SPOKEN)


def test_more_than_fifty_revisions_are_refused(inline: Served, spoken: Spoken) -> None:
    ids = "|".join(map(str, range(1, 52)))
    models = "damaging/" if spoken.root != "/v3/scores/" else ""
    for path in ("smallwiki/", f"smallwiki/{models}"):
        assert ask(inline, f"{spoken.root}{path}?revids={ids}").error == TOO_MANY
        assert post_form(inline, f"{spoken.root}{path}", f"revids={ids}".encode()).error == TOO_MANY


@pytest.fixture(scope="module")
def limited() -> Iterator[Served]:
    quota = QuotaOptions(revisions_per_minute=1, burst=BURST, exempt=(), trusted_proxies=("127.0.0.1/32",))
    with serving(SmallApp(quota=quota).build().asgi) as started:
        yield started


@pytest.mark.parametrize("flags", ["", "&precache"])
def test_quotas_are_counted_and_nothing_said_by_the_client_changes_that(
    limited: Served, spoken: Spoken, flags: str
) -> None:
    client = {"X-Forwarded-For": f"192.0.2.{list(SPOKEN).index(spoken.root) + 10 * bool(flags)}"}
    ids = "|".join(map(str, range(1, 51)))
    path = f"{spoken.root}testwiki/?models=revid&revids={ids}{flags}"
    assert ask(limited, path, headers=client).status == 200
    for claimed in ({}, {"X-Client-IP": "203.0.113.9"}):
        refused = ask(limited, path, headers=client | claimed)
        assert refused.error[:2] == (429, "too_many_requests")
        assert int(refused.headers["retry-after"]) > 0


def test_one_models_failure_leaves_the_others_their_scores(inline: Served, spoken: Spoken) -> None:
    query = f"models=goodfaith|damaging&revids={HIDDEN_USER}|12"
    document = ask(inline, f"{spoken.root}smallwiki/?{query}").json
    failed = spoken.read(document, "smallwiki", "goodfaith", str(HIDDEN_USER))
    assert failed["error"]["type"] == "UserDeleted"
    for model, rev in (("damaging", str(HIDDEN_USER)), ("damaging", "12"), ("goodfaith", "12")):
        assert "error" not in spoken.read(document, "smallwiki", model, rev)


def test_a_failing_feature_is_told_without_a_traceback(inline: Served, spoken: Spoken) -> None:
    query = urlencode({"datasource.revision.text": '""', "revids": "12", "models": "fragile|damaging"})
    reply = ask(inline, f"{spoken.root}smallwiki/?{query}")
    error = spoken.read(reply.json, "smallwiki", "fragile", "12")["error"]
    assert error["type"] == "CaughtDependencyError"
    assert b"Traceback" not in reply.body
    assert b".py" not in reply.body


def test_every_path_is_answered_with_and_without_a_final_slash_by_get_and_post(
    inline: Served, spoken: Spoken
) -> None:
    cell = spoken.cell.format(wiki="smallwiki", model="damaging", rev=12)
    for path in ("", "smallwiki", cell):
        asked = ask(inline, f"{spoken.root}{path}/".replace("//", "/"))
        assert asked.status == 200
        for method in ("GET", "POST"):
            assert ask(inline, (spoken.root + path).rstrip("/"), method=method).body == asked.body
        assert ask(inline, spoken.root + path, method="HEAD").status == 200


def test_one_request_wants_short_json_and_another_readable_at_the_same_time(
    inline: Served, spoken: Spoken
) -> None:
    """ORES kept this wish in one place for all requests."""
    wishes = ["?format=json", ""] * 20
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda wish: ask(inline, f"{spoken.root}{wish}"), wishes))
    assert [b"\n" in reply.body for reply in replies] == [not wish for wish in wishes]


def test_aliases_are_answered_as_asked(inline: Served, spoken: Spoken) -> None:
    document = ask(inline, f"{spoken.root}smallwiki/?models=wp10|articlequality&revids=12").json
    by_alias, by_name = (
        spoken.read(document, "smallwiki", name, "12") for name in ("wp10", "articlequality")
    )
    assert by_alias == by_name


def test_the_cache_is_shared_by_all_versions(inline: Served, spoken: Spoken) -> None:
    ask(inline, "/v3/scores/smallwiki/47/damaging")
    cell = spoken.cell.format(wiki="smallwiki", model="damaging", rev=47)
    assert ask(inline, spoken.root + cell).headers["x-cache"] == "hit"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("nowiki/", (404, "not found", "No scorers available for nowiki")),
        ("smallwiki/?models=a|b", (404, "not found", "Models ('a', 'b') not available for smallwiki")),
        (
            "smallwiki/?models=none&revids=12",
            (404, "not found", "Models ('none',) not available for smallwiki"),
        ),
    ],
)
def test_what_is_unknown_is_told_in_the_legacys_words(
    inline: Served, spoken: Spoken, path: str, error: tuple[int, str, str]
) -> None:
    assert ask(inline, spoken.root + path).error == error


def test_wrong_revisions_are_refused(inline: Served, spoken: Spoken) -> None:
    cell = spoken.cell.format(wiki="smallwiki", model="damaging", rev="abc")
    assert ask(inline, spoken.root + cell).error[:2] == (400, "bad request")
    assert ask(inline, f"{spoken.root}smallwiki/?revids=12|x").error[:2] == (400, "bad request")


def test_values_are_injected_in_the_legacys_two_ways(inline: Served, spoken: Spoken) -> None:
    """By revision; and by name alone where the path names the revision."""
    cell = spoken.root + spoken.cell.format(wiki="smallwiki", model="damaging", rev=12)
    plain = ask(inline, cell).body
    queries = (
        urlencode({"inject": '{"12": {"feature.test.chars": 400}}'}),
        urlencode({"inject": '{"feature.test.chars": 400}'}),
        "feature.test.chars=400",
    )
    bodies = [ask(inline, f"{cell}?{query}").body for query in queries]
    assert len(set(bodies)) == 1
    assert bodies[0] != plain


def test_flags_of_later_versions_mean_nothing_in_earlier_ones(inline: Served) -> None:
    """As in ORES, which ignored what it did not know."""
    for root, flags in (("/v1/scores/", "features=maybe&model_info=none"), ("/v2/scores/", "explain=maybe")):
        path = f"{root}smallwiki/damaging/12"
        assert ask(inline, f"{path}?{flags}").body == ask(inline, path).body


def test_a_revision_that_is_gone_is_an_error_in_its_place(inline: Served, spoken: Spoken) -> None:
    document = ask(inline, f"{spoken.root}smallwiki/?revids={GONE}&models=damaging").json
    error = spoken.read(document, "smallwiki", "damaging", str(GONE))["error"]
    assert (error["type"], error["message"]) == ("RevisionNotFound", f"Could not find revision {GONE}.")
