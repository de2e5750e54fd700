"""What stands in an adoption's way, and what its users should know before the first deploy. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..aws.group_settings import GroupSettings, policy_problem
from ..releases.target import machine_of
from ..rollout.situation import listed
from ..rollout.starting import NEEDED
from .model import Balancer, Expected, Seen


def problems_of(seen: Seen, expected: Expected) -> tuple[str, ...]:
    """Return why a group can't be adopted as it is, each with what to do about it."""
    return (*_source(seen), *_policy(seen.group), *_balancers(seen, expected), *_machine(seen, expected))


def notes_on(seen: Seen, expected: Expected) -> tuple[str, ...]:
    """Return what deploys will meet in a group."""
    notes = (*_gate(seen, expected), *_draining(seen), *_health(seen), *_suspended(seen.group, expected))
    return (*notes, *_servers(seen), *_access(seen, expected), *_ports(seen, expected))


def _source(seen: Seen) -> Iterator[str]:
    group = seen.group
    if seen.launches is not None:
        return
    what = str(group.source) if group.source.configuration else f"launch template {group.source}"
    yield (
        f"{group.name} launches from the {what}, which is gone: it can launch nothing. Give it a launch template that "
        "makes its servers (`aws ec2 get-launch-template-data --instance-id` prints one's)"
    )


def _policy(group: GroupSettings) -> Iterator[str]:
    problem = policy_problem(group.source.policy or {})
    if problem:
        yield f"deploys can't work with {group.name}: {problem}. Take that out of the policy"


def _balancers(seen: Seen, expected: Expected) -> Iterator[str]:
    """Deploys watch the site at the config's balancer; workers' groups have none."""
    if seen.role != "web":
        return
    behind = [each.name for each in seen.balancers if each.name]
    for name in expected.load_balancers:
        if name not in behind:
            there = f"it is behind {listed(tuple(behind))}" if behind else "it is behind none"
            instead = f"Set load_balancers: [{', '.join(behind)}]" if behind else "Attach it to the group"
            yield f"{seen.group.name} is not behind the load balancer {name} of the config: {there}. {instead}"


def _machine(seen: Seen, expected: Expected) -> Iterator[str]:
    if seen.launches is None or not expected.machine or not seen.launches.instance_type:
        return
    machine = machine_of(seen.launches.instance_type)
    if machine != expected.machine:
        yield (
            f"{seen.group.name} launches {seen.launches.instance_type} ({machine}), and the config's instance_types "
            f"say that releases are built for {expected.machine}. Set instance_types: {seen.launches.instance_type}"
        )


def _gate(seen: Seen, expected: Expected) -> Iterator[str]:
    group = seen.group
    hooks = [hook for hook in group.hooks if hook.launching]
    if expected.hook not in [hook.name for hook in hooks] and seen.role == "web":
        yield (
            f"{group.name} has no launch hook {expected.hook}: its balancers see new servers at once, and each has to "
            f"be healthy there for {expected.min_healthy_time:g} s before an old one goes"
        )
    for hook in hooks:
        if hook.name != expected.hook and not hook.target and hook.default == "ABANDON":
            yield (
                f"nobody is notified by the launch hook {hook.name} of {group.name}: if its servers' own user data "
                f"completes it, those of a release will not, and are abandoned after {hook.timeout:g} s"
            )


def _draining(seen: Seen) -> Iterator[str]:
    for each in seen.balancers:
        if each.kind == "classic" and not each.delay:
            yield f"connection draining of {each.name} is off: requests under way are cut when a server leaves"
        if not each.name:
            yield f"no load balancer sends requests to the target group {each.target_group}: rollouts would wait for it"


def _health(seen: Seen) -> Iterator[str]:
    group = seen.group
    if seen.balancers and group.health_check == "EC2":
        yield f"{group.name} does not replace servers that its balancers find unhealthy (health check type EC2)"


def _suspended(group: GroupSettings, expected: Expected) -> Iterator[str]:
    blocked = tuple(sorted(NEEDED & set(group.suspended)))
    if blocked:
        processes = "\\,".join(blocked)
        yield (
            f"{listed(blocked)} of {group.name} is suspended: deploys refuse until it is resumed "
            f"(fab resume_autoscaling_processes:{expected.place},{processes})"
        )


def _servers(seen: Seen) -> Iterator[str]:
    source = seen.group.source
    if source.configuration or not seen.live:
        return
    others = tuple(each.id for each in seen.group.servers if each.source != f"{source.template}:{seen.live}")
    if others:
        yield f"{listed(others)} run something else than {source.template}:{seen.live}, which comes next"


def _access(seen: Seen, expected: Expected) -> Iterator[str]:
    launches = seen.launches
    if launches is None:
        return
    if not launches.metadata:
        yield f"the metadata service of the servers of {seen.group.name} is off: a release cannot start without it"
    allow = f"allow its role s3:GetObject on {expected.releases}"
    if not launches.profile:
        yield (
            f"the servers of {seen.group.name} have no instance profile, and can't fetch releases: give the launch "
            f"template one, and {allow}"
        )
    elif seen.reads_releases is False:
        yield f"the instance profile {launches.profile} may not read releases: {allow}"
    elif seen.reads_releases is None:
        yield f"nobody could say whether the instance profile {launches.profile} may read releases: {allow}"


def _ports(seen: Seen, expected: Expected) -> Iterator[str]:
    """The probe asks the config's port of the first balancer that the config names."""
    for each in _watched(seen, expected):
        if each.ports and expected.listener_port not in each.ports:
            ports = ", ".join(map(str, each.ports))
            yield (
                f"{each.name} listens on {ports}, and not on the config's listener_port {expected.listener_port}, "
                "where deploys watch the site"
            )


def _watched(seen: Seen, expected: Expected) -> Iterator[Balancer]:
    first = expected.load_balancers[0] if expected.load_balancers else ""
    return (each for each in seen.balancers if each.name and each.name == first)
