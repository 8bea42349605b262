"""All pages for people, put together."""

from __future__ import annotations

from fastapi import APIRouter

from assay.clock import Clock
from assay.scoring.wikis import Wikis
from assay.serving.feed import Feed
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.feed import FeedPages
from assay.serving.pages.home import add_home
from assay.serving.pages.models import ModelPages
from assay.serving.pages.site import PageOptions, Site
from assay.serving.pages.thresholds import ThresholdPages, Thresholds
from assay.serving.quota import Gate


def pages(
    options: PageOptions,
    wikis: Wikis,
    infos: ModelInfos,
    feed: Feed,
    gate: Gate,
    clock: Clock,
    request_timeout_s: float,
) -> APIRouter:
    """Routes of all pages and of the files that they need."""
    routes = APIRouter(include_in_schema=False)
    site, thresholds = Site(options), Thresholds(infos)
    add_home(routes, site)
    FeedPages(site, feed, wikis, thresholds, gate, clock, request_timeout_s).add_to(routes)
    ModelPages(site, wikis, infos).add_to(routes)
    ThresholdPages(site, wikis, thresholds).add_to(routes)
    site.add_files(routes)
    return routes
