"""The place of the drill: two data centres on this machine, a release store, and releases to roll out."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import tomli_w

from assay.compose.bundles import SAMPLE_WIKI
from assay.compose.data_centre import SLOTS, DataCentreOptions, SlotPorts, as_settings, prepare
from assay.compose.own_redis import free_port
from assay.compose.releases import BuildRequest, release_parts
from assay.compose.supervisor import supervisor_command
from assay.drill.defects import Defect
from assay.drill.variants import DRIFTING, changed_bundle, source_changes
from assay.errors import ConfigurationError, ReleaseError
from assay.models.library import shipped_folder
from assay.releases.build import GoldenChoice, build
from assay.releases.folder_store import FolderStore
from assay.releases.manifest import GOLDEN, ExpectedDrift
from assay.releases.root import Root
from assay.releases.store import manifest_key
from assay.releases.transfer import publish
from assay.releases.wheel import build_patched_wheel, build_wheel
from assay.rollout.options import DataCentreSettings, StageOptions

WIKI: Final = SAMPLE_WIKI
MODELS: Final = ("damaging", "goodfaith")
STANDBY, MAIN = "standby", "main"
"""The data centres: users ask mostly the second."""
STAGES: Final = StageOptions(
    weights=(1, 4, 25, 50, 100),
    shadow_share=1.0,
    pairs_per_s=20.0,
    shadow_pairs=150,
    shadow_texts=200,
    weight_pairs=20,
    weight_observed=20,
    least_s=6.0,
    limit_s=120.0,
    deploy_limit_s=120.0,
)
"""A rollout in minutes: users of the drill ask some twenty times a second, and two cores do all."""
BOUNDS: Final = {"passing_bound": 0.04, "harm_share": 0.04}
"""What a quarter as many samples can show: with so few users the usual bound would take minutes a step."""
_WEB, _WORKERS = 2, 2
_START_LIMIT_S: Final = 120.0
_END_LIMIT_S: Final = 150.0
"""More than supervisord itself gives its programs, one priority after the other."""
_LOOK_AGAIN_S: Final = 0.1
_MAX_PATH: Final = 70
"""The system's limit for a socket's path is 107 characters."""
_SAMPLE: Final = "src/assay/sample/samplewiki.xml"
_TIGHT: Final = {"queue": {"heartbeat_s": 1.0}}
"""What every node sets of its own accord, so that a key that is renamed in place is missed."""


@dataclass(frozen=True)
class Site:
    """`folder`: all lies in it. `source`: Assay's source tree. `configuration`: the controller's file."""

    folder: Path
    source: Path
    data_centres: Mapping[str, DataCentreOptions]
    configuration: Path
    state_dir: Path

    @property
    def builder(self) -> Root:
        """Where releases are built and the controller keeps them."""
        return Root(self.folder / "builder")

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "store")

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"

    @property
    def sample(self) -> Path:
        return self.folder / f"{WIKI}.xml"

    def front_url(self, data_centre: str) -> str:
        return f"http://127.0.0.1:{self.data_centres[data_centre].port}"

    def changed_bundles(self, defect: Defect) -> Path:
        """The bundles of a defect that changes them."""
        return self.folder / "changed" / defect.name

    def release(self, release_id: str) -> Path:
        return self.folder / "built" / release_id


def make_site(folder: Path, source: Path) -> Site:
    """Everything written, nothing started. Raises `ConfigurationError` when something is missing here."""
    if not (source / _SAMPLE).is_file():
        raise ConfigurationError(f"{source} is no source tree of Assay: name one with --source")
    if len(str(folder)) > _MAX_PATH:
        raise ConfigurationError(
            f"{folder} is too long a path for the sockets in it: name a shorter --folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    log_address = f"127.0.0.1:{free_port()}"
    ports = {name: free_port() for name in (STANDBY, MAIN)}
    centres = {
        name: DataCentreOptions(
            name,
            folder / name,
            ports[name],
            {slot: _slot_ports() for slot in SLOTS},
            log_address,
            remote=f"127.0.0.1:{ports[other]}",
            is_active=name == MAIN,
        )
        for name, other in ((STANDBY, MAIN), (MAIN, STANDBY))
    }
    site = Site(folder, source, centres, folder / "rollout.toml", folder / "rollout")
    shutil.copyfile(source / _SAMPLE, site.sample)
    for name in (*(f"enwiki/{model}" for model in MODELS), "testwiki/revid"):
        shutil.copytree(shipped_folder() / name, site.bundles / name)
    for options in centres.values():
        prepare(options)
        _write_node_settings(site, options)
    site.configuration.write_text(tomli_w.dumps(_controller_settings(site, log_address)))
    return site


@contextmanager
def running(site: Site) -> Iterator[None]:
    """Both supervisors with HAProxy and Redis; all ends with the block, the slots' processes as well."""
    with ExitStack() as stack:
        for options in site.data_centres.values():
            process = subprocess.Popen(  # noqa: S603
                supervisor_command(options.folder / "supervisord.conf"), start_new_session=True
            )
            stack.callback(_end, process)
            _until(lambda o=options: o.haproxy_socket.exists(), "HAProxy", options.folder)  # type: ignore[misc]
        yield


