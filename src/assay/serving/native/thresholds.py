"""What a model is and what its thresholds do, from its bundle's statistics: no trees are needed.

The contract::

    GET /api/{wiki}/models/{model}
      {"wiki": "enwiki", "model": "damaging", "version": "1.0.0", "digest": "…", "kind": "binary", "description": "…",
       "labels": ["true", "false"], "statistics": {…} | null, "training": {…}, "limits": ["…"],
       "operating_points": ["likelygood", …]}
      `statistics`: ORES's tree (counts, rates, precision, …, roc_auc) without the threshold tables, with Assay's
      own figures under "assay"; null when nothing was measured.

    GET /api/{wiki}/models/{model}/thresholds?label=true          `label` defaults to the first
      {"wiki", "model", "version", "digest", "labels": ["true", "false"], "label": "true",
       "sample": {"rows": 3500, "with_label": 1753}, "population_rate": 0.034 | null,
       "table": [ROW, …], "operating_points": [POINT, …]}
      ROW: {"threshold", "precision", "recall", "filter_rate", "match_rate", "fpr", "f1", "accuracy", "!precision",
            "!recall", "!f1", "counts": {"tp", "fp", "tn", "fn"}}
      Rows ascend by threshold. A revision matches when the label's probability is at least the threshold.
      Shares are of the population when its rate is known, else of the sample; null where they would divide by
      nought. `counts` are rows of the sample, never scaled. `operating_points` are those of all labels.
      404 (`no_statistics`) when nothing was measured.

    GET /api/{wiki}/models/{model}/thresholds?label=true&query=maximum recall @ precision >= 0.9
      {"wiki", "model", "version", "digest", "label", "query", "satisfiable", "cut": CUT | null, "nearest": CUT | null}

    POINT: {"name": "likelybad", "title": "Likely have problems", "label": "true",
            "query": "maximum recall @ precision >= 0.6", "satisfiable": true, "cut": CUT | null,
            "nearest": CUT | null, "range": [0.41, 1] | null}
      `cut` is the best row that meets the query's condition; null, and `satisfiable` false, when none does: then
      `nearest` is the row that comes closest to the condition.
      `range`: what the point means as the least and greatest probability of "true" (binary models whose
      point is satisfiable); a point of the label "false" at threshold t is [0, 1 - t].
    CUT: {"threshold", "statistics": {"precision": 0.61, …}, "intervals_95": {"precision": [0.52, 0.69], …},
          "counts": {"tp", "fp", "tn", "fn"}}
"""
