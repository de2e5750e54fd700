"""What is seen of a group that was made by hand, what the config expects of it, and what an adoption comes to."""

from __future__ import annotations

from dataclasses import dataclass

from ..aws.group_settings import GroupSettings
from ..aws.launch_configurations import LaunchConfiguration
from ..aws.launch_templates import NewTemplate, Template


@dataclass(frozen=True)
class Balancer:
    """A load balancer that a group's servers are behind; `target_group` is "" for a classic one. Times in seconds."""

    name: str
    kind: str  # classic, application, network
    dns_name: str
    ports: tuple[int, ...]
    check: str
    delay: float  # that running requests get when a server leaves
    target_group: str = ""


@dataclass(frozen=True)
class Launches:
    """What a group's next servers are like, as far as deploys depend on it."""

    image: str = ""
    instance_type: str = ""
    key: str = ""
    profile: str = ""
    metadata: bool = True  # whether servers can ask the metadata service
    user_data: int = 0  # bytes


@dataclass(frozen=True)
class Seen:
    """One group as it is, and what surrounds it."""

    role: str
    group: GroupSettings
    launches: Launches | None = None  # None: what it launches from is gone
    configuration: LaunchConfiguration | None = None
    live: str = ""  # the number that its version stands for now
    balancers: tuple[Balancer, ...] = ()
    templates: tuple[Template, ...] = ()  # that have a name which a new one could have
    reads_releases: bool | None = None  # None: nobody knows


@dataclass(frozen=True)
class Expected:
    """What the config says of an environment, as far as groups made by hand have to meet it."""

    place: str  # "deployment,environment", as commands have it
    load_balancers: tuple[str, ...] = ()
    listener_port: int = 80
    machine: str = ""  # x86_64, aarch64; "" where it does not matter
    releases: str = ""  # ARN of what servers fetch
    hook: str = ""
    min_healthy_time: float = 10.0


@dataclass(frozen=True)
class Change:
    """A group pointed at `target` ("lt-…:N"); "" stands for version 1 of `template`, which is made first."""

    group: str
    before: str
    target: str
    reason: str
    template: NewTemplate | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What would change, what is good to know, and what stands in the way; nothing changes while something does."""

    change: Change | None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
