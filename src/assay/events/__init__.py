"""What wikis tell of their edits as they happen, and what Assay tells of its scores: documents read into one
typed `Change`, and written from it. Pure; whoever holds a socket stands on a higher floor.
"""

from assay.events.change import NO_EDIT as NO_EDIT
from assay.events.change import Change as Change
from assay.events.change import NoEdit as NoEdit
from assay.events.kinds import read_event as read_event
from assay.events.page_change import read_page_change as read_page_change
from assay.events.recentchange import read_recentchange as read_recentchange
from assay.events.revision_create import read_revision_create as read_revision_create
from assay.events.revision_score import revision_score as revision_score
from assay.events.row import CHANGE_PROPERTIES as CHANGE_PROPERTIES
from assay.events.row import read_row as read_row
from assay.events.rules import ModelRules as ModelRules
from assay.events.rules import Rules as Rules
from assay.events.rules import Wanted as Wanted
from assay.events.rules import usual_rules as usual_rules
from assay.events.sets import EVENT_SETS as EVENT_SETS
from assay.events.sets import EventSet as EventSet
from assay.events.sets import event_sets as event_sets
