"""Assay tells people how good a wiki edit or article is.

The folders are floors, and imports only go down; docs/explanation/architecture.md draws them, and
import-linter checks them by pyproject.toml.
"""

from importlib.metadata import version

__version__ = version("assay")
