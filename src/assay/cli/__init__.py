"""The `assay` command. Each module holds one command's arguments; what is done stands on the floors below."""

from __future__ import annotations

import sys

import typer

from assay.cli import (
    bench,
    config,
    drill,
    label,
    precache,
    preflight,
    release,
    rollout,
    score,
    serve,
    train,
    up,
    web,
)
from assay.errors import AssayError

app = typer.Typer(
    name="assay",
    help="Scores wiki edits and articles with machine-learned models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for module in (
    serve,
    web,
    precache,
    up,
    preflight,
    score,
    label,
    train,
    config,
    release,
    rollout,
    drill,
    bench,
):
    module.register(app)


def main() -> None:
    """Run a command. Exit status: 1 an error, told in a sentence; 2 wrong usage; 130 interrupted."""
    try:
        app()
    except AssayError as error:
        print(f"assay: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:  # the system refused: no rights, no space left
        place = f"{error.filename}: " if error.filename else ""
        print(f"assay: {place}{error.strerror or error}: mend it and run again", file=sys.stderr)  # noqa: T201
        sys.exit(1)
