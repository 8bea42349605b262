"""Tokens: cases by hand, laws for any text, and linear time in hostile ones."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.features.text import lexer
from assay.features.text.lexer import KINDS, kind_of, lex, lex_but_blanks
from shared_data import ROOT

CASES = [
    ("", []),
    ("Hello, world!!", ["Hello", ",", " ", "world", "!!"]),
    ("don't 'quoted' dogs' ", ["don't", " ", "'", "quoted'", " ", "dogs'", " "]),
    ("'''bold''' ''it''", ["'''", "bold", "'''", " ", "''", "it", "''"]),
    ("a\nb\n\nc\n \n\n d", ["a", "\n", "b", "\n\n", "c", "\n \n\n", " ", "d"]),
    ("see http://x.org/a?b=1 or //y.z/", ["see", " ", "http://x.org/a?b=1", " ", "or", " ", "//y.z/"]),
    ("mailto:a@b.c news:x http: //", ["mailto:a@b.c", " ", "news:x", " ", "http", ":", " ", "/", "/"]),
    ("http_x:y", ["http_x", ":", "y"]),
    ("[[A|b]] [x]", ["[[", "A", "|", "b", "]]", " ", "[", "x", "]"]),
    ("{{t|1.5}} {|\n|}", ["{{", "t", "|", "1", ".", "5", "}}", " ", "{|", "\n", "|", "}"]),
    ('<ref name="a">b</ref>', ['<ref name="a">', "b", "</ref>"]),
    ("<ref name=a/><br />", ["<ref name=a/>", "<br />"]),
    ("<!-- c --> a < b", ["<!--", " ", "c", " ", "-->", " ", "a", " ", "<", " ", "b"]),
    ("== H ==", ["==", " ", "H", " ", "=="]),
    ("&nbsp; & &x", ["&nbsp;", " ", "&", " ", "&", "x"]),
    ("3rd 2³ x²", ["3", "rd", " ", "2", "³", " ", "x²"]),
    ("日本語。かな", ["日", "本", "語", "。", "か", "な"]),
    ("हिन्दी العربية", ["हिन्दी", " ", "العربية"]),
    ("Ünïcode_word été", ["Ünïcode_word", " ", "été"]),
]

KIND_CASES = [
    ("word", "word"),
    ("WORD", "uppercase_word"),
    ("I", "word"),
    ("McX", "word"),
    ("A1", "word"),
    ("ÉTÉ", "uppercase_word"),
    ("12", "number"),
    ("'''", "markup"),
    ("''", "other"),
    ("==", "markup"),
    ("{|", "markup"),
    ("{", "markup"),
    ("]]", "markup"),
    ("|", "other"),
    ("(", "other"),
    (" \t", "whitespace"),
    ("\n", "whitespace"),
    ("\n\n", "break"),
    ("...", "punctuation"),
    ("。", "punctuation"),
    ("http://a.b", "url"),
    ("&amp;", "entity"),
    ("漢", "cjk"),
    ("<br>", "other"),
    ("<", "other"),
    ("-", "other"),
]

wikitext = st.text(
    st.sampled_from("ab A_1.,'’:;!?=|[](){}<>/-&#\n\r\t*\"漢。अع\u2028é\x00\ud800") | st.characters(),
    max_size=60,
)


@pytest.mark.parametrize(("text", "tokens"), CASES)
def test_cuts_as_the_legacy_did(text: str, tokens: list[str]) -> None:
    assert lex(text) == tokens


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Python 3.11.0 to 3.11.4, Debian 12's among them, would read on from the wrong place (gh-106052)."""
    sources = (ROOT / "src").rglob("*.py")
    possessive = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")
    assert [str(path) for path in sources if possessive.search(path.read_text("utf-8"))] == []


def test_every_python_of_this_machine_cuts_alike() -> None:
    script = "import json, runpy, sys\nlex = runpy.run_path(sys.argv[1])['lex']\n"
    script += (
        "ok = sys.version_info >= (3, 11)\nprint(json.dumps(ok and [lex(t) for t in json.load(sys.stdin)]))"
    )
    names = ("/usr/bin/python3", "python3.11", "python3.12", "python3.13")
    texts = json.dumps([text for text, _ in CASES])
    for python in dict.fromkeys([sys.executable, *filter(None, map(shutil.which, names))]):
        command = [python, "-I", "-c", script, lexer.__file__]
        done = subprocess.run(command, input=texts, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode == 0 and (told := json.loads(done.stdout)):  # else too old, or no real Python
            assert told == [tokens for _, tokens in CASES], python


@pytest.mark.parametrize(("token", "kind"), KIND_CASES)
def test_kind_of_a_token(token: str, kind: str) -> None:
    assert kind_of(token) == kind
    assert kind in KINDS


@given(wikitext)
def test_joined_tokens_are_the_text(text: str) -> None:
    assert "".join(lex(text)) == text


@given(st.lists(st.sampled_from(["<", "<a", "</", "http:", "//", "x>", ">", " ", "-->", "y"]), max_size=12))
def test_many_tags_that_never_end_change_no_token(pieces: list[str]) -> None:
    text = "".join(pieces) + "<b " * 80
    assert lex(text) == lexer._TOKENS[0].findall(text)
    assert lex_but_blanks(text) == lexer._VISIBLE[0].findall(text)


@given(wikitext)
@example("a \t b  c")
@example("\u3000 \u3000")
@example("a \n \nb ")
def test_leaving_out_single_blanks_changes_no_other_token(text: str) -> None:
    tokens, visible = lex(text), lex_but_blanks(text)
    assert [token for token in visible if token != " "] == [token for token in tokens if token != " "]
    missing = len(text) - len("".join(visible))
    assert missing + visible.count(" ") == tokens.count(" ")


@pytest.mark.parametrize(
    "piece",
    ["a", " ", "<ref ", "<ref a='", "\n", "\n ", "&a", "'", "x'", "http:", "[[", "漢", "\r", "\u0964", "="],
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    """A quadratic lexer would need hours for these; the suite's time limit is the assertion."""
    text = piece * (1_000_000 // len(piece))
    assert sum(map(len, lex(text))) == len(text)
    assert sum(map(len, lex_but_blanks(text))) <= len(text)