def until_answers(site: Site) -> None:
    """Both front doors answer."""
    for name, options in site.data_centres.items():
        _until(lambda n=name: _is_ready(site.front_url(n)), f"the data centre {name}", options.folder)  # type: ignore[misc]


def build_stable(site: Site) -> str:
    """The release that serves users at first, published; its id. Its golden revisions serve all others."""
    wheel = build_wheel(site.source, _folder(site.folder / "wheels" / "stable"))
    return _built(site, "stable", wheel, site.bundles, (), GoldenChoice(count=3))


def build_variant(site: Site, defect: Defect, stable: str) -> str:
    """The release with a defect, published (or, if that is the defect, its name alone); its id."""
    wheels = _folder(site.folder / "wheels" / defect.name)
    changes = source_changes(defect, site.source, stable)
    wheel = build_patched_wheel(site.source, wheels, changes)
    bundles = site.bundles
    if defect.bundles != "same":
        bundles = site.changed_bundles(defect)
        shutil.copytree(site.bundles, bundles, ignore=shutil.ignore_patterns(DRIFTING.rpartition("/")[2]))
        changed_bundle(defect, site.bundles, bundles)
    drift = [_DECLARED] if defect.bundles == "retrained" else []
    golden = GoldenChoice(file=site.release(stable) / GOLDEN)
    release = _built(site, defect.name, wheel, bundles, drift, golden)
    if defect.is_stale:  # as a mirror that was not brought up to date gives what it has
        objects = site.store.folder
        shutil.copyfile(objects / manifest_key(stable), objects / manifest_key(release))
    return release


_DECLARED: Final = ExpectedDrift(
    wiki="*",
    model="damaging",
    changed_share=1.0,
    abs_delta_p99=0.02,
    flip_share=0.05,
    reason="calibrated anew for the drill",
)


def _built(
    site: Site,
    name: str,
    wheel: Path,
    bundles: Path,
    drift: list[ExpectedDrift] | tuple[()],
    golden: GoldenChoice,
) -> str:
    configuration = site.folder / "configuration" / f"{name}.toml"
    _folder(configuration.parent)
    configuration.write_text(
        tomli_w.dumps(
            {
                "shipped_bundles": False,
                "bundle_directories": [str(bundles)],
                "wikis": {WIKI: {"source": str(site.sample), "bundles": "enwiki"}},
            }
        )
    )
    request = BuildRequest(
        name, site.source, configuration=[configuration], golden=golden, expected_drift=drift
    )
    folder = build(release_parts(request, wheel), site.builder, site.folder / "built")
    return publish(folder, site.store)


def _write_node_settings(site: Site, options: DataCentreOptions) -> None:
    """What the machine knows and no release: addresses and secrets."""
    password = (options.folder / "redis-password").read_text().strip()
    redis = next(
        line.split()[1] for line in (options.folder / "redis.conf").read_text().splitlines() if "port" in line
    )
    node = _folder(options.root) / "node.toml"
    node.touch(0o600)
    node.write_text(
        tomli_w.dumps(
            {
                "cache_dir": str(site.folder / "cache"),
                "releases": {"store": site.store.address},
                "redis": {"url": f"redis://127.0.0.1:{redis}/0", "password": password},
                **_TIGHT,
            }
        )
    )


def _controller_settings(site: Site, log_address: str) -> dict[str, Any]:
    centres = {name: _plain(as_settings(options)) for name, options in site.data_centres.items()}
    return {
        "releases": {"root": str(site.builder.path), "store": site.store.address},
        "rollout": {
            "state_dir": str(site.state_dir),
            "log_address": log_address,
            "stages": _plain(STAGES),
            "guards": BOUNDS,
            "data_centres": centres,
        },
    }


def _plain(options: DataCentreSettings | StageOptions) -> dict[str, Any]:
    """As TOML can say it."""

    def lists(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: lists(item) for key, item in value.items()}
        return [lists(item) for item in value] if isinstance(value, tuple | list) else value

    plain: dict[str, Any] = lists(asdict(options))
    return plain


def _slot_ports() -> SlotPorts:
    return SlotPorts(tuple(free_port() for _ in range(_WEB)), tuple(free_port() for _ in range(_WORKERS)))


def _folder(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _until(is_so: Callable[[], bool], what: str, folder: Path) -> None:
    until_s = time.monotonic() + _START_LIMIT_S
    while not is_so():
        if time.monotonic() > until_s:
            raise ReleaseError(f"{what} did not come up: see the logs in {folder / 'logs'}")
        time.sleep(_LOOK_AGAIN_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    """In the supervisor's order."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
