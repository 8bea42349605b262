"""What happened on a real wiki: whatever MediaWiki can do to a revision, done once, by name.

past = live(wiki)
past["hidden text"]  # the id of a revision whose text was hidden
"""

from __future__ import annotations

from typing import Final

from assay.revisions.files.compressed import open_stream
from servers.real_mediawiki import ADMIN, OVERSIGHT, TIDY_BOT, TROLL, VERA, WILLI, RealMediaWiki
from servers.wiki_client import Saved, WikiClient
from shared_data import shared

STRANGE: Final = (
    "تفاح أخضر עברית \u202eRTL\u202c 🍏 é ﬁ \u00a0\u200b {{deep|{{nested}}}}\n\n"
    "<nowiki>&amp; &#xD800;</nowiki> ''it''"
)
LARGE: Final = "0123456789 abcde\n" * (2**21 // 17)
"""Just below `$wgMaxArticleSize`, 2 MiB."""

REAL_PAGES: Final = 12
_HALF: Final = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
<page><title>Half</title><ns>0</ns><id>1</id>
<revision><id>1</id><timestamp>2020-01-01T00:00:01Z</timestamp><contributor><ip>192.0.2.1</ip></contributor>
<model>wikitext</model><format>text/x-wiki</format><text>one</text></revision>
<revision><id>2</id><timestamp>2020-01-01T00:00:02Z</timestamp><contributor><username>Faye</username><id>9</id>
</contributor><minor/><model>wikitext</model><format>text/x-wiki</format><text>two</text></revision>
</page></mediawiki>"""


class Past(dict[str, int]):
    """Ids of revisions by what was done to them."""

    def keep(self, name: str, saved: Saved) -> Saved:
        assert saved.rev_id is not None, f"{name}: nothing was saved"
        self[name] = saved.rev_id
        return saved


def live(wiki: RealMediaWiki) -> Past:
    """Some hundred edits and everything that is done to edits afterwards."""
    past = Past()
    import_real_pages(wiki)
    vera, willi, admin = wiki.log_in(VERA), wiki.log_in(WILLI), wiki.log_in(ADMIN)
    _edit(past, wiki, vera, willi)
    _save_strange_things(past, vera)
    _hide(past, willi, admin, wiki.log_in(OVERSIGHT))
    _delete(past, wiki, vera, admin)
    _move_and_protect(past, vera, admin)
    past.keep("hidden account", wiki.log_in(TROLL).edit("Fence", "climbed"))
    wiki.log_in(OVERSIGHT).hide_account(TROLL.name)
    wiki.run_jobs()
    return past


def import_real_pages(wiki: RealMediaWiki) -> None:
    """The first pages of a small Wikipedia; their authors are unknown here."""
    wiki.import_pages(_cut(_small_wikipedia(), b"</page>", REAL_PAGES, b"</mediawiki>"))


def _small_wikipedia() -> bytes:
    with open_stream(shared("data/dumps/aawiki-20260101-pages-meta-history.xml.7z")) as stream:
        return b"".join(iter(lambda: stream.read(2**20), b""))


def _cut(xml: bytes, end: bytes, count: int, closing: bytes) -> bytes:
    """The first `count` elements that end so."""
    place = 0
    for _ in range(count):
        place = xml.index(end, place) + len(end)
    return xml[:place] + closing


def _edit(past: Past, wiki: RealMediaWiki, vera: WikiClient, willi: WikiClient) -> None:
    past.keep("creation", vera.edit("Lighthouse", "It stands.", "new page"))
    past.keep("edit", willi.edit("Lighthouse", "It stands.\n\nIt is on.", "[[/* Light */]] on", minor=1))
    past.keep("anonymous", wiki.reader().edit("Lighthouse", "IT IS OFF!!!"))
    past.keep("rollback", wiki.log_in(ADMIN).rollback("Lighthouse", "127.0.0.1"))
    past.keep("bot", wiki.log_in(TIDY_BOT).edit("Lighthouse", "It stands.\n\nIt is on!", "tidy", bot=1))
    assert vera.edit("Lighthouse", "It stands.\n\nIt is on! ").rev_id is None, "blanks at the end are cut"
    past.keep("blanked", vera.edit("Lighthouse", "", "gone"))
    past.keep("undo", willi.undo("Lighthouse", past["blanked"]))
    _quarrel(past, vera, willi)


def _quarrel(past: Past, vera: WikiClient, willi: WikiClient) -> None:
    """Reverts of every kind that MediaWiki itself marks."""
    past.keep("peace", vera.edit("Border", "Here.\n\nThere.\n\nYonder."))
    past.keep("reverted first", willi.edit("Border", "Here!\n\nThere.\n\nYonder."))
    past.keep("reverted second", willi.edit("Border", "Mine."))
    past.keep("reverted by hand", vera.edit("Border", "Here.\n\nThere.\n\nYonder.", "no"))
    past.keep("regretted", vera.edit("Border", "Here?"))
    past.keep("self-revert", vera.edit("Border", "Here.\n\nThere.\n\nYonder."))
    past.keep("undone from between", willi.edit("Border", "HERE.\n\nThere.\n\nYonder."))
    past.keep("kept", vera.edit("Border", "HERE.\n\nThere.\n\nYonder, too."))
    past.keep("undo from between", vera.undo("Border", past["undone from between"]))


def _save_strange_things(past: Past, vera: WikiClient) -> None:
    past.keep("strange", vera.edit("عربي 🍏", STRANGE, "עברית \u202e 🍏 <b>&amp;"))
    past.keep("half a character", vera.edit("Half a character", "before \ud800 after"))
    past.keep("large", vera.edit("Large", LARGE))
    past.keep("script", vera.edit("User:Vera/common.js", "alert( '<b>' );"))
    past.keep("style", vera.edit("User:Vera/common.css", "a { color: red }"))
    past.keep("json", vera.edit("User:Vera/data.json", '{"a":   1}'))
    past.keep("talk", vera.edit("Talk:Lighthouse", "Is it on? ~~~~"))
    past.keep("empty page", vera.edit("Talk:Nothing", "", createonly=1))


def _hide(past: Past, willi: WikiClient, admin: WikiClient, oversight: WikiClient) -> None:
    """The text of a page's latest revision cannot be hidden, so that another edit follows."""
    for number, (name, parts) in enumerate(
        {
            "hidden text": ["content"],
            "hidden user": ["user"],
            "hidden comment": ["comment"],
            "hidden wholly": ["content", "user", "comment"],
        }.items()
    ):
        saved = past.keep(name, willi.edit("Quarry", f"Stone {number}, {name}", f"about {name}"))
        past.keep(f"after {name}", willi.edit("Quarry", f"Sand {number}"))
        assert saved.rev_id is not None
        admin.hide(saved.rev_id, *parts)
    suppressed = past.keep("suppressed", willi.edit("Quarry", "An address", "and a name"))
    past.keep("after suppressed", willi.edit("Quarry", "Gravel"))
    assert suppressed.rev_id is not None
    oversight.hide(suppressed.rev_id, "content", "user", "comment", suppress=True)


def _delete(past: Past, wiki: RealMediaWiki, vera: WikiClient, admin: WikiClient) -> None:
    past.keep("deleted", vera.edit("Ruin", "It falls."))
    admin.delete("Ruin")
    past.keep("undeleted", vera.edit("Phoenix", "It burns."))
    admin.delete("Phoenix")
    admin.undelete("Phoenix")
    wiki.import_pages(_HALF.encode())
    admin.delete("Half")
    admin.undelete("Half", "2020-01-01T00:00:02Z")
    past.keep("after a deleted one", vera.edit("Half", "three"))


def _move_and_protect(past: Past, vera: WikiClient, admin: WikiClient) -> None:
    past.keep("moved", vera.edit("Old name", "It moves."))
    admin.move("Old name", "New name")
    past.keep("protected", vera.edit("Castle", "It is shut."))
    admin.protect("Castle")
