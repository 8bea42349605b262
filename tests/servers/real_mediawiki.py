"""A real MediaWiki for tests: Debian's files, PHP's own server, SQLite; nothing is left behind.

    with real_mediawiki.running() as wiki:
        vera = wiki.log_in(VERA)
        saved = vera.edit("Lighthouse", "It is on.")
        source = open_source("livewiki", wiki.api_url)

The first of them installs one, makes the users below and keeps all that as a template in the environment's
folder; every further wiki is a copy of it, so that each has its own past. What differs from what an operator
has is in `real_mediawiki.php`.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from servers.processes import END_LIMIT_S, Process, inherited
from servers.processes import running as running_process
from servers.redis import free_port, missing
from servers.wiki_client import Account, WikiClient
from waiting import until

PROGRAM: Final = Path(sys.prefix) / "share" / "mediawiki"
"""Where tools/setup.sh unpacks it."""
SETTINGS: Final = Path(__file__).with_suffix(".php")
START_LIMIT_S: Final = 60.0
SCRIPT_LIMIT_S: Final = 300.0
WORKERS: Final = 4
EXTENSIONS: Final = ("apcu", "intl", "mbstring", "pdo_sqlite", "redis", "xml")

PASSWORD: Final = "a password of tests"
ADMIN: Final = Account("Admin", PASSWORD)
"""An administrator: deletes, protects, rolls back, hides from readers."""
VERA: Final = Account("Vera", PASSWORD)
WILLI: Final = Account("Willi", PASSWORD)
TIDY_BOT: Final = Account("TidyBot", PASSWORD)
OVERSIGHT: Final = Account("Oversight", PASSWORD)
"""Suppresses: hides from administrators, too."""
TROLL: Final = Account("Troll", PASSWORD)
_MADE: Final = ((VERA, ""), (WILLI, ""), (TIDY_BOT, "bot"), (OVERSIGHT, "sysop,suppress"), (TROLL, ""))


class RealMediaWiki:
    """One wiki in its own folder and on its own port, with its database, its users and their edits.

    `feed`: where it reports changes as JSON, ``udp://…`` or ``redis://…/CHANNEL``. `settings`: further
    settings, PHP code.
    """

    def __init__(self, folder: Path, *, feed: str = "", settings: str = "", port: int | None = None) -> None:
        self.folder = folder
        self.port = free_port() if port is None else port
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_url = f"{self.url}/api.php"
        self._more = folder / "more-settings"
        self.set(settings)
        self.environment = {
            "MW_CONFIG_FILE": str(SETTINGS),
            "PHP_CLI_SERVER_WORKERS": str(WORKERS),
            "TEST_WIKI_FEED": feed,
            "TEST_WIKI_FOLDER": str(folder),
            "TEST_WIKI_SERVER": self.url,
            "TEST_WIKI_SETTINGS": str(self._more),
        }
        self.server = Process(
            "mediawiki",
            [*_php(), "-S", f"127.0.0.1:{self.port}", "-t", str(PROGRAM)],
            folder,
            self.environment,
        )

    def set(self, settings: str) -> None:
        """Further settings instead of those given before, PHP code; they hold from the next request on."""
        part = self._more.with_suffix(".part")
        part.write_text(settings)
        part.replace(self._more)

    def wait(self) -> None:
        """Until it answers."""
        reader = self.reader()
        self.server.until(reader.answers, START_LIMIT_S)

    def end(self) -> None:
        """Nothing answers any more when this returns: PHP's server has processes of its own."""
        self.server.end()
        reader = self.reader()
        until(lambda: not reader.answers(), END_LIMIT_S)

    def restart(self) -> None:
        """Ended and started again on the same port; everybody is logged out."""
        self.end()
        self.server.start()
        self.wait()

    def reader(self) -> WikiClient:
        """Somebody who is not logged in; saves from 127.0.0.1."""
        return WikiClient(self.api_url)

    def log_in(self, account: Account) -> WikiClient:
        client = self.reader()
        client.log_in(account)
        return client

    def maintain(self, script: str, *arguments: str, given: bytes | None = None) -> bytes:
        """What a script of MediaWiki's `maintenance/` prints. Raises RuntimeError with its output."""
        return _run(script, *arguments, environment=self.environment, given=given)

    def run_jobs(self) -> None:
        """What is put off until after an edit, such as the tag of a reverted one."""
        self.maintain("runJobs")

    def export(self, path: Path, *options: str) -> Path:
        """All revisions as MediaWiki itself exports them to the public, hidden parts left out.

        `options`: of ``dumpBackup.php``, such as ``--filter=namespace:0``.
        """
        path.write_bytes(self.maintain("dumpBackup", "--full", "--quiet", *options))
        return path

    def import_pages(self, xml: bytes) -> None:
        """An export of another wiki; its authors become ``imported>NAME``."""
        self.maintain("importDump", "--username-prefix=imported", "--no-updates", given=xml)


