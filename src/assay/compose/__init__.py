"""The only place that picks parts and plugs them together."""

from assay.compose.bundles import check as check
from assay.compose.bundles import faults as faults
from assay.compose.bundles import find_bundles as find_bundles
from assay.compose.bundles import wikis_of as wikis_of
from assay.compose.follower import build_follower as build_follower
from assay.compose.follower import check_precache as check_precache
from assay.compose.follower import precache_metrics as precache_metrics
from assay.compose.queue import check_redis as check_redis
from assay.compose.scorer import Indexing as Indexing
from assay.compose.scorer import Scorer as Scorer
from assay.compose.scorer import build_scorer as build_scorer
from assay.compose.scorer import build_web as build_web
from assay.compose.tracing import traced as traced
