"""Commands whose modules are imported when they are run, so that a small one needs nothing of a large one."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


class Later(TyperCommand):
    """A command by its name, the module that registers it, and the first paragraph of its help."""

    def __init__(self, name: str, module: str, told: str) -> None:
        super().__init__(name, help=told)
        self._module = module

    def command(self) -> Any:
        """The command itself; imports its module."""
        part = typer.Typer(callback=lambda: None)
        import_module(self._module).register(part)
        assert self.name is not None
        return typer.main.get_group(part).commands[self.name]

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """The command's own, so that all that follows is the command's, too."""
        return self.command().make_context(info_name, args, parent, **extra)


def group_of(commands: Sequence[Later]) -> type[TyperGroup]:
    """For ``typer.Typer(cls=…)``: a group of these, in this order, before those that are registered."""

    class Group(TyperGroup):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            own = dict(self.commands)
            self.commands = {str(command.name): command for command in commands}
            self.commands |= own

    return Group
