"""What the page for operators tells them to type, for tests to run as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "connect-your-wiki.md"
WIKI, ADDRESS = "clubwiki", "https://wiki.example.org/w/api.php"
FEED = "udp://127.0.0.1:9390"


def arguments(command: str, wiki: str, api_url: str) -> list[str]:
    """Of the first ``assay COMMAND`` on the page, with another wiki."""
    line = re.search(rf"^\$ \.venv/bin/assay {command} (.*)$", PAGE.read_text("utf-8"), re.M)
    assert line is not None, f"{PAGE.name} does not tell how to run assay {command}"
    return [word.replace(ADDRESS, api_url).replace(WIKI, wiki) for word in shlex.split(line[1])]


def feed_setting(uri: str, name: str = "assay") -> str:
    """The page's ``$wgRCFeeds``, for another address."""
    line = re.search(r"^\$wgRCFeeds.*$", PAGE.read_text("utf-8"), re.M)
    assert line is not None
    assert FEED in line[0]
    return line[0].replace(FEED, uri).replace("'assay'", f"'{name}'")
