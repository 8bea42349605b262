"""Assay's own JSON under ``/api/``: what the pages need and ORES's shapes cannot say.

The contract (every answer is one JSON object; errors are ``{"error": {"code", "message"}}`` with a status)::

    GET /api/wikis
      {"wikis": [{"name": "enwiki", "models": [MODEL, …]}, …]}                      sorted by name
      MODEL: {"name": "damaging", "version": "1.0.0", "digest": "…", "labels": [true, false],
              "features": [{"name", "doc", "type": "bool|int|float"}, …]}           in the model's order

    GET /api/{wiki}/recent?limit=20                                                 limit 1–50, newest first
      {"wiki": "enwiki", "revisions": [123, 122, …]}

    GET /api/{wiki}/revisions/{id}
      {"wiki": "enwiki", "revision": REVISION, "diff": DIFF | null, "scores": {"damaging": CELL, …}}
      404 when the wiki has no such revision (`error.code` "not found"), 503/504 when it cannot be had now.

    POST /api/{wiki}/revisions/{id}       what if: {"models": ["damaging"], "injection": {"feature.x": 3}}
      {"wiki": "enwiki", "scores": {"damaging": CELL}}      both keys optional; `models` defaults to all

    REVISION: {"id", "parent_id", "page": {"title", "namespace"}, "actor": {"name", "is_anonymous"},
               "timestamp": "2016-08-01T12:00:00Z", "comment", "size_bytes", "is_minor", "is_creation",
               "problems": [PROBLEM, …]}
      A value that the source does not tell, or that is hidden, is null; the reason for a hidden one stands
      in `problems` (`code` text_deleted, user_deleted, comment_deleted, parent_not_found, …).

    DIFF: {"hunks": [{"old_start": 3, "new_start": 3, "lines": [LINE, …]}, …], "truncated": false,
           "added_lines", "removed_lines"}       null when either text cannot be had; [] when nothing changed
      LINE: {"kind": "equal" | "added" | "removed" | "changed", "parts": [{"kind", "text"}, …]}
      `parts` of a changed line are "equal", "added" or "removed" runs of words, in reading order: the old
      line is equal + removed, the new one equal + added. Other lines have one part of the line's own kind.
      Line numbers count from 1. Up to 3 equal lines stand around each change.

    CELL: {"prediction": true, "probability": {"true": 0.9, "false": 0.1},
           "features": [{"name", "value", "injected": false, "contributions": {"true": 0.31}}, …],
           "explanation": {"true": {"base": -2.1, "logit": 2.2}}}
      or  {"error": PROBLEM}
      `value` is null when missing. For each label, base plus all contributions is the logit of its
      probability (sigmoid for two classes, where only "true" is told; softmax for several).
    PROBLEM: {"code", "type", "message", "retryable"}
"""

from __future__ import annotations
