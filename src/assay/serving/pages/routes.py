"""All pages for people, put together."""

from __future__ import annotations

from fastapi import APIRouter

from assay.clock import Clock
from assay.scoring.wikis import Wikis
from assay.serving.feed import Feed
from assay.serving.native.models import ModelsApi
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.feed import FeedPages
from assay.serving.pages.home import add_home
from assay.serving.pages.models import ModelPages
from assay.serving.pages.site import PageOptions, Site
from assay.serving.pages.thresholds import ThresholdPages
from assay.serving.quota import Gate


def pages(
    options: PageOptions,
    wikis: Wikis,
    infos: ModelInfos,
    models: ModelsApi,
    feed: Feed,
    gate: Gate,
    clock: Clock,
    request_timeout_s: float,
) -> APIRouter:
    """Routes of all pages and of the files that they need."""
    routes = APIRouter(include_in_schema=False)
    site = Site(options)
    add_home(routes, site)
    FeedPages(site, feed, wikis, models, gate, clock, request_timeout_s).add_to(routes)
    ModelPages(site, wikis, infos).add_to(routes)
    ThresholdPages(site, wikis, models).add_to(routes)
    site.add_files(routes)
    return routes
