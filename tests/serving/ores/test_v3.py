"""The third API over real HTTP, against the shapes of recorded ORES documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import exp, isclose
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from servers.asgi import Served
from shared_data import shared
from small_app import AWAY, CREATION, GONE, HIDDEN_TEXT, HIDDEN_USER, ORPHAN, ask, post_form

V3 = "/v3/scores/"
RECORDED = "samples/ores/ores-v3__enwiki__articlequality__features__2revs.json"


def shape(value: Any) -> Any:
    """What a client relies on: keys by role and types of values, without the values."""
    if isinstance(value, dict):
        kinds = {json.dumps(shape(item), sort_keys=True) for item in value.values()}
        fixed = {"models", "scores", "score", "features", "prediction", "probability", "version", "error"}
        if fixed & set(value) or len(kinds) != 1:
            return {key: shape(item) for key, item in value.items()}
        return {"*": json.loads(kinds.pop())}
    if isinstance(value, bool) or value is None:
        return str(type(value).__name__)
    return "number" if isinstance(value, int | float) else "string"


def scores(document: Mapping[str, Any], wiki: str = "smallwiki") -> Any:
    return document[wiki]["scores"]


# -- shapes ------------------------------------------------------------------------------------------


def test_a_recorded_answer_and_ours_have_one_shape(live: Served) -> None:
    recorded = json.loads(shared(RECORDED).read_text())["json"]
    path = f"{V3}smallwiki/?features&models=articlequality&revids=641|642"
    ours = ask(live, path).json
    for document in (recorded, ours):
        for cell in scores(document, next(iter(document))).values():
            cell["articlequality"]["features"] = {"feature.x": 1.5}
    assert shape(ours) == shape(recorded)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("list_available_scores", V3),
        ("get_scores", f"{V3}smallwiki/?models=damaging&revids=12"),
        ("get_context_scores", f"{V3}smallwiki/?models=damaging|goodfaith&revids=12"),
        ("get_model_scores", f"{V3}smallwiki/12/damaging"),
    ],
)
def test_the_documented_examples_have_our_shape(live: Served, name: str, path: str) -> None:
    examples = shared("samples/ores/liftwing-ores-legacy__ores_example_responses.json")
    recorded = json.loads(examples.read_text())["responses"][name]
    ours = ask(live, path).json
    if name == "list_available_scores":
        assert shape(ours) == shape(recorded)
        return
    (theirs,), (mine,) = recorded.values(), ours.values()
    assert set(theirs) == set(mine)
    assert set(theirs["models"]) == set(mine["models"])
    for cells, recorded_cells in zip(mine["scores"].values(), theirs["scores"].values(), strict=True):
        assert shape(cells) == shape(recorded_cells)


def test_without_revisions_only_models_are_told(live: Served) -> None:
    document = ask(live, f"{V3}smallwiki/").json
    assert list(document["smallwiki"]) == ["models"]
    assert document["smallwiki"]["models"]["damaging"] == {"version": "1.2.3"}


def test_all_models_of_the_wiki_are_the_default(live: Served) -> None:
    cells = scores(ask(live, f"{V3}smallwiki/12").json)["12"]
    assert set(cells) == {"articlequality", "damaging", "fragile", "goodfaith", "parented", "reverted"}


# -- aliases -----------------------------------------------------------------------------------------


def test_an_alias_answers_under_the_name_that_was_asked(live: Served) -> None:
    by_alias = ask(live, f"{V3}smallwiki/?models=wp10&revids=12|404&features&model_info=type").json[
        "smallwiki"
    ]
    by_name = ask(live, f"{V3}smallwiki/?models=articlequality&revids=12|404&features&model_info=type").json
    for part in (by_alias["models"], *by_alias["scores"].values()):
        assert list(part) == ["wp10"]
    renamed = json.loads(json.dumps(by_name["smallwiki"]).replace('"articlequality"', '"wp10"'))
    assert by_alias == renamed


def test_an_alias_stands_in_paths_and_beside_its_model(live: Served) -> None:
    cell = scores(ask(live, f"{V3}smallwiki/12/wp10").json)["12"]
    assert list(cell) == ["wp10"]
    both = ask(live, f"{V3}smallwiki/12?models=wp10|damaging|articlequality").json["smallwiki"]
    assert set(both["models"]) == set(both["scores"]["12"]) == {"wp10", "damaging", "articlequality"}
    assert both["scores"]["12"]["wp10"] == both["scores"]["12"]["articlequality"] == cell["wp10"]


def test_lists_of_models_tell_aliases_and_scores_of_all_do_not(live: Served) -> None:
    for path in ("", "smallwiki/"):
        models = ask(live, V3 + path).json["smallwiki"]["models"]
        assert models["wp10"] == models["articlequality"]
        assert list(models) == sorted(models)
    document = ask(live, f"{V3}smallwiki/?revids=12").json["smallwiki"]
    assert "wp10" not in document["models"]
    assert set(document["models"]) == set(document["scores"]["12"])


def test_an_unknown_name_beside_an_alias_is_told_alone(live: Served) -> None:
    reply = ask(live, f"{V3}smallwiki/12?models=wp10|none")
    assert reply.error == (404, "not found", "Models ('none',) not available for smallwiki")


@pytest.mark.parametrize("path", ["", "smallwiki/", "smallwiki/12/", "smallwiki/12/damaging/"])
def test_the_final_slash_is_optional_and_never_redirected(live: Served, path: str) -> None:
    with_slash, without = ask(live, V3 + path), ask(live, (V3 + path).rstrip("/"))
    assert with_slash.status == without.status == 200
    assert with_slash.body == without.body


def test_the_test_model_gives_the_reversed_digits(live: Served) -> None:
    cell = scores(ask(live, f"{V3}testwiki/974623/revid").json, "testwiki")["974623"]["revid"]
    assert cell == {
        "score": {"prediction": False, "probability": {"true": 0.32, "false": 0.6799999999999999}}
    }


def test_headers_are_the_legacys_and_safe(live: Served) -> None:
    headers = ask(live, V3).headers
    assert headers["cache-control"] == "no-store, no-cache, max-age=0"
    assert headers["pragma"] == "no-cache"
    assert headers["expires"].startswith("Thu, 01 Jan 1970")
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-type"] == "application/json"


def test_a_preflight_is_answered(live: Served) -> None:
    reply = ask(live, f"{V3}smallwiki/", method="OPTIONS", headers={"Origin": "https://example.org"})
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "POST" in reply.headers["access-control-allow-methods"]


def test_format_json_is_short_and_the_default_readable(live: Served) -> None:
    short, readable = ask(live, f"{V3}?format=json"), ask(live, V3)
    assert short.json == readable.json
    assert b"\n" not in short.body
    assert b"\n  " in readable.body


# -- parameters --------------------------------------------------------------------------------------


def test_parameters_are_read_from_a_form_as_well(live: Served) -> None:
    form = urlencode({"models": "damaging", "revids": "12|13", "features": ""}).encode()
    posted = post_form(live, f"{V3}smallwiki/", form)
    assert posted.json == ask(live, f"{V3}smallwiki/?models=damaging&revids=12|13&features").json
    assert len(scores(posted.json)) == 2


def test_a_multipart_form_is_read_as_well(live: Served) -> None:
    body = b"".join(
        b'--x\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % pair
        for pair in ((b"models", b"damaging"), (b"revids", b"12"))
    )
    reply = ask(
        live,
        f"{V3}smallwiki",
        method="POST",
        body=body + b"--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    )
    assert reply.json == ask(live, f"{V3}smallwiki?models=damaging&revids=12").json


def test_the_query_comes_before_the_form(live: Served) -> None:
    reply = post_form(live, f"{V3}smallwiki?revids=12", b"revids=13")
    assert list(scores(reply.json)) == ["12"]


def test_doubled_ids_are_scored_once(live: Served) -> None:
    assert list(scores(ask(live, f"{V3}smallwiki/?revids=12|12|13|12").json)) == ["12", "13"]


def test_fifty_ids_are_many_enough_and_a_doubled_one_does_not_count(live: Served) -> None:
    ids = "|".join(str(rev_id) for rev_id in [*range(1, 51), 1])
    assert len(scores(ask(live, f"{V3}testwiki/?revids={ids}").json, "testwiki")) == 50


def test_unknown_parameters_are_ignored(live: Served) -> None:
    assert ask(live, f"{V3}smallwiki/12?callback=x&uselang=de&models=damaging").status == 200


def test_features_are_those_that_the_model_reads(live: Served) -> None:
    cell = scores(ask(live, f"{V3}smallwiki/12/damaging?features").json)["12"]["damaging"]
    assert cell["features"] == {
        "feature.test.chars": 165,
        "feature.test.is_long": True,
        "feature.test.shouts": 0,
    }


@pytest.mark.parametrize("name", ["features", "explain"])
def test_flags_may_have_a_value(live: Served, name: str) -> None:
    key = {"features": "features", "explain": "explanation"}[name]
    for value, there in (("", True), ("=", True), ("=true", True), ("=1", True), ("=false", False)):
        cell = scores(ask(live, f"{V3}smallwiki/12/damaging?{name}{value}").json)["12"]["damaging"]
        assert (key in cell) == there


@pytest.mark.parametrize("model", ["damaging", "goodfaith", "reverted"])
def test_contributions_sum_to_the_scores_logit(live: Served, model: str) -> None:
    cell = scores(ask(live, f"{V3}smallwiki/12/{model}?explain").json)["12"][model]
    assert set(cell["explanation"]) == {"true"}
    told = cell["explanation"]["true"]
    logit = told["base"] + sum(told["contributions"].values())
    assert isclose(1 / (1 + exp(-logit)), cell["score"]["probability"]["true"], rel_tol=1e-9)


# -- injection ---------------------------------------------------------------------------------------


def test_a_feature_parameter_is_for_every_revision(live: Served) -> None:
    query = "revids=12|13&models=damaging&features&feature.test.chars=7"
    cells = scores(ask(live, f"{V3}smallwiki?{query}").json)
    assert [cells[rev]["damaging"]["features"]["feature.test.chars"] for rev in ("12", "13")] == [7, 7]


def test_inject_is_by_revision_and_single_parameters_come_before_it(live: Served) -> None:
    inject = json.dumps({"12": {"feature.test.chars": 7, "feature.test.shouts": 1}})
    query = urlencode(
        {"revids": "12|13", "models": "damaging", "features": "", "inject": inject, "feature.test.shouts": 2}
    )
    cells = scores(ask(live, f"{V3}smallwiki?{query}").json)
    assert cells["12"]["damaging"]["features"] == {
        "feature.test.chars": 7,
        "feature.test.is_long": False,
        "feature.test.shouts": 2,
    }
    assert cells["13"]["damaging"]["features"]["feature.test.chars"] == 165
    assert cells["13"]["damaging"]["features"]["feature.test.shouts"] == 2


def test_a_text_can_be_injected_by_form(live: Served) -> None:
    form = urlencode({"datasource.revision.text": json.dumps("!" * 300_000), "features": ""}).encode()
    cell = scores(post_form(live, f"{V3}smallwiki/12/damaging", form).json)["12"]["damaging"]
    assert cell["features"]["feature.test.shouts"] == 300_000


def test_injecting_for_one_model_leaves_the_others(live: Served) -> None:
    cells = scores(ask(live, f"{V3}smallwiki/12?feature.test.comment_chars=3").json)["12"]
    assert all("score" in cell for cell in cells.values())


# -- cells that cannot be scored ---------------------------------------------------------------------


def test_a_bad_revision_leaves_the_others_their_scores(live: Served) -> None:
    cells = scores(ask(live, f"{V3}smallwiki?revids=12|{GONE}|{AWAY}&models=damaging").json)
    assert "score" in cells["12"]["damaging"]
    gone = {"type": "RevisionNotFound", "message": f"Could not find revision {GONE}."}
    assert cells[str(GONE)]["damaging"]["error"] == gone
    assert set(cells[str(AWAY)]["damaging"]["error"]) == {"type", "message"}


def test_error_codes_are_told_when_they_are_asked_for(live: Served) -> None:
    form = f"revids={GONE}|{AWAY}&models=damaging&error_codes".encode()
    cells = scores(post_form(live, f"{V3}smallwiki", form).json)
    plain = scores(ask(live, f"{V3}smallwiki?revids={GONE}|{AWAY}&models=damaging&error_codes=false").json)
    told = {AWAY: ("source_unavailable", True), GONE: ("revision_not_found", False)}
    for rev_id, (code, retryable) in told.items():
        error = plain[str(rev_id)]["damaging"]["error"]
        assert cells[str(rev_id)]["damaging"]["error"] == {**error, "code": code, "retryable": retryable}


def test_the_parent_of_a_first_revision_is_not_found(live: Served) -> None:
    """A dashboard asks for each edit together with its parent, which MediaWiki calls 0 for a new page."""
    cells = scores(ask(live, f"{V3}smallwiki?revids=0|12&models=wp10|damaging&features=true").json)
    gone = {"error": {"type": "RevisionNotFound", "message": "Could not find revision 0."}}
    assert cells["0"] == {"wp10": gone, "damaging": gone}
    assert all("score" in cell for cell in cells["12"].values())
    assert scores(ask(live, f"{V3}smallwiki/0/damaging").json) == {"0": {"damaging": gone}}
    query = "?revids=0|12&models=damaging&features&feature.test.chars=3"
    both = scores(ask(live, f"{V3}smallwiki{query}").json)
    assert both["0"]["damaging"] == gone
    assert both["12"]["damaging"]["features"]["feature.test.chars"] == 3


def test_blanks_around_the_items_of_lists_are_no_fault(live: Served) -> None:
    inject = quote('{" 12 ": {"feature.test.chars": 3}}')
    query = f"?revids=12%20|%2013&models=%20damaging|%09goodfaith+&features&inject={inject}"
    cells = scores(ask(live, f"{V3}smallwiki{query}").json)
    assert {rev_id: set(row) for rev_id, row in cells.items()} == {
        "12": {"damaging", "goodfaith"},
        "13": {"damaging", "goodfaith"},
    }
    assert cells["12"]["damaging"]["features"]["feature.test.chars"] == 3
    assert cells["13"]["damaging"]["features"]["feature.test.chars"] != 3


def test_what_is_injected_into_no_revision_changes_nothing(live: Served) -> None:
    """A dashboard builds both lists from the same ids; `00` is 0 as `012` is 12."""
    form = "revids=00|012&models=damaging&inject=" + quote('{"0": {"feature.test.chars": 3}}')
    cells = scores(post_form(live, f"{V3}smallwiki", form.encode()).json)
    assert cells["0"]["damaging"]["error"]["message"] == "Could not find revision 0."
    assert cells["12"] == scores(ask(live, f"{V3}smallwiki/12/damaging").json)["12"]


@pytest.mark.parametrize(
    ("rev_id", "model", "kind"),
    [
        (HIDDEN_TEXT, "damaging", "TextDeleted"),
        (HIDDEN_USER, "goodfaith", "UserDeleted"),
        (CREATION, "parented", "RevisionNotFound"),
        (ORPHAN, "parented", "RevisionNotFound"),
    ],
)
def test_one_models_problem_leaves_the_other_models_scores(
    live: Served, rev_id: int, model: str, kind: str
) -> None:
    cells = scores(ask(live, f"{V3}smallwiki/{rev_id}?models={model}|reverted").json)[str(rev_id)]
    assert cells[model]["error"]["type"] == kind
    if rev_id != HIDDEN_TEXT:
        assert "score" in cells["reverted"]


def test_a_failing_feature_is_told_without_a_traceback(live: Served) -> None:
    query = urlencode({"datasource.revision.text": '""'})
    reply = ask(live, f"{V3}smallwiki/12?{query}")
    cells = scores(reply.json)["12"]
    assert cells["fragile"]["error"]["type"] == "CaughtDependencyError"
    assert "score" in cells["damaging"]
    assert b"Traceback" not in reply.body
    assert b".py" not in reply.body


# -- requests that are wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code", "message"),
    [
        ("nowiki/", 404, "not found", "No scorers available for nowiki"),
        ("nowiki/12/damaging", 404, "not found", "No scorers available for nowiki"),
        ("smallwiki/12/none", 404, "not found", "Models ('none',) not available for smallwiki"),
        ("smallwiki/?models=a|b", 404, "not found", "Models ('a', 'b') not available for smallwiki"),
        ("smallwiki/?models=", 404, "not found", "Models ('',) not available for smallwiki"),
        ("smallwiki/12/damaging/more", 404, "not found", "Nothing found at this location."),
        ("smallwiki/?revids=x", 400, "bad request", "Could not interpret revids. 'x' is not a revision id"),
        ("smallwiki/?revids=", 400, "bad request", "Could not interpret revids. '' is not"),
        ("smallwiki/?revids=1||2", 400, "bad request", "Could not interpret revids. '' is not"),
        ("smallwiki/?revids=-1", 400, "bad request", "'-1' is not a revision id"),
        ("smallwiki/?revids=-0", 400, "bad request", "give a whole number from 0 to 9223372036854775807"),
        ("smallwiki/%2012/", 400, "bad request", "' 12' is not a revision id: give a whole number from 0 to"),
        ("smallwiki/12/%20damaging", 404, "not found", "Models (' damaging',) not available for smallwiki"),
        ("smallwiki/?models=damaging|%20|goodfaith", 404, "not found", "Models ('',) not available"),
        ("smallwiki/?revids=1.0", 400, "bad request", "'1.0' is not a revision id"),
        ("smallwiki/?revids=9223372036854775808", 400, "bad request", "from 0 to 9223372036854775807"),
        ("smallwiki/?revids=%EF%BC%91", 400, "bad request", "is not a revision id"),
        ("smallwiki/" + "9" * 400, 400, "bad request", "is not a revision id"),
        ("smallwiki/abc/damaging", 400, "bad request", "Could not interpret revid. 'abc'"),
        ("smallwiki/12?features=maybe", 400, "bad request", "Could not interpret features."),
        ("smallwiki/12?format=xml", 400, "bad request", "Could not interpret format."),
        ("smallwiki/?model_info=nonsense", 400, "bad request", "could not be retrieved for nonsense"),
        ("smallwiki/?model_info=version.more", 400, "bad request", "could not be retrieved for more"),
        ("smallwiki/12?feature.test.chars={", 400, "bad request", "Could not interpret feature.test.chars"),
        ("smallwiki/12?feature.test.chars=NaN", 400, "bad request", "Could not interpret feature.test.chars"),
        ("smallwiki/12?feature.test.chars=1e400", 400, "bad request", "feature.test.chars"),
        ('smallwiki/12?feature.test.chars="x"', 400, "bad request", "feature.test.chars: must be a number"),
        ("smallwiki/12?feature.nonsense=1", 400, "bad request", "feature.nonsense: no such feature"),
        ("smallwiki/12?datasource.revision.text=5", 400, "bad request", "must be a string"),
        ("smallwiki/12?inject=5", 400, "bad request", "Could not interpret inject."),
        ("smallwiki/12?inject=[]", 400, "bad request", "Could not interpret inject."),
        ('smallwiki/12?inject={"12":3}', 400, "bad request", "Could not interpret inject."),
        ('smallwiki/12?inject={"x":{}}', 400, "bad request", "Could not interpret inject. 'x'"),
        ('smallwiki/12?inject={"13":{"feature.test.chars":1}}', 400, "bad request", "revision 13"),
        ('smallwiki/12?inject={"12":{', 400, "bad request", "It is not JSON"),
        ("smallwiki/12?models=%FF", 400, "bad request", "not percent-encoded UTF-8"),
    ],
)
def test_wrong_requests_say_what_is_wrong(
    live: Served, path: str, status: int, code: str, message: str
) -> None:
    found_status, found_code, found_message = ask(live, V3 + quote(path, safe="/?=&|%")).error
    assert (found_status, found_code) == (status, code)
    assert message in found_message


def test_more_than_fifty_ids_are_refused_in_the_legacys_words(live: Served) -> None:
    ids = "|".join(map(str, range(1, 52)))
    expected = (400, "bad request", "Too many values for 'revids' parameter.  Max of 50.")
    assert ask(live, f"{V3}smallwiki?revids={ids}").error == expected
    assert post_form(live, f"{V3}smallwiki", f"revids={ids}".encode()).error == expected


@pytest.mark.parametrize("value", ["[" * 200 + "]" * 200, '{"a":' * 40 + "1" + "}" * 40])
def test_deeply_nested_values_are_refused(live: Served, value: str) -> None:
    status, _, message = ask(live, f"{V3}smallwiki/12?feature.test.chars={quote(value)}").error
    assert status == 400
    assert "feature.test.chars" in message


def test_a_lone_surrogate_in_json_is_refused(live: Served) -> None:
    status, _, message = post_form(
        live, f"{V3}smallwiki/12", urlencode({"datasource.revision.text": r'"\ud800"'}).encode()
    ).error
    assert status == 400
    assert "datasource.revision.text" in message


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "nonsense"])
def test_a_body_of_another_kind_is_refused(live: Served, content_type: str) -> None:
    reply = ask(live, f"{V3}smallwiki/", method="POST", body=b"{}", content_type=content_type)
    if content_type == "nonsense":  # no media type at all counts as text/plain
        assert reply.status == 415
    assert reply.error[:2] == (415, "unsupported media type")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused_by_name(live: Served, method: str) -> None:
    reply = ask(live, f"{V3}smallwiki/", method=method)
    assert reply.error[:2] == (405, "method not allowed")
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.json["error"]["message"] == f"{method} cannot be used here; use GET, HEAD, POST."


@pytest.mark.parametrize("path", ["", "smallwiki/", "smallwiki/12/", "smallwiki/12/damaging/"])
def test_every_route_takes_a_form_as_it_takes_a_query(live: Served, path: str) -> None:
    asked = ask(live, f"{V3}{path}?model_info=version&format=json")
    posted = ask(live, V3 + path, method="POST", body=b"model_info=version&format=json")
    assert posted.status == asked.status == 200
    assert posted.json == asked.json


def test_too_many_fields_are_refused(live: Served) -> None:
    form = "&".join(f"feature.x{n}=1" for n in range(1001)).encode()
    assert post_form(live, f"{V3}smallwiki/12", form).error[0] == 400


def test_an_answer_tells_whether_it_was_computed(live: Served) -> None:
    def told(query: str) -> str | None:
        return ask(live, f"{V3}smallwiki/?models=damaging&{query}").headers.get("x-cache")

    # Ids that no other test asks for: all share one cache.
    once = told("revids=731")
    assert (once, told("revids=731"), told("revids=731|732")) == ("miss", "hit", "miss")
    assert told("revids=731&features") == "miss"  # computed anew, whatever the cache holds
    assert told(f"revids={GONE}") == told(f"revids={GONE}") == "miss"  # a problem is not kept
    assert told("") is None