@contextmanager
def running(*, feed: str = "", settings: str = "") -> Iterator[RealMediaWiki]:
    """A fresh wiki with the users above, answering; ended afterwards whatever happens."""
    ready = template()
    with tempfile.TemporaryDirectory(prefix="assay-wiki-") as name:
        folder = Path(name) / "wiki"
        shutil.copytree(ready, folder)
        wiki = RealMediaWiki(folder, feed=feed, settings=settings)
        with running_process(wiki.server):
            wiki.wait()
            yield wiki


def template() -> Path:
    """The folder of a wiki that was installed and never edited; made by whoever comes first."""
    _check_parts()
    kept = PROGRAM.with_name(f"mediawiki-template-{_template_digest()}")
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(prefix="assay-wiki-", dir=kept.parent) as name:
                folder = Path(name) / "wiki"
                _install(folder)
                folder.rename(kept)
    return kept


def _install(folder: Path) -> None:
    folder.mkdir()
    _run(
        "install",
        *("--dbtype", "sqlite", "--dbpath", str(folder), "--dbname", "livewiki"),
        *("--server", "http://127.0.0.1", "--scriptpath", "", "--confpath", str(folder)),
        *("--lang", "en", "--pass", ADMIN.password, "Live", ADMIN.name),
    )
    (folder / "LocalSettings.php").unlink()
    wiki = RealMediaWiki(folder)
    for account, group in _MADE:
        groups = [f"--custom-groups={group}"] if group else []
        wiki.maintain("createAndPromote", *groups, account.name, account.password)
    with closing(sqlite3.connect(folder / "livewiki.sqlite")) as database:
        # Readers do not wait for a writer; the file remembers it.
        database.execute("PRAGMA journal_mode=WAL")


def _template_digest() -> str:
    """Changes with MediaWiki and with what is installed here."""
    parts = (SETTINGS, Path(__file__), PROGRAM / "includes" / "Defines.php")
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]


def _run(
    script: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    given: bytes | None = None,
) -> bytes:
    done = subprocess.run(
        [*_php(), str(PROGRAM / "maintenance" / f"{script}.php"), *arguments],
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        env={**inherited(), **(environment or {})},
        timeout=SCRIPT_LIMIT_S,
        check=False,
    )
    if done.returncode:
        told = (done.stdout + done.stderr).decode("utf-8", "replace")[:2000]
        raise RuntimeError(f"maintenance/{script}.php ended with {done.returncode}:\n{told}")
    return done.stdout


def _php() -> list[str]:
    """PHP with compiled code kept between processes: MediaWiki has some thousand files."""
    code = PROGRAM.with_name("mediawiki-code")
    code.mkdir(exist_ok=True)
    options = {
        "apc.enable_cli": "1",
        "error_reporting": "E_ALL & ~E_DEPRECATED",
        "display_errors": "stderr",
        "memory_limit": "512M",
        "opcache.enable_cli": "1",
        "opcache.file_cache": str(code),
        "opcache.revalidate_freq": "0",
        "post_max_size": "16M",
        "upload_max_filesize": "16M",
    }
    return ["php", *(f"-d{name}={value}" for name, value in options.items())]


def _check_parts() -> None:
    """Skip, or fail in CI, with the name of the part that is not there."""
    if not (PROGRAM / "api.php").exists():
        missing(f"MediaWiki in {PROGRAM}")
    if shutil.which("php") is None:
        missing("php (php-cli)")
    loaded = subprocess.run(["php", "-m"], capture_output=True, text=True, check=True).stdout.lower().split()
    for extension in EXTENSIONS:
        if extension not in loaded:
            missing(f"PHP's {extension}")
