"""Why a revision, or a part of one, cannot be used: values, not exceptions.

A problem sits exactly where the missing thing would be: in place of the whole
revision (it does not exist) or in one field of it (its text is hidden). A model that never reads
the field is not disturbed; one that does answers with this problem in its cell.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.revisions.called import called


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason, told to machines and to people.

    `code`: stable, ours. `type`: the exception name that ORES put in the same place, which its
    clients compare. `retryable`: asking again later may succeed. `message`: for people.
    """

    code: str
    type: str
    message: str
    retryable: bool = False


def revision_not_found(rev_id: int) -> Problem:
    """The wiki has no such revision, or deleted it together with its page. An id of 0 is one that was asked
    for: nobody looks for a text that is not saved."""
    return Problem("revision_not_found", "RevisionNotFound", f"Could not find revision {rev_id}.")


def parent_not_found(rev_id: int, parent_id: int) -> Problem:
    """The revision names a parent that is deleted, not in the dump, or was never imported."""
    return Problem(
        "parent_not_found",
        "RevisionNotFound",
        f"Could not find revision {parent_id}, the parent of {called(rev_id)}.",
    )


def text_deleted(rev_id: int) -> Problem:
    """The text is hidden from the public (revision deletion, suppression)."""
    return Problem("text_deleted", "TextDeleted", f"The text of {called(rev_id)} is hidden.")


def text_missing(rev_id: int) -> Problem:
    """The export lists the revision without its text, though nobody hid it."""
    return Problem("text_missing", "TextDeleted", f"The text of {called(rev_id)} is not in the export.")


def user_deleted(rev_id: int) -> Problem:
    """The name of the revision's author is hidden from the public."""
    return Problem("user_deleted", "UserDeleted", f"The user of {called(rev_id)} is hidden.")


def comment_deleted(rev_id: int) -> Problem:
    """The edit summary is hidden from the public."""
    return Problem("comment_deleted", "CommentDeleted", f"The comment of {called(rev_id)} is hidden.")


def unexpected_content_model(rev_id: int, content_model: str) -> Problem:
    """The revision is not wikitext (CSS, JSON, JavaScript, a Wikibase item, …)."""
    return Problem(
        "unexpected_content_model",
        "UnexpectedContentType",
        f"{called(rev_id).capitalize()} has the content model {content_model!r}; "
        "only 'wikitext' can be scored.",
    )


def page_creation(rev_id: int) -> Problem:
    """The revision created its page, and the model needs a parent to compare with."""
    return Problem(
        "page_creation",
        "RevisionNotFound",
        f"{called(rev_id).capitalize()} created its page: it has no parent, and this model needs one.",
    )


def text_too_large(rev_id: int, size_bytes: int, limit_bytes: int) -> Problem:
    """The text is larger than this server accepts."""
    return Problem(
        "text_too_large",
        "TextTooLarge",
        f"The text of {called(rev_id)} has {size_bytes} bytes; the limit is {limit_bytes}.",
    )


def answer_too_large(rev_id: int) -> Problem:
    """The text is larger than all that the wiki's API gives in one answer."""
    return Problem(
        "text_too_large",
        "TextTooLarge",
        f"{called(rev_id).capitalize()} is larger than the wiki's API answers at once: "
        "raise its $wgAPIMaxResultSize.",
    )


def source_failed(rev_id: int, reason: str) -> Problem:
    """The wiki did not give the revision this time (time-out, rubbish, an error of its own)."""
    return Problem(
        "source_unavailable",
        "RequestError",
        f"{called(rev_id).capitalize()} could not be fetched: {reason}",
        retryable=True,
    )
