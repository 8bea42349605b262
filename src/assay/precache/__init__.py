"""`assay precache`: follows wikis' streams of edits, has each scored as it happens, and tells the scores on.

At least once, never silently less: a stream's position is stored only after everything before it was told.
"""
