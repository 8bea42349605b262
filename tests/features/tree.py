"""Wikitexts that parsers fall over, and what mwparserfromhell's own tree says of their sections."""

from __future__ import annotations

from mwparserfromhell.wikicode import Wikicode

TRICKY = [
    "",
    "plain",
    "= 1 =\n== 2 ==\n=== 3 ===\n==== 4 ====\n===== 5 =====\n====== 6 ======\n======= 7 =======",
    "== open\n text == not a heading ==",
    "[[A]] [[B|b]] [[C|{{t}}|d]] [[bad\n]] [[open",
    "[http://a.b label] [http://c] http://d.e [//f.g h] [mailto:x@y z] [open http://i",
    "{{a}} {{b|c=d|{{e}}}} {{#if:x|y}} {{{arg|default}}} {{open",
    "{{ name <!-- c --> | x }} {{<!-- -->n}} {{a {{b}} }}",
    "<ref>a</ref><ref name='x' /><references/> <REF>b</REF> <b>open <br> <br/> </br> <li>x",
    '<div class="a" id=\'b\' style={{s}}>x</div> <span a = "b>c">d</span  > <ref name = x >y</ref >',
    "''i'' '''b''' '''''bi''''' ''open '''''a'' b''' ''''four'''' ''''''six''''''",
    "* a\n** b\n# c\n; t : d\n: e\n----\n-----x",
    "{|class=x\n! h !! i\n|-\n| a || b\n|-\n| c=d | e\n|}",
    "{|\n|+ caption\n| {|\n| nested\n|}\n|}\n {|\n|open",
    "<nowiki>{{not}} [[a]]</nowiki> <math>x</math> <pre>''a''</pre> <gallery>\nFile:a.jpg|b\n</gallery>",
    "<!-- {{c}} --> <!-- open {{d}}",
    "&amp; &#65; &#x41; &bogus; &nbsp; &#0;",
    "[[File:x.jpg|thumb|A [[link]] and {{t|u}} ''here'']]",
    "a\n\n\n\nb\n\n\n[[c|\n\n\n\nd]]",
    "a b\n\n\n== b ==\nb == b ==\n== [[c|d]] &amp; ''e'' ==\n=== {{t}} ===\n== ==\n\n\n\n= f =",
    "''a\n== b ==\n\n\n'''c\n=== d ===\n\n''\ne",
    "a\n<div>\n\n== b ==\n</div>\n\n\nc\n<div>\n\n\n== d ==\ne\n\n\n\nf\n\n</div>g",
    "<ref>a\n== b ==\nc</ref>d\n{{t|\n== e ==\n}}",
    "[[File:f.jpg|g\n== h ==\ni]]\n{|\n|\n== j ==\nk\n|}\n<br>l",
]
PIECES = sorted({piece for text in TRICKY for piece in text.split(" ")})
"""To make up texts from."""


def sections(code: Wikicode) -> list[tuple[int, list[str]]]:
    """(level, words) of each readable section: what is read when the headings' levels are readable, too."""
    mark = next(mark for mark in map(chr, range(0xE000, 0xF8FF)) if mark not in code)
    for heading in code.filter_headings():
        heading.title.insert(0, f"{mark}{heading.level}")
    before, *others = code.strip_code().split(mark)
    return [(0, before.split()), *((int(other[0]), other[1:].split()) for other in others)]
