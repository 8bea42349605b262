"""What a drill found, as a table: for people at a terminal, and in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.drill.row import MOST_USERS, Row

COLUMNS = (
    "defect",
    "after",
    "caught in",
    "by",
    "most users on it",
    "their requests",
    "asked meanwhile",
    "user-visible errors",
    "seconds until caught",
    "seconds to safety",
)


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table, as text."""
    caught = "went through" if row.caught is None else row.caught
    return (
        row.defect.title,
        row.defect.source,
        caught,
        row.by,
        f"{row.weight} %",
        str(row.served),
        str(row.asked),
        str(len(row.incidents)),
        f"{row.caught_s:.0f}",
        "–" if row.caught is None else f"{row.safety_s:.1f}",
    )


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown, and a sentence about all of it."""
    lines = [COLUMNS, ("---",) * len(COLUMNS), *map(cells, rows)]
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines] + ["", summary(rows)])


def summary(rows: Sequence[Row]) -> str:
    """All in one sentence."""
    asked, hurt = sum(row.asked for row in rows), sum(len(row.incidents) for row in rows)
    right = sum(row.is_right for row in rows)
    took_s = sum(row.took_s for row in rows)
    return (
        f"{right} of {len(rows)} rollouts ended as they should; users asked {asked} times meanwhile, "
        f"and {hurt} answers were wrong or missing; {took_s:.0f} s in all."
    )


def faults(rows: Sequence[Row]) -> Iterator[str]:
    """What is not as it should be, for the exit status and for whoever must mend it."""
    for row in rows:
        if row.is_right:
            continue
        if row.incidents:
            yield f"{row.defect.name}: {len(row.incidents)} user-visible errors: {row.incidents[0].what}"
        elif not row.asked:
            yield f"{row.defect.name}: no user asked anything meanwhile"
        elif not row.is_over:
            yield f"{row.defect.name}: it did not end, in {row.caught}: {row.reason}"
        elif row.defect.is_harmless and row.caught is None:
            met = f"{row.served} of their requests at {row.weight} %"
            yield f"{row.defect.name} went through, but not to all users: {met}"
        elif row.defect.is_harmless:
            yield f"{row.defect.name} is harmless, but was stopped in {row.caught}: {row.reason}"
        elif row.caught is None:
            yield f"{row.defect.name}: it went through"
        elif row.weight >= MOST_USERS:
            yield f"{row.defect.name}: {row.weight} % of users had it before it was caught in {row.caught}"
        elif not row.is_in_time:
            latest = row.defect.latest
            caught = f"{row.caught}: {row.reason}"
            yield f"{row.defect.name} must be caught in {latest} at the latest, not in {caught}"
        else:
            words = " or ".join(repr(words.strip(": ")) for words in row.defect.by)
            yield f"{row.defect.name} must be caught by {words}, not, in {row.caught}, by: {row.reason}"
