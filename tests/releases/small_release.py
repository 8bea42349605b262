"""Releases made in milliseconds: real wheels, bundles and manifests, with code that only says who it is."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import orjson

from assay.models.facts import read_manifest as read_bundle
from assay.models.library import shipped_folder
from assay.models.manifest import sealed
from assay.releases.manifest import (
    CONFIGURATION,
    CONFIGURATION_SCHEMA,
    GOLDEN,
    MANIFEST,
    REQUIREMENTS,
    BundleEntry,
    Code,
    make_manifest,
)
from assay.releases.tree import entry_of, plain_files

PINS = f"orjson=={version('orjson')} \\\n    --hash=sha256:{'0' * 64}\n".encode()
"""What the running interpreter has, so that nothing is ever installed."""

SAYS_WHO_IT_IS = """
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/livez" else 404)
        self.send_header("X-Assay-Release", os.environ["ASSAY_RELEASE"])
        self.end_headers()

    def log_message(self, *_):
        pass

if sys.argv[1] == "web":
    http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
print(os.environ["ASSAY_RELEASE"], __file__)
"""


def small_wheel(folder: Path, code: str = SAYS_WHO_IT_IS, more: Mapping[str, str] | None = None) -> Path:
    """A wheel of a distribution that is named as Assay's is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "assay-0.1-py3-none-any.whl"
    files = {
        "assay/__init__.py": "",
        "assay/cli.py": code,
        "assay-0.1.dist-info/METADATA": "Metadata-Version: 2.1\nName: assay\nVersion: 0.1\n",
        **(more or {}),
    }
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            packed.writestr(entry, content)
    return path


def small_release(
    parent: Path,
    name: str = "small",
    code: str = SAYS_WHO_IT_IS,
    ballast: bytes = b"x",
    description: str | None = None,
) -> Path:
    """A whole release in ``parent/<id>``, with the bundle of the test wiki. `ballast`: a file's content.
    `description`: of the bundle, which is another one then, under the same version."""
    folder = parent / f"{name}.making"
    wheel = small_wheel(folder / "wheel", code)
    place = folder / "bundles" / "testwiki" / "revid"
    place.mkdir(parents=True)
    for file in (shipped_folder() / "testwiki" / "revid").iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    if description is not None:
        manifest = orjson.loads((place / "manifest.json").read_bytes()) | {"description": description}
        (place / "manifest.json").write_bytes(sealed(manifest).to_bytes())
    bundle = read_bundle(place)
    (folder / REQUIREMENTS).write_bytes(PINS)
    (folder / CONFIGURATION).write_text(f"# {name}\n")
    (folder / CONFIGURATION_SCHEMA).write_text("{}")
    (folder / GOLDEN).write_bytes(ballast)
    code_entry = Code(wheel=f"wheel/{wheel.name}", sha256=entry_of(wheel).sha256, version="0.1")
    bundles = {"testwiki": {"revid": BundleEntry(digest=bundle.digest, version=bundle.version)}}
    files = {path: entry_of(folder / path) for path in plain_files(folder)}
    manifest = make_manifest(name, code_entry, bundles, files)
    (folder / MANIFEST).write_bytes(manifest.to_bytes())
    return folder.rename(parent / manifest.id)
