"""Every setting of Assay, from files, environment variables and flags, checked all at once.

Layers, each over the one before: defaults; the files that ``ASSAY_CONFIG`` names; an environment's folder
(``base.toml``, ``<environment>.toml``, ``secrets/<environment>/``); further files; environment variables;
flags. A file is TOML; ``[pool] processes = 4`` is ``ASSAY_POOL__PROCESSES=4`` in the environment. A variable
that ends in ``_FILE`` names a file that holds the value (for secrets). A key that no setting has is an error
that names the nearest one: a misspelt setting must never be a setting quietly not made. So is a setting
that is given twice.

`model` is the tree, `limits` the ranges, `renames` the old names; `schema` makes a JSON Schema of the three,
and `reading` judges `layers` by it, for this code or (`compatibility`) for any other release. pydantic only
builds the dataclasses from what was judged.
"""

from assay.settings.compatibility import Incompatible as Incompatible
from assay.settings.compatibility import incompatible as incompatible
from assay.settings.diff import Difference as Difference
from assay.settings.diff import differences as differences
from assay.settings.environments import Environment as Environment
from assay.settings.environments import environment_of as environment_of
from assay.settings.environments import environments_of as environments_of
from assay.settings.layers import CONFIG as CONFIG
from assay.settings.layers import CONFIG_FOLDER as CONFIG_FOLDER
from assay.settings.layers import ENVIRONMENT as ENVIRONMENT
from assay.settings.layers import NESTED as NESTED
from assay.settings.layers import PREFIX as PREFIX
from assay.settings.layers import Given as Given
from assay.settings.loading import Resolved as Resolved
from assay.settings.loading import describe as describe
from assay.settings.loading import given as given
from assay.settings.loading import given_in as given_in
from assay.settings.loading import load as load
from assay.settings.loading import resolve as resolve
from assay.settings.loading import wrong as wrong
from assay.settings.renames import RENAMES as RENAMES
from assay.settings.renames import SCHEMA_VERSION as SCHEMA_VERSION
from assay.settings.renames import Rename as Rename
from assay.settings.schema import json_schema as json_schema
from assay.settings.sections import hints as hints
from assay.settings.sections import is_mapping as is_mapping
from assay.settings.sections import names as names
from assay.settings.sections import section_of as section_of
from assay.settings.tree import ServerSettings as ServerSettings
from assay.settings.tree import Settings as Settings
from assay.settings.tree import WikiSettings as WikiSettings
