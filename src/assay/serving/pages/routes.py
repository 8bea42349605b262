"""All pages for people, put together."""

from __future__ import annotations

from fastapi import APIRouter

from assay.serving.backend import Backend
from assay.serving.feed import Feed
from assay.serving.native.models import ModelsApi
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.feed import FeedPages
from assay.serving.pages.home import add_home
from assay.serving.pages.models import ModelPages
from assay.serving.pages.site import Site
from assay.serving.pages.thresholds import ThresholdPages


def pages(site: Site, backend: Backend, infos: ModelInfos, models: ModelsApi, feed: Feed) -> APIRouter:
    """Routes of all pages and of the files that they need."""
    routes = APIRouter(include_in_schema=False)
    add_home(routes, site)
    FeedPages(site, backend, feed, models).add_to(routes)
    ModelPages(site, backend.wikis, infos).add_to(routes)
    ThresholdPages(site, backend.wikis, models).add_to(routes)
    site.add_files(routes)
    return routes
