"""A report for machines and for people, without secrets.

The document (a contract: the rollout's controller reads it)::

    {"version": 1, "release": "…", "ok": false, "seconds": 2.1,
     "checks": [{"check": "redis.claims", "subject": "10.0.0.1:6379/0", "outcome": "failed",
                 "said": "…", "todo": "…", "warnings": ["…"], "seconds": 0.012}, …]}

`outcome`: ``passed``, ``failed``, ``skipped`` (counts as failed), ``waived`` (left out because the operator
said so). `todo` is empty when nothing is to be done. Keys may be added; none changes its meaning
without a new version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.preflight.check import Failed, Outcome, Passed, Report, Result

VERSION: Final = 1
_STYLES: Final = {"passed": "green", "failed": "bold red", "skipped": "bold red", "waived": "yellow"}
_BLOT: Final = "[secret]"


class Blotter:
    """Blots secrets out of whatever is told: a library's error may repeat what it was given."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted(set(filter(None, secrets)), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """A text that is no longer than the longest secret it held tells nothing of it either."""
        for secret in self._secrets:
            text = text.replace(secret, _BLOT)
        return text


def outcome_word(outcome: Outcome) -> str:
    if isinstance(outcome, Passed):
        return "passed"
    if isinstance(outcome, Failed):
        return "failed"
    return "waived" if outcome.waived else "skipped"


def document(report: Report, blot: Blotter) -> dict[str, Any]:
    """As described above, ready for JSON."""
    return {
        "version": VERSION,
        "release": report.release,
        "ok": report.is_good,
        "seconds": round(report.seconds, 3),
        "checks": [_entry(result, blot) for result in report.results],
    }


def _entry(result: Result, blot: Blotter) -> dict[str, Any]:
    outcome = result.outcome
    return {
        "check": result.name,
        "subject": blot(result.subject),
        "outcome": outcome_word(outcome),
        "said": blot(outcome.said),
        "todo": blot(_todo(outcome)),
        "warnings": [blot(warning) for warning in _warnings(outcome)],
        "seconds": round(result.seconds, 3),
    }


def _todo(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Passed) else outcome.todo


def _warnings(outcome: Outcome) -> tuple[str, ...]:
    return outcome.warnings if isinstance(outcome, Passed) else ()


def print_table(report: Report, blot: Blotter, console: Console) -> None:
    """Every check with what it says; what is to be done stands below, where it is read last."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("check", "of", "outcome", "said"):
        table.add_column(heading, overflow="fold")
    for result in report.results:
        word = outcome_word(result.outcome)
        said = "; ".join(map(blot, (result.outcome.said, *_warnings(result.outcome))))
        cells = (Text(result.name), Text(blot(result.subject)), Text(word, _STYLES[word]), Text(said))
        table.add_row(*cells)
    console.print(table)
    bad = [result for result in report.results if not result.is_good]
    for result in bad:
        console.print(Text(f"\n{result.name} of {blot(result.subject)}:", "bold red"))
        console.print(Text(f"  {blot(_todo(result.outcome))}"))
    words = Counter(outcome_word(result.outcome) for result in report.results)
    counts = ", ".join(f"{words[word]} {word}" for word in _STYLES if words[word])
    verdict = "it may take traffic" if report.is_good else "it must not take traffic"
    console.print(
        Text(f"\n{counts} in {report.seconds:.1f} s", "bold"),
        Text(f"release {report.release}: {verdict}", "bold green" if report.is_good else "bold red"),
        sep="\n",
    )
