"""The `assay` command. Each module holds one command's arguments; what is done stands on the floors below."""

from __future__ import annotations

import errno
import sys
from typing import Annotated, Final, NoReturn

import typer

from assay import __version__
from assay.cli.lazy import Later, group_of
from assay.cli.standard_streams import give_up_output, open_closed, take_any_text
from assay.errors import AssayError
from assay.releases.hold import hold_own

COMMANDS: Final = (
    Later(
        "serve",
        "assay.cli.serve",
        "Serve scores over HTTP, with a page to look at them. Without --wiki: the sample wiki.",
    ),
    Later(
        "web",
        "assay.cli.web",
        "Serve scores that workers compute: one of any number of web processes, which share "
        "everything by Redis.",
    ),
    Later(
        "worker",
        "assay.cli.worker",
        "Compute what web processes of the same release ask for. Give it the same wikis and bundles.",
    ),
    Later(
        "precache",
        "assay.cli.precache",
        "Follow wikis' edits and have each scored as it happens, by a running Assay with the same "
        "configuration.",
    ),
    Later(
        "up",
        "assay.cli.up",
        "Start Redis, web processes and workers on this machine, under a supervisor, until INT or TERM.",
    ),
    Later(
        "preflight",
        "assay.cli.preflight",
        "Prove that a node with `assay web` and `assay worker` works, before it takes traffic.",
    ),
    Later(
        "score",
        "assay.cli.score",
        "Score revisions: a few by id, a list, or a whole dump; here, or with --url by a running server.",
    ),
    Later(
        "label",
        "assay.cli.label",
        "Label each revision by identity reverts, as tab-separated values, page by page in time order.",
    ),
    Later(
        "extract",
        "assay.cli.train",
        "Compute the rows that a recipe learns from: features, labels, and what splits need.",
    ),
    Later(
        "train",
        "assay.cli.train",
        "Train, measure and write a bundle with its card. The same rows and recipe give the same bytes.",
    ),
    Later(
        "evaluate",
        "assay.cli.train",
        "Measure a bundle on labelled rows; prints ORES's statistics and ours as JSON.",
    ),
    Later(
        "card",
        "assay.cli.train",
        "Print a model's card: what it is for, what it was learned from, how good it is and for whom.",
    ),
    Later("pool", "assay.cli.pool", "Put a data centre, or a slot of one, back."),
    Later(
        "depool",
        "assay.cli.pool",
        "Take a data centre, or a slot of one, out of users' traffic, without a failed request.",
    ),
    Later(
        "drill",
        "assay.cli.drill",
        "Roll out releases with seeded defects in two data centres on this machine, while users ask.",
    ),
    Later("config", "assay.cli.config", "Show, check and compare configurations."),
    Later("release", "assay.cli.release", "Build, prove and publish releases; put them into slots."),
    Later("rollout", "assay.cli.rollout", "Move users to another release, step by step, and back by itself."),
    Later("bench", "assay.cli.bench", "Measure a running server."),
)
"""All of them, in the order of the help. A test proves that each tells what its module tells."""


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"assay {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print Assay's version."),
    ] = False,
) -> None:
    """What stands before any command."""


app = typer.Typer(
    name="assay",
    cls=group_of(COMMANDS),
    callback=_root,
    help="Scores wiki edits and articles with machine-learned models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run a command. Exit status: 1 an error, told in a sentence, such as a result that standard output does
    not take; 2 wrong usage; 130 interrupted."""
    closed = open_closed()
    take_any_text()
    try:
        _run()
    except AssayError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:  # the system refused: no rights, no space left
        if error.errno == errno.EBADF and "stdout" in closed:
            _fail("standard output is closed: give it a file, or /dev/null")
        place = f"{error.filename}: " if error.filename else ""
        _fail(f"{place}{error.strerror or error}: mend it and run again")


def _run() -> None:
    """With all that is written on its way: what only the end of the process finds out is nobody's to tell."""
    hold_own()
    try:
        app()
    except SystemExit:
        sys.stdout.flush()
        raise


def _fail(sentence: str) -> NoReturn:
    print(f"assay: {sentence}", file=sys.stderr)  # noqa: T201
    try:
        sys.stdout.flush()
    except OSError:
        give_up_output()
    sys.exit(1)
