"""A text's tokens, counted without its single blanks, are those of its whole list."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from assay.features.text.lexer import KINDS, lex
from assay.features.text.tokens import Tokens, tokenize

texts = st.text(st.sampled_from("ab AB1.,'[]=<>\n\t &;漢é") | st.characters(), max_size=40)


@given(texts)
@example("")
@example(" ")
@example("a b  c \t d\n \n e ")
def test_a_texts_tokens_are_those_of_its_list(text: str) -> None:
    counted, listed = tokenize(text), Tokens(lex(text), text)
    assert len(counted) == len(listed)
    assert dict(counted.counts) == dict(listed.counts)
    assert counted.totals == listed.totals
    assert counted.longest == listed.longest
    assert list(counted) == list(listed)


@given(texts)
def test_each_token_is_counted_once_in_its_kind(text: str) -> None:
    tokens = tokenize(text)
    assert sum(tokens.totals) == len(tokens)
    assert tokens.total("word") == tokens.totals[KINDS.index("word")] + tokens.total("uppercase_word")
