"""Made-up texts on which scoring may stumble: what wikis hold rarely, but hold.

A crash on one text in two hundred is found by asking for many different texts, and sooner by asking for odd
ones. Each piece is something that broke a parser somewhere: unclosed and deeply nested markup, letters of
many alphabets, marks without a letter, no words at all. Texts are drawn from pieces and ordinary sentences,
so that no two are alike; all are short enough to cost milliseconds.
"""

from __future__ import annotations

import random
from typing import Final

MAX_PIECES: Final = 6
ORDINARY: Final = (
    "The '''river''' rises in the [[Black Forest]] and is 34 km long.<ref>{{cite web|url=https://e.org}}</ref>",
    "== History ==\nIt was built in [[1871]] by {{nowrap|J. Smith}} and his sons.\n\n* one\n* two\n",
    "{{Infobox settlement\n| name = Somewhere\n| population = 12,345\n| image = [[File:A.jpg|thumb]]\n}}",
    "In 2019 the team won 3–1 (2–0 at half-time) before 40,000 spectators.",
    "[[Category:Rivers of Europe]]\n[[de:Fluss]]\n{{DEFAULTSORT:River}}",
)
"""What most texts are made of."""
ODD: Final = (
    "",
    " \t\r\n\u00a0\u2028\u2029\u0085",
    "\x00\x01\x07\x1b[31m\x7f",
    "\ufeff\u200b\u200d\u2060\u00ad",
    "\u202e\u0631\u062c\u0644 \u05e2\u05d1\u05e8\u05d9\u05ea\u202c",
    "e\u0301\u0327\u0489" * 40,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\U0001f1e9\U0001f1ea\U0001f3f3\ufe0f\u200d\U0001f308",
    "\u4e2d\u6587\u7ef4\u57fa\u767e\u79d1\u65e0\u7a7a\u683c" * 30,
    "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0915\u094d\u0937\u0924\u094d\u0930\u093f\u092f "
    "\u1019\u103c\u1014\u103a\u1019\u102c",
    "\u0130\u0131\u1e9e\ufb01\u01c4\u03c2\u017f",
    "\u0660\u0661\u0662 \u00b2\u2167\u00bd 1e999 -0 0x1F 1,2,3.4.5",
    "{{" * 200,
    "}}" * 200,
    "[[" * 150 + "a" + "]]" * 149,
    "{{{{{{1|}}}|{{{2|}}}}}}}",
    "{|\n|-\n| a || b\n|-\n|" * 20,
    "<ref>" * 60 + "</ref>",
    "<nowiki><!-- --><math>x</nowiki>--></math>",
    "<!--" + "-" * 300,
    "'" * 301,
    "=" * 199 + "\n",
    ":" * 120 + "#*;" * 40,
    "http://" * 50,
    "[https://[::1]:99999/%zz?a=b#c d] [//x] mailto:a@b@c",
    "a" * 3000,
    "aA1!" * 400,
    "!?" * 500,
    "lol " * 300,
    "\\\\\\" + "(" * 100 + "a+" * 60 + "$",
    "~~~~~ __TOC__ {{subst:#if:}} #REDIRECT [[#]]",
    "|" * 400,
    "&#x110000; &#0; &amp;amp; &nosuch; &#xD800;",
    "ISBN 0-00-000000-0 RFC 1 PMID 2 \u200fISBN",
    "\n" * 500,
    "<" * 200 + ">" * 200,
)
"""Each has been somebody's crash."""


def made_text(chance: random.Random) -> str:
    """A text that is most likely another one each time: pieces, half of them odd, between words."""
    pieces = [
        chance.choice(ODD if chance.random() < 0.5 else ORDINARY)
        for _ in range(chance.randint(1, MAX_PIECES))
    ]
    return f" {chance.randrange(10**9)} ".join(pieces) + f"\n{chance.randrange(10**9):x}"
