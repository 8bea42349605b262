"""A source from what an operator writes: ``NAME=https://…/api.php``, an export, or a history."""

from __future__ import annotations

import os
from pathlib import Path

from assay.errors import ConfigurationError, SourceError
from assay.revisions.files.reader import record_reader
from assay.revisions.index.file import ensure_index, index_path
from assay.revisions.index.progress import ReportProgress
from assay.revisions.index.source import IndexedSource
from assay.revisions.options import ApiOptions, is_live
from assay.revisions.record import MAX_TEXT_BYTES
from assay.revisions.source import Source
from assay.revisions.wiki.action_api import ActionApi
from assay.revisions.wiki.live_past import LivePasts, PastOptions
from assay.revisions.wiki.mediawiki import MediaWikiSource


def default_cache_dir() -> Path:
    """Where indexes go that may not lie in a file's own folder.

    `ASSAY_CACHE_DIR`, else `CACHE_DIRECTORY` (what systemd's `CacheDirectory=` made), else `assay/` in
    `XDG_CACHE_HOME`, else in `~/.cache`. Raises `ConfigurationError` for a user without a home, as systemd's
    dynamic ones are.
    """
    if own := os.environ.get("ASSAY_CACHE_DIR") or os.environ.get("CACHE_DIRECTORY", "").split(":")[0]:
        return Path(own)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"
    except RuntimeError:
        raise ConfigurationError(
            "This user has no home to keep caches: set cache_dir (ASSAY_CACHE_DIR), or CacheDirectory= in a "
            "unit of systemd"
        ) from None


def open_source(
    wiki: str,
    spec: str,
    *,
    api: ApiOptions | None = None,
    cache_dir: Path | None = None,
    max_text_bytes: int = MAX_TEXT_BYTES,
    progress: ReportProgress | None = None,
) -> Source:
    """The source of `wiki` at `spec`: the address of its api.php, or the path of a file.

    Raises `SourceError`, naming the wiki, for everything else and for files that cannot be used.
    """
    try:
        if is_live(spec):
            return _live(spec, api or ApiOptions(), max_text_bytes)
        return open_indexed(Path(spec), cache_dir=cache_dir, max_text_bytes=max_text_bytes, progress=progress)
    except SourceError as error:
        raise SourceError(f"Wiki {wiki!r}: {error}") from None


def _live(url: str, options: ApiOptions, max_text_bytes: int) -> MediaWikiSource:
    api = ActionApi(url, options)
    pasts = LivePasts(api, past_options(options)) if options.pasts else None
    return MediaWikiSource(api, max_text_bytes=max_text_bytes, pasts=pasts)


def past_options(options: ApiOptions) -> PastOptions:
    """All but one of the requests at a time may be for pasts: revisions need not wait behind them."""
    return PastOptions(
        timeout_s=options.pasts_timeout_s,
        queries=options.pasts_queries,
        kept_s=options.pasts_kept_s,
        parallel=max(1, options.parallel - 1),
    )


def open_indexed(
    path: Path,
    *,
    cache_dir: Path | None = None,
    max_text_bytes: int = MAX_TEXT_BYTES,
    progress: ReportProgress | None = None,
) -> IndexedSource:
    """A dump or history, indexed first if need be (`ensure_index`). Blocks; raises `SourceError`."""
    if path.is_dir():
        raise SourceError(f"{path} is a folder: name one export (.xml) or history (.jsonl) in it.")
    if not path.exists():
        is_address = path.name == "api.php"
        advice = "begin the address of a wiki with https:// or http://" if is_address else "check the path"
        raise SourceError(f"{path} does not exist: {advice}.")
    record_reader(path)
    index = index_path(path, default_cache_dir() if cache_dir is None else cache_dir)
    ensure_index(path, index, max_text_bytes=max_text_bytes, progress=progress)
    return IndexedSource(index, max_text_bytes=max_text_bytes)
