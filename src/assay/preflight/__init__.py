"""Does this node do what it is for, before it takes traffic: every part is used as serving uses it."""

from assay.preflight.bundles import Golden as Golden
from assay.preflight.check import Report as Report
from assay.preflight.golden import golden_of as golden_of
from assay.preflight.plan import PreflightOptions as PreflightOptions
from assay.preflight.plan import preflight as preflight
from assay.preflight.plan import secrets as secrets
from assay.preflight.plan import unreadable as unreadable
from assay.preflight.report import Blotter as Blotter
from assay.preflight.report import document as document
from assay.preflight.report import print_table as print_table
