"""``assay release``: build, prove, publish and install releases, and put them into slots."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from assay.cli import options
from assay.cli.groups import grouped
from assay.cli.lazy import Later, group_of
from assay.cli.progress import stepping
from assay.errors import ConfigurationError, ReleaseError
from assay.releases import slots as slot_pointers
from assay.releases.activate import Activation
from assay.releases.activate import activate as activate_release
from assay.releases.activate import stop as stop_slot
from assay.releases.install import install as install_release
from assay.releases.launcher import NODE_SETTINGS
from assay.releases.manifest import check_id, is_id
from assay.releases.open import store_of
from assay.releases.options import root_folder
from assay.releases.processes import STOP_LIMIT_S, processes
from assay.releases.remove import remove as remove_release
from assay.releases.root import Root, let_others_read
from assay.releases.supervisor import SupervisorAddress
from assay.releases.transfer import fetch as fetch_release
from assay.releases.transfer import publish as publish_release
from assay.releases.verify import verify as verify_release
from assay.settings import Settings

RootFolder = Annotated[
    Path | None,
    typer.Option("--root", help="This machine's releases; default: the setting releases.root."),
]
ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id, NAME-DIGEST.")]
ReleasePlace = Annotated[
    str, typer.Argument(metavar="RELEASE", help="A release's id, or the folder that it lies in.")
]
Store = Annotated[
    str | None,
    typer.Option(help="A folder, https://… or s3://bucket/prefix; default: the setting releases.store."),
]


SupervisorUrl = Annotated[
    str,
    typer.Option(
        "--supervisor", help="Whose SLOT: systemd, or supervisord (unix:///path, http://host:port)."
    ),
]
SupervisorUser = Annotated[str, typer.Option("--supervisor-user", help="Whom that supervisord knows.")]
SupervisorPasswordFile = Annotated[
    str, typer.Option("--supervisor-password-file", help="File that holds this user's password alone.")
]
Slot = Annotated[str, typer.Option(help="The slot, for example blue.")]


_LATER: Final = (
    Later(
        "build",
        "assay.cli.release_build",
        "Put a release together from code, bundles, configuration and golden scores, and print its id.",
    ),
    Later(
        "golden",
        "assay.cli.release_build",
        "Compute golden scores with this very code, as build and verify ask of a release's own code.",
    ),
)


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        cls=group_of(_LATER),
        callback=let_others_read,
        help="Build, prove and publish releases; put them into slots.",
        no_args_is_help=True,
    )
    for command in (verify, publish, fetch, list_, install, activate, stop, slots, remove):
        commands.command(command.__name__.rstrip("_"))(command)
    app.add_typer(commands, name="release")


@grouped
def verify(release: ReleasePlace, root: RootFolder = None, *, configuration: options.Configuration) -> None:
    """Prove a release: every digest, then that its own code gives exactly its golden scores on this machine.

    Exit status 1 with a line for each difference.
    """
    place = root_of(root, configuration)
    with stepping() as report:
        faults = verify_release(_folder(place, release), place, report)
    if faults:
        for fault in faults:
            typer.echo(fault)
        raise ReleaseError(f"the release {release} is not what it should be: {len(faults)} faults")
    typer.echo(f"The release {release} is good.")


@grouped
def publish(
    release: ReleasePlace,
    store: Store = None,
    root: RootFolder = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Put a release into a store, from where every node fetches it by its id."""
    place = root_of(root, configuration)
    settings = _settings(place, configuration)
    target = store_of(settings.releases, store)
    with stepping() as report:
        release_id = publish_release(_folder(place, release), target, report)
    typer.echo(f"Published {release_id} in {target.address}")


@grouped
def fetch(
    release: ReleaseId, store: Store = None, root: RootFolder = None, *, configuration: options.Configuration
) -> None:
    """Bring a release from a store onto this machine, every byte proved."""
    place = root_of(root, configuration)
    settings = _settings(place, configuration)
    with stepping() as report:
        is_new = fetch_release(place, check_id(release), store_of(settings.releases, store), report)
    typer.echo(f"{'Fetched' if is_new else 'Was here, and is whole'}: {place.release(release)}")


@grouped
def install(release: ReleaseId, root: RootFolder = None, *, configuration: options.Configuration) -> None:
    """Make a fetched release ready to run: packages, code, launcher. Doing it again finishes or proves it."""
    place = root_of(root, configuration)
    is_new = install_release(place, check_id(release))
    launcher = place.release(release) / "bin" / "assay"
    typer.echo(f"{'Installed' if is_new else 'Was installed, and is whole'}: {launcher}")


