"""One environment's settings, validated and complete: what every other package works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Provider(StrEnum):
    AWS = "aws"
    LOCAL = "local"


@dataclass(frozen=True)
class Application:
    """How the application is built, started, migrated and checked; defaults are Django's.

    Commands are argument lists; `{python}`, `{address}`, `{port}`, `{release}`, `{shared}` and `{cpus}` are filled in
    on the server. An empty one says that the application has no such thing.
    """

    start: tuple[str, ...]
    worker: tuple[str, ...]
    migrate: tuple[str, ...]
    static: tuple[str, ...]
    manage: tuple[str, ...] = ()  # `{manage}` in the others is filled in already
    post_migrate: tuple[str, ...] = ()
    build: tuple[str, ...] = ()  # runs where a release is built
    workers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by name, where one server runs several
    requirements: str = "requirements.txt"  # "": no Python packages
    source: str = "."  # folder of the repository that is the application
    static_url: str = "/static/"
    static_root: str = "staticfiles"  # relative to the application, where `static` puts its files
    environ: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)  # variable → where the server fetches it
    exclude: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        """Whether there is something for workers to run."""
        return bool(self.worker or self.workers)

    @property
    def migrates(self) -> bool:
        """Whether a release has something to do before it meets its database."""
        return bool(self.migrate or self.post_migrate)


@dataclass(frozen=True)
class HealthCheck:
    """What balancers ask and servers ask themselves before they join."""

    path: str = "/healthcheck.html"
    headers: Mapping[str, str] = field(default_factory=dict)
    success: str = "200"  # ALB matcher syntax: "200", "200,301", "200-299"
    interval: float = 10.0
    timeout: float = 5.0
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2
    grace: float = 300.0


@dataclass(frozen=True)
class RoleSettings:
    """One role's servers."""

    count: int
    instance_type: str
    volume_size: int  # GiB
    volume_type: str
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rollout:
    """Pace and limits of a rollout; times in seconds."""

    batch: str = "1"  # "2" or "25%"
    canary: str = "0"  # "1" or "10%"; "0": none
    bake_time: float = 60.0
    max_error_rate: float = 0.01  # a share: 0.01 is 1 %
    min_requests: int = 100
    slot_deadline: float = 600.0
    min_healthy_time: float = 10.0
    drain_timeout: float = 600.0
    deregistration_delay: float = 30.0
    poll: float = 5.0
    probe_rate: float = 0.0  # requests a second; 0: no probe
    probe_paths: tuple[str, ...] = ("/",)


@dataclass(frozen=True)
class TargetTracking:
    """Averages that AWS keeps by adding and removing servers; None: that one is not tracked."""

    cpu: float | None = None  # per cent
    requests: float | None = None  # a minute and server
    disable_scale_in: bool = False
    warmup: int | None = None  # seconds


@dataclass(frozen=True)
class ScheduledAction:
    """Sizes that change at a time; None leaves one as it is then, "" is what was left out."""

    name: str
    recurrence: str = ""  # five cron fields
    time_zone: str = ""
    minimum: int | None = None
    maximum: int | None = None
    desired: int | None = None
    start: str = ""  # UTC, 2026-12-24T18:00:00Z
    end: str = ""


@dataclass(frozen=True)
class Maintenance:
    """Per cent of desired capacity that AWS keeps, and may reach, while it replaces servers by itself."""

    minimum_healthy: int
    maximum_healthy: int


@dataclass(frozen=True)
class Scaling:
    """How the group of web servers scales by itself."""

    tracking: TargetTracking | None = None
    scheduled: tuple[ScheduledAction, ...] = ()
    maintenance: Maintenance | None = None
    warmup: int | None = None  # seconds until a new server's figures count


@dataclass(frozen=True)
class Marker:
    """Who is told of deploys: a command, or an address that gets a POST of JSON; `timeout` in seconds."""

    name: str
    at: tuple[str, ...]  # start, success, failure
    command: tuple[str, ...] = ()
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None  # None: all there is to tell
    timeout: float = 10.0
    required: bool = False


@dataclass(frozen=True)
class LocalTimes:
    """How slow the embedded cloud is: seconds."""

    boot: float = 1.0
    drain: float = 1.0
    health_interval: float = 0.5


@dataclass(frozen=True)
class Https:
    """How the load balancer answers HTTPS."""

    certificate: str  # "request", or the ARN of one in ACM
    port: int
    policy: str

    @property
    def requested(self) -> bool:
        """Whether the stack asks ACM for the certificate."""
        return self.certificate == "request"


@dataclass(frozen=True)
class Alarms:
    """Who is told when something is wrong: an address, or a topic that is there already."""

    email: str = ""
    topic: str = ""
    errors: float = 1.0  # per cent of requests that servers answer with 5xx


@dataclass(frozen=True)
class Names:
    """Names of everything in the account; the convention is `{deployment}-{environment}`, the config may say others."""

    stack: str
    auto_scaling_groups: tuple[str, ...]  # of web servers, in the order in which deploys take them
    launch_template: str  # the stack's own; another group's is what that group launches from
    load_balancers: tuple[str, ...]
    target_group: str
    worker: str  # Name tag of worker instances
    table: str  # lock and ledger, one per account and region
    bucket: str  # releases, one per account and region; "{account}" is filled in

    @property
    def stack_group(self) -> str:
        """The web group that `create_environment` makes; the others were made by somebody else.

        It is the one named like the stack, wherever it stands, so that another order of deploys is no other stack;
        the first one where none is.
        """
        conventional = f"{self.stack}-web"
        return conventional if conventional in self.auto_scaling_groups else self.auto_scaling_groups[0]


@dataclass(frozen=True)
class Environment:
    """One deployment in one environment."""

    deployment: str
    name: str
    provider: Provider
    production: bool
    region: str
    zones: tuple[str, ...]  # full names, e.g. us-east-1a
    vpc: str  # "" : the account's default VPC
    subnets: tuple[str, ...]
    ami: str
    branch: str
    repository: Path
    python: str
    app_port: int
    listener_port: int
    minimum: int
    maximum: int
    desired: int
    roles: Mapping[str, RoleSettings]
    domains: tuple[str, ...]
    names: Names
    application: Application
    health: HealthCheck
    rollout: Rollout
    local: LocalTimes
    ssh_user: str
    ssh_config: Path | None  # generated for the embedded cloud
    ssh_attribute: str  # private_ip_address, public_dns_name, …
    key_name: str
    tags: Mapping[str, str]
    state: Path  # `.fab/` of this checkout
    extra: Mapping[str, object] = field(default_factory=dict)
    profile: str = ""
    https: Https | None = None  # None: plain HTTP
    hosted_zone: str = ""  # "" : nobody's DNS records are made
    access_logs: str = ""  # bucket of the load balancer's access logs
    log_retention: int = 0  # days; 0: no log groups
    alarms: Alarms | None = None
    role_arn: str = ""  # assumed with the profile's credentials
    account_id: str = ""  # 12 digits; "" : whichever account the credentials are of
    scaling: Scaling = field(default_factory=Scaling)
    markers: tuple[Marker, ...] = ()

    @property
    def place(self) -> str:
        """How tasks are told which environment: "deployment,environment"."""
        return f"{self.deployment},{self.name}"
