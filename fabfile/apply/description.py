"""What an environment looks like now: its site, groups, servers, lock and unfinished deploy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ..aws import elb, elbv2
from ..aws.autoscaling import GroupRecord, describe_group
from ..aws.dynamodb import Table
from ..aws.ec2 import Instance, instances
from ..aws.launch_templates import versions
from ..aws.scaling import ScalingState, scaling_of
from ..aws.session import Aws
from ..aws.translate import Missing
from ..balancers.of_group import balancers_of
from ..config.environment import Environment, Provider
from ..locks.contract import Holder
from ..locks.dynamodb import DynamoRegister
from ..rollout.model import Group, Health, Member, TargetState
from .around import Around, look_around
from .ledger_contract import Ledger

_HTTP, _HTTPS = 80, 443


@dataclass(frozen=True)
class BalancerState:
    """What one balancer says of a server, with its own reason."""

    name: str
    health: str
    reason: str


@dataclass(frozen=True)
class Server:
    """One server; times are seconds since the epoch."""

    role: str
    group: str
    id: str
    address: str
    zone: str
    launch_config: str
    current: bool  # runs what its group would launch now
    state: str
    healthy: bool
    launched: float
    balancers: tuple[BalancerState, ...] = ()


@dataclass(frozen=True)
class GroupState:
    """One autoscaling group; `launch_config` is a name, `launch_config_id` the version behind it."""

    role: str
    name: str
    minimum: int
    maximum: int
    desired: int
    launch_config: str
    launch_config_id: str
    suspended: tuple[str, ...]
    zones: tuple[str, ...]
    scaling: ScalingState = field(default_factory=ScalingState)


@dataclass(frozen=True)
class Description:
    """An environment as seen now."""

    deployment: str
    environment: str
    site: str
    groups: tuple[GroupState, ...]
    servers: tuple[Server, ...]
    lock: Holder | None
    unfinished: tuple[str, ...]  # ids of deploys that neither ended nor were repaired
    around: Around


def describe(aws: Aws, environment: Environment, ledger: Ledger) -> Description:
    """Look at everything; raises `UsageError` when the environment was never created."""
    names = environment.names
    groups = {name: ("web", describe_group(aws, name)) for name in names.auto_scaling_groups}
    worker = environment.roles.get("worker")
    if worker and worker.count:
        groups[names.worker] = ("worker", describe_group(aws, names.worker))
    records = {name: record for name, (_, record) in groups.items()}
    called = _names_of(aws, records.values())
    members = _members(aws, records)
    found = instances(aws, [member.id for of_group in members.values() for member in of_group])
    unfinished = ledger.unfinished(environment.deployment, environment.name)
    return Description(
        deployment=environment.deployment,
        environment=environment.name,
        site=site_of(aws, environment),
        groups=tuple(
            _group(role, record, called, scaling_of(aws, record.group.name)) for role, record in groups.values()
        ),
        servers=tuple(
            _server(role, member, record.group, found.get(member.id), environment=environment, called=called)
            for name, (role, record) in groups.items()
            for member in members[name]
        ),
        lock=_holder(aws, environment),
        unfinished=tuple(each.record.id for each in unfinished),
        around=look_around(aws, environment),
    )


def site_of(aws: Aws, environment: Environment) -> str:
    """Return the site's address at its first load balancer, or "" where there is none."""
    host = _host(aws, environment.names.load_balancers[0])
    if not host:
        return ""
    https = environment.https
    if https is None:
        return f"http://{host}{_port(environment.listener_port, _HTTP)}/"
    # On AWS the certificate is for the domains alone; the embedded cloud's is for the balancer's address too.
    plain = [domain for domain in environment.domains if not domain.startswith("*")]
    if environment.provider is Provider.AWS and plain:
        host = plain[0]
    return f"https://{host}{_port(https.port, _HTTPS)}/"


def _port(port: int, usual: int) -> str:
    return "" if port == usual else f":{port}"


def _host(aws: Aws, balancer: str) -> str:
    """Return a balancer's DNS name, whichever kind it is; "" where there is none of the name."""
    for dns_name in (elbv2.dns_name, elb.dns_name):
        with suppress(Missing):
            return dns_name(aws, balancer)
    return ""


def _names_of(aws: Aws, records: Iterable[GroupRecord]) -> dict[str, str]:
    """Return the names of all launch configs that the groups could launch, by "lt-…:N"."""
    templates = dict.fromkeys(record.group.launch_config.partition(":")[0] for record in records)
    return {config.id: config.name for template in templates for config in versions(aws, template)}


def _members(aws: Aws, records: Mapping[str, GroupRecord]) -> dict[str, list[Member]]:
    """Return each group's servers with what its balancers say of them; groups may share a balancer."""
    behind = {name: balancers_of(aws, record) for name, record in records.items()}
    once = {each.name: each for balancers in behind.values() for each in balancers}
    states = {name: balancer.states() for name, balancer in once.items()}
    return {
        name: _with_targets(record, [states[each.name] for each in behind[name]]) for name, record in records.items()
    }


def _with_targets(record: GroupRecord, seen: Sequence[Mapping[str, TargetState]]) -> list[Member]:
    return [
        replace(member, targets=tuple(states[member.id] for states in seen if member.id in states))
        for member in sorted(record.group.members, key=lambda member: (member.launched_at, member.id))
    ]


def _group(role: str, record: GroupRecord, called: Mapping[str, str], scaling: ScalingState) -> GroupState:
    group = record.group
    return GroupState(
        role,
        group.name,
        group.minimum,
        group.maximum,
        group.desired,
        called.get(group.launch_config, group.launch_config),
        group.launch_config,
        tuple(sorted(group.suspended)),
        group.zones,
        scaling,
    )


def _server(
    role: str,
    member: Member,
    group: Group,
    instance: Instance | None,
    *,
    environment: Environment,
    called: Mapping[str, str],
) -> Server:
    return Server(
        role=role,
        group=group.name,
        id=member.id,
        address=instance.addresses.get(environment.ssh_attribute, "") if instance else "",
        zone=member.zone,
        launch_config=called.get(member.launch_config, member.launch_config),
        current=member.launch_config == group.launch_config,
        state=member.lifecycle.value,
        healthy=member.healthy and all(target.health is Health.HEALTHY for target in member.targets),
        launched=instance.launched if instance else member.launched_at,
        balancers=tuple(
            BalancerState(target.balancer, target.health.value, target.reason) for target in member.targets
        ),
    )


def _holder(aws: Aws, environment: Environment) -> Holder | None:
    register = DynamoRegister(Table(aws, environment.names.table), f"{environment.deployment}-{environment.name}")
    record = register.read()
    return record.holder if record and record.held else None
