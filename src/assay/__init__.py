"""Assay tells people how good a wiki edit or article is.

The folders are floors, and imports only go down (checked by import-linter)::

    cli > compose > settings > serving > scoring > models | stores > features > revisions
        > errors | clock | telemetry
"""

from importlib.metadata import version

__version__ = version("assay")
