"""The web application around a scorer that was built."""

from __future__ import annotations

from collections.abc import Mapping

from assay import __version__
from assay.compose import first_look
from assay.compose.precaching import rules_of
from assay.compose.scorer import Scorer
from assay.revisions.options import is_live
from assay.serving.app import Application, build_app
from assay.serving.native.models import ConfiguredPoints
from assay.serving.ores.model_info import ModelInfos
from assay.serving.pages.site import PageOptions
from assay.settings import Settings, WikiSettings


def build_web(settings: Settings, scorer: Scorer) -> Application:
    """The web application around a scorer: it starts the engine and closes the service."""
    infos = ModelInfos({found.manifest.digest: found.path for found in scorer.library})
    page = PageOptions(tuple(scorer.wikis), _index_urls(scorer.wikis), __version__)
    return build_app(
        settings.web,
        scorer.service,
        infos,
        scorer.metrics,
        scorer.clock,
        quota=settings.quota,
        quotas=scorer.quotas,
        rules=rules_of(scorer.wikis, scorer.service.wikis.model_names),
        release=settings.release,
        operating_points=_operating_points(scorer.wikis),
        page=page,
        beside=lambda: first_look.tell_silent(scorer.wikis, settings.wiki_api.contact, scorer.clock),
    )


def _operating_points(wikis: Mapping[str, WikiSettings]) -> ConfiguredPoints:
    return {
        name: {model: chosen.operating_points for model, chosen in wiki.models.items()}
        for name, wiki in wikis.items()
    }


def _index_urls(wikis: Mapping[str, WikiSettings]) -> dict[str, str]:
    """Of live wikis: MediaWiki serves index.php beside api.php."""
    return {
        name: wiki.source.removesuffix("api.php") + "index.php"
        for name, wiki in wikis.items()
        if is_live(wiki.source) and wiki.source.endswith("/api.php")
    }