@grouped
def activate(
    release: ReleaseId,
    slot: Slot,
    store: Store = None,
    supervisor: SupervisorUrl = "",
    supervisor_user: SupervisorUser = "",
    supervisor_password_file: SupervisorPasswordFile = "",
    wait_url: Annotated[
        list[str] | None,
        typer.Option(help="Wait until the web process at this address answers as RELEASE. May be repeated."),
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for all of it.")] = 300.0,
    root: RootFolder = None,
    *,
    configuration: options.Configuration,
) -> None:
    """Put a release into a slot: fetch, prove, install, point, restart, wait until it answers.

    What is done already is skipped, so an interrupted activation is finished by running it again.
    """
    place = root_of(root, configuration)
    settings = _settings(place, configuration)
    has_store = bool(store or settings.releases.store)
    wanted = Activation(
        check_id(release),
        slot,
        (lambda: store_of(settings.releases, store)) if has_store else None,
        _supervisor(supervisor, supervisor_user, supervisor_password_file),
        tuple(wait_url or ()),
        timeout,
    )
    with stepping() as report:
        done = activate_release(wanted, place, report)
    for sentence in done or [f"{slot} points to {release} already: nothing to do"]:
        typer.echo(sentence)


def stop(
    slot: Slot,
    supervisor: SupervisorUrl,
    supervisor_user: SupervisorUser = "",
    supervisor_password_file: SupervisorPasswordFile = "",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for all of it.")] = STOP_LIMIT_S,
    root: Annotated[
        Path | None,
        typer.Option(
            help="This machine's releases: an activation that is at work on the slot is waited for, "
            "since it would start the processes again."
        ),
    ] = None,
) -> None:
    """Stop a slot's processes, and wait until they have ended. The slot keeps its release."""
    supervised = processes(_supervisor(supervisor, supervisor_user, supervisor_password_file))
    if supervised is None:
        raise ConfigurationError(
            "name the supervisor: --supervisor systemd, unix:///path or http://host:port"
        )
    with closing(supervised):
        names = stop_slot(slot, supervised, timeout, None if root is None else Root(root))
    typer.echo(f"stopped {', '.join(names)}" if names else f"nothing of {slot} runs: nothing to do")


@grouped
def list_(store: Store = None, root: RootFolder = None, *, configuration: options.Configuration) -> None:
    """List this machine's releases, with the slots that point to them; with --store, those of the store."""
    place = root_of(root, configuration)
    if store is not None:
        settings = _settings(place, configuration)
        for release in store_of(settings.releases, store).ids():
            typer.echo(release)
        return
    for release in place.ids():
        typer.echo("\t".join([release, *slot_pointers.users_of(place, release)]))


@grouped
def remove(release: ReleaseId, root: RootFolder = None, *, configuration: options.Configuration) -> None:
    """Take a release off this machine. One that a slot points to, or a process runs from, stays."""
    remove_release(root_of(root, configuration), check_id(release))
    typer.echo(f"Removed {release}")


@grouped
def slots(root: RootFolder = None, *, configuration: options.Configuration) -> None:
    """List the slots and the release that each points to."""
    for slot, release in slot_pointers.slots(root_of(root, configuration)).items():
        typer.echo(f"{slot}\t{release}")


def root_of(root: Path | None, configuration: options.Configuration = options.NOTHING_GIVEN) -> Root:
    if root is not None:
        return Root(root.absolute())
    return Root(root_folder(options.load_settings(configuration).releases))


def _settings(place: Root, configuration: options.Configuration) -> Settings:
    """With what this machine alone knows, such as the store that it fetches from."""
    node = place.path / NODE_SETTINGS
    files = [*([node] if node.is_file() else []), *(configuration.config or ())]
    return options.load_settings(replace(configuration, config=files))


def _supervisor(url: str, user: str, password_file: str) -> SupervisorAddress | None:
    if not url and (user or password_file):
        raise ConfigurationError("--supervisor-user and --supervisor-password-file need --supervisor")
    return SupervisorAddress(url, user, password_file) if url else None


def _folder(root: Root, release: str) -> Path:
    """An id means the release of this root, if it is there; to name a folder of that name, write ./NAME."""
    if is_id(release) and (root.has(release) or not Path(release).is_dir()):
        return root.release(release)
    return Path(release).absolute()
