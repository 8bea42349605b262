"""A group of options is to Typer what its fields are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner, Result

from assay.cli.groups import grouped

Name = Annotated[list[str] | None, typer.Option("--name", "-n", help="Who.")]


@dataclass(frozen=True)
class Size:
    width: Annotated[int, typer.Option(min=1, help="How wide.")] = 3
    height: Annotated[int | None, typer.Option(help="How high.")] = None


@dataclass(frozen=True)
class Owner:
    name: Name = None


def test_what_was_given_comes_in_its_group() -> None:
    assert (
        run("a", "--width", "7", "-n", "x", "-n", "y")
        == "a Size(width=7, height=None) Owner(name=['x', 'y'])"
    )


def test_what_was_not_given_is_as_the_group_says() -> None:
    assert run("a", "--height", "2") == "a Size(width=3, height=2) Owner(name=None)"


def test_limits_hold_and_the_help_tells_options_in_their_places() -> None:
    assert invoked("a", "--width", "0").exit_code == 2
    told = run("--help")
    places = [told.index(word) for word in ("WHAT", "--width", "--height", "--last", "--name")]
    assert places == sorted(places)
    assert "Draws it." in told


@grouped
def draw(
    what: Annotated[str, typer.Argument(metavar="WHAT")], *, size: Size, last: bool = False, owner: Owner
) -> None:
    """Draws it."""
    typer.echo(f"{what} {size} {owner}")


def invoked(*words: str) -> Result:
    app = typer.Typer()
    app.command()(draw)
    return CliRunner().invoke(app, words, env={"COLUMNS": "120", "NO_COLOR": "1"})


def run(*words: str) -> str:
    ran = invoked(*words)
    assert ran.exit_code == 0, ran.output
    return ran.output.strip()
