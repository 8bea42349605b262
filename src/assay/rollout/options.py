"""What an operator sets about rollouts: where the arms are, the stages, and what counts as bad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.rollout.guards import GuardOptions


@dataclass(frozen=True, slots=True)
class SlotSettings:
    """Where an arm runs in a data centre. Its servers in HAProxy are named ``<slot>-1``, ``<slot>-2``, …"""

    urls: tuple[str, ...]
    """Addresses of its web processes, in the order of HAProxy's servers."""
    metrics_urls: tuple[str, ...] = ()
    """Further addresses, without a path, whose ``/metrics`` are read: its workers'. The web processes' are
    read anyway. When one of them does not answer, memory is not seen, and the stage does not go on."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """A machine of a data centre on which slots run."""

    prefix: tuple[str, ...] = ()
    """What comes before ``assay release activate …`` to run it there, for example ``["ssh", "-o",
    "BatchMode=yes", "web1"]``; empty: this machine."""
    assay: tuple[str, ...] = ("assay",)
    """The command that activates releases there; over ssh, with its whole path."""
    root: str = "/var/lib/assay"
    """The node's releases (its setting releases.root)."""
    supervisor: str = ""
    """Who restarts a slot's processes with each release, and stops them when one is rolled back: ``systemd``
    (``assay-slot@SLOT.target`` of deploy/systemd), or the node's supervisord (its group named as the slot)
    as ``unix:///path`` or ``http://host:port``, without a password, which would stand in the list of
    processes."""
    supervisor_user: str = ""
    """Whom that supervisord knows; empty: it asks for none."""
    supervisor_password_file: str = ""
    """File on the node, readable by nobody else, that holds this user's password alone."""
    stop: tuple[str, ...] = ()
    """What stops a slot's processes there instead, with ``{slot}`` for its name, for example
    ``["/usr/local/bin/end-slot", "{slot}"]``. Empty: `supervisor` is asked."""
    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By slot, the web processes of this node, which must answer with the release before the node is done."""

    def __post_init__(self) -> None:
        if "@" in self.supervisor:
            raise ValueError(
                "supervisor: an address with a password would stand in the list of processes; "
                "give supervisor_user and supervisor_password_file"
            )
        if bool(self.supervisor_user) != bool(self.supervisor_password_file):
            raise ValueError("supervisor_user and supervisor_password_file: give both or neither")


@dataclass(frozen=True, slots=True)
class DataCentreSettings:
    """A load balancer with the arms behind it."""

    haproxy: str
    """HAProxy's runtime API (level admin): the path of a unix socket, or ``host:port``. Empty: others move
    the users here, and ``assay rollout watch`` only judges."""
    front_url: str
    """Where its users ask; used only where HAProxy is."""
    slots: Mapping[str, SlotSettings]
    """The two arms, by the slot's name."""
    nodes: Mapping[str, NodeSettings] = field(default_factory=dict)
    """By name; empty: this machine alone."""
    backend: str = "assay"
    """Of HAProxy."""
    remote_server: str = ""
    """HAProxy's server that leads to another data centre, used while this one is depooled. Empty: none."""
    is_active: bool = True
    """Whether users' requests are meant to arrive here. Inactive data centres take a release first."""


@dataclass(frozen=True, slots=True)
class StageOptions:
    """How a rollout goes forward: times short enough for a hot fix, samples large enough to judge."""

    weights: tuple[int, ...] = (1, 5, 25, 50, 100)
    """Per cent of users' requests for the candidate, rising, the last 100. The first steps are small because
    what only real traffic shows must be found before 5 % of it is hurt."""
    shadow_share: float = 0.5
    """Share of live requests that are asked again of both arms, 0.001 to 1."""
    pairs_per_s: float = 10.0
    """At most so many copied requests a second, so that a rollout never is a second crowd."""
    shadow_pairs: int = 300
    """Compared requests before users meet the candidate: enough for `rollout.guards.passing_bound`."""
    shadow_texts: int = 600
    """Different texts that both arms must have scored by then: users' own, recent ones of each wiki, and as
    many made-up ones as are missing. A crash on one text in two hundred shows among them in 95 cases of a
    hundred."""
    weight_pairs: int = 50
    """Compared requests at each weight, besides users' own."""
    weight_observed: int = 100
    """Users' requests that the candidate must have answered at each weight from 10 per cent on, before it
    gets more; at smaller weights fewer, in proportion, but 5."""
    needs_processor_time: bool = True
    """Whether nothing goes on without both arms' word on what a score cost them. Only a stable release that
    does not tell it yet needs False, for one rollout: then whole answers' times alone are compared."""
    least_s: float = 10.0
    """Seconds that each of shadow and weights lasts at least, so that slow faults have time to show."""
    limit_s: float = 600.0
    """Seconds after which a stage that could not be judged (no data) pauses the rollout for an operator."""
    deploy_limit_s: float = 300.0
    """Seconds for a node to fetch, install and start a release, and for its preflight."""


@dataclass(frozen=True, slots=True)
class RolloutOptions:
    """A controller of rollouts."""

    data_centres: Mapping[str, DataCentreSettings] = field(default_factory=dict)
    """By name."""
    state_dir: str = "assay-rollout"
    """Folder of the journal and its lock; on one host, which is then the only one that controls."""
    log_address: str = "127.0.0.1:5140"
    """UDP address at which HAProxy's log lines arrive."""
    stages: StageOptions = field(default_factory=StageOptions)
    guards: GuardOptions = field(default_factory=GuardOptions)
