"""Wrong, lost and error are told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ConfigurationError
from assay.load.requests import Request
from assay.load.verify import Expectations, Verdict, breaks_rule, judge, revid_score, same
from load.answering import document

ASKED = Request("scores", "testwiki", (123, 1234), ("revid",), "/")
GOOD = {"prediction": False, "probability": {"true": 0.25, "false": 0.75}}
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _judge(answer: Any, request: Request = ASKED, expected: Expectations | None = None) -> Verdict:
    return judge(request, 200, orjson.dumps(answer), expected or Expectations())


def _cell(cell: Any, expected: Expectations | None = None) -> Verdict:
    answer = {"enwiki": {"models": {}, "scores": {"7": {"damaging": cell}}}}
    return _judge(answer, Request("scores", "enwiki", (7,), ("damaging",), "/"), expected)


def test_the_rule_is_the_one_that_ores_documents() -> None:
    """974623 gives 0.32; a lone digit 5 gives 0.50, which is not above one half."""
    assert revid_score(974623)["probability"]["true"] == 0.32
    assert revid_score(5) == {"prediction": False, "probability": {"true": 0.5, "false": 0.5}}
    assert revid_score(1289)["prediction"] is True


def test_a_right_answer_has_nothing_against_it() -> None:
    assert _judge(document(ASKED.rev_ids)) == Verdict(compared=2)


def test_a_score_that_breaks_the_rule_is_wrong() -> None:
    verdict = _judge(document(ASKED.rev_ids, lambda rev_id: revid_score(124)))
    assert len(verdict.wrong) == 2
    assert "testwiki 123 revid is" in verdict.wrong[0]


def test_a_wrong_score_is_told_beside_the_right_one_in_a_line() -> None:
    expected = Expectations({"enwiki": {"7": {"damaging": GOOD}}})
    bad = {**GOOD, "note": "x" * 1000}
    (told,) = _cell({"score": bad}, expected).wrong
    right = '{"prediction":false,"probability":{"true":0.25,"false":0.75}}'
    assert told.startswith(f"enwiki 7 damaging is {right[:-1]},")
    assert told.endswith(f", not {right}")
    assert len(told) < 500


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"otherwiki": {}},
        {"testwiki": []},
        {"testwiki": {"models": {}}},
        {"testwiki": {"models": {}, "scores": []}},
        document((123,)),
        document((123, 1235)),
    ],
)
def test_what_was_asked_and_is_not_there_is_wrong(answer: Any) -> None:
    assert _judge(answer).wrong


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"testwiki": {"scor', b"[]", b"7"])
def test_a_body_that_is_no_document_is_lost(body: bytes) -> None:
    assert judge(ASKED, 200, body, Expectations()) == Verdict(lost="malformed")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"error": {"code": "server overloaded", "message": "later"}}', "server overloaded"),
        (b"<html>Bad gateway</html>", "unreadable"),
        (b"[]", "unreadable"),
        (b'{"error": "text"}', "unreadable"),
    ],
)
def test_an_error_is_an_answer_whatever_its_body(body: bytes, code: str) -> None:
    assert judge(ASKED, 502, body, Expectations()) == Verdict(error=code)


def test_a_cell_may_be_an_error_with_our_code_or_with_the_type_of_ores() -> None:
    ours = _cell({"error": {"type": "TimeoutError", "code": "timed_out"}})
    assert ours == Verdict(cell_errors=("timed_out",))
    assert _cell({"error": {"type": "RevisionNotFound"}}) == Verdict(cell_errors=("RevisionNotFound",))


@pytest.mark.parametrize("cell", [None, {}, [], "x", {"features": {}}])
def test_a_cell_that_is_nothing_is_wrong(cell: Any) -> None:
    assert _cell(cell).wrong == ("enwiki 7 damaging is neither a score nor an error",)


def test_scores_are_compared_with_those_of_an_earlier_run(tmp_path: Path) -> None:
    learning = Expectations(is_learning=True)
    assert not _cell({"score": GOOD}, learning).wrong
    learning.save(tmp_path / "expected.json")
    expected = Expectations.read(tmp_path / "expected.json")
    assert expected.scores == {"enwiki": {"7": {"damaging": GOOD}}}
    assert not _cell({"score": GOOD}, expected).wrong
    assert _cell({"score": {**GOOD, "prediction": True}}, expected).wrong
    assert not _cell({"error": {"code": "timed_out"}}, expected).wrong


def test_a_server_that_contradicts_itself_is_noticed_while_recording() -> None:
    learning = Expectations(is_learning=True)
    assert not _cell({"score": GOOD}, learning).wrong
    assert _cell({"score": {**GOOD, "prediction": True}}, learning).wrong


def test_without_the_rule_the_test_model_may_say_anything() -> None:
    answer = document(ASKED.rev_ids, lambda rev_id: revid_score(1))
    assert not _judge(answer, expected=Expectations(knows_rule=False)).wrong


@pytest.mark.parametrize(
    ("name", "breaks"),
    [
        ("feature.delay", False),
        ("features", False),
        ("feature.revision.reversed_last_two_in_rev_id", True),
        ("datasource.revision.text", True),
        ("inject", True),
    ],
)
def test_which_parameters_change_the_test_models_scores(name: str, breaks: bool) -> None:
    assert breaks_rule([name]) is breaks


@pytest.mark.parametrize("kind", ["models", "wikis"])
def test_answers_without_scores_must_name_the_wiki(kind: Any) -> None:
    request = Request(kind, "testwiki", (), (), "/")
    assert _judge({"testwiki": {"models": {}}}, request) == Verdict()
    assert _judge({"enwiki": {"models": {}}}, request).wrong


def test_without_named_models_each_revision_needs_some_score() -> None:
    request = Request("scores", "testwiki", (123,), (), "/")
    assert _judge(document((123,)), request) == Verdict(compared=1)
    assert _judge({"testwiki": {"models": {}, "scores": {"123": {}}}}, request).wrong


def test_what_could_be_compared_is_told_from_what_nobody_knows() -> None:
    """A file of other revisions' scores finds nothing wrong with any server."""
    expected = Expectations({"enwiki": {"7": {"goodfaith": GOOD}, "8": {"damaging": GOOD}}})
    assert _cell({"score": GOOD}, expected) == Verdict(unknown=1)
    assert _cell({"error": {"code": "overloaded"}}, expected) == Verdict(cell_errors=("overloaded",))
    known = Expectations({"enwiki": {"7": {"damaging": GOOD}}})
    assert _cell({"score": GOOD}, known) == Verdict(compared=1)
    assert _cell({"score": {}}, known).compared == 1
    assert _cell({"score": GOOD}, Expectations(is_learning=True)).unknown == 1


@pytest.mark.parametrize("content", ["", "[]", '{"enwiki": []}', '{"enwiki": {"7": 1}}', "{"])
def test_a_file_that_holds_no_scores_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "expected.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"expected\.json"):
        Expectations.read(path)


@given(JSON)
def test_every_value_is_the_same_as_itself(value: Any) -> None:
    assert same(value, orjson.loads(orjson.dumps(value)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (0.3, 0.31),
        ({"a": 1}, {"a": 1, "b": 2}),
        ([1], [1, 1]),
        (None, {}),
        ("a", "b"),
        ([1], (1,)),
    ],
)
def test_other_values_are_not(one: Any, other: Any) -> None:
    assert not same(one, other)
    assert not same(other, one)


def test_the_last_digits_of_numbers_do_not_count() -> None:
    assert same({"true": 0.1 + 0.2}, {"true": 0.3})
