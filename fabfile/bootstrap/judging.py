"""Pure: compare an environment as it is with what its config says.

In: what was seen, the settings. Out: a finding for each thing that deploys rely on, with what to do where it does
not hold. Never: AWS, the clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ..apply.launch_configs import HOOK
from ..aws.inspection import InspectedGroup
from ..config.environment import Environment
from .findings import Finding, Verdict, create, hold
from .judging_stores import judge_stores
from .seen import Seen, Unknown, has

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
_SOON = 30 * 86400.0  # seconds before a certificate's end in which somebody has to act
_POSTGRES, _REDIS = 5432, 6379


def judge(seen: Seen, environment: Environment) -> tuple[Finding, ...]:
    """Return what was found, in the order in which a request meets it."""
    found = tuple(
        finding
        for judged in (_stack, _ports, _target_group, _groups, _reachability, judge_stores)
        for finding in judged(seen, environment)
    )
    return tuple(map(_left_alone, found)) if _made_by_hand(seen) else found


def _made_by_hand(seen: Seen) -> bool:
    return seen.stack is None and any(group is not None for group in seen.groups.values())


def _left_alone(finding: Finding) -> Finding:
    """Return the finding without advice to run create_environment, which would make all of it anew."""
    ours = "create_environment" in finding.next_step
    return replace(finding, next_step="It was made by hand: change it there, or the config") if ours else finding


def compare(part: str, what: str, seen: object, wanted: object, next_step: str) -> Finding:
    """Return the finding that a value is what the config says."""
    if seen == wanted:
        return Finding(part, what, Verdict.OK, str(seen))
    return Finding(part, what, Verdict.NG, f"{seen or 'nothing'}, and the config says {wanted}", next_step)


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s"


def _stack(seen: Seen, environment: Environment) -> Iterator[Finding]:
    part = f"stack {environment.names.stack}"
    if seen.stack is None:
        yield Finding(part, "state", Verdict.SKIP, "there is none: the environment was made by hand")
        return
    status = seen.stack.status
    bad = "" if status in _GOOD else f"it is {status}"
    yield hold(part, "state", status, bad, "See its events in CloudFormation")
    drift = seen.stack.drift
    if drift in {"IN_SYNC", "DRIFTED"}:
        bad = "" if drift == "IN_SYNC" else "somebody changed its resources by hand"
        yield hold(part, "drift", drift, bad, "See `aws cloudformation describe-stack-resource-drifts`")
    else:
        yield Finding(part, "drift", Verdict.SKIP, "nobody asked CloudFormation to detect it")


def _ports(seen: Seen, environment: Environment) -> Iterator[Finding]:
    part = f"load balancer {environment.names.load_balancers[0]}"
    ports = {port.listener.port: port for port in seen.ports}
    https = environment.https
    wanted = f"redirect to HTTPS:{https.port}" if https else "forward"
    plain = ports.get(environment.listener_port)
    does = "no listener"
    if plain:
        to = plain.listener.redirects_to
        does = f"redirect to {to}" if to else plain.listener.action
    yield compare(part, f"HTTP {environment.listener_port}", does, wanted, create(environment.place))
    if https is None:
        return
    secure = ports.get(https.port)
    yield compare(
        part,
        f"HTTPS {https.port}",
        f"{secure.listener.action} by {secure.listener.policy}" if secure else "no listener",
        f"forward by {https.policy}",
        create(environment.place),
    )
    shown = secure.certificate if secure else None
    if shown is None:
        what = "the listener shows none that ACM has" if secure else "there is no listener that shows one"
        yield Finding(part, "certificate", Verdict.NG, what, create(environment.place))
        return
    missing = [domain for domain in environment.domains if not shown.covers(domain)]
    bad = f"it is not for {', '.join(missing)}" if missing else ""
    yield hold(part, "domains", ", ".join(shown.domains), bad, "Name another certificate, or request one")
    left = shown.expires - seen.now
    bad = "" if shown.status == "ISSUED" else f"it is {shown.status}"
    if not bad and left < _SOON:
        bad = f"it ends in {max(left, 0.0) / 86400:.0f} days"
    renewal = (
        "ACM renews it while its DNS records are there: make them" if shown.renews else "Import a new one into ACM"
    )
    yield hold(part, "certificate", f"{shown.status}, for {left / 86400:.0f} days", bad, renewal)


def _target_group(seen: Seen, environment: Environment) -> Iterator[Finding]:
    part = f"target group {environment.names.target_group}"
    found, health = seen.targets, environment.health
    if found is None:
        yield Finding(part, "there", Verdict.NG, "there is none of this name", create(environment.place))
        return
    settings = (
        ("port", found.port, environment.app_port),
        ("health check", f"{found.path} answers {found.success}", f"{health.path} answers {health.success}"),
        ("interval", _seconds(found.interval), _seconds(int(health.interval))),
        ("timeout", _seconds(found.timeout), _seconds(int(health.timeout))),
        ("thresholds", f"{found.healthy_threshold} good, {found.unhealthy_threshold} bad",
         f"{health.healthy_threshold} good, {health.unhealthy_threshold} bad"),
        ("deregistration delay", _seconds(found.delay), _seconds(int(environment.rollout.deregistration_delay))),
    )  # fmt: skip
    for what, is_, wanted in settings:
        yield compare(part, what, is_, wanted, create(environment.place))
    bad = "" if found.load_balancers else "no listener forwards to it, so that nobody checks its targets"
    yield hold(part, "in use", "behind a load balancer", bad, create(environment.place))


def _groups(seen: Seen, environment: Environment) -> Iterator[Finding]:
    for name, group in seen.groups.items():
        part = f"group {name}"
        if group is None:
            yield Finding(part, "there", Verdict.NG, "there is none of this name", create(environment.place))
            continue
        yield from _group(part, group, seen, environment)
        yield from _source(part, group, environment)


def _group(part: str, group: InspectedGroup, seen: Seen, environment: Environment) -> Iterator[Finding]:
    again = create(environment.place)
    yield compare(part, "grace period", _seconds(group.grace), _seconds(int(environment.health.grace)), again)
    if group.name == environment.names.worker:
        count = environment.roles["worker"].count
        yield compare(part, "sizes", f"{group.minimum} to {group.maximum}", f"{count} to {count}", again)
        return
    sizes = f"{environment.minimum} to {environment.maximum}"
    yield compare(part, "sizes", f"{group.minimum} to {group.maximum}", sizes, again)
    yield compare(part, "health check", group.health_check, "ELB", again)
    hook = next((hook for hook in group.hooks if hook.name == HOOK), None)
    yield compare(part, "launch hook", hook and f"{hook.name}, {hook.default}", f"{HOOK}, ABANDON", again)
    joined = seen.targets is None or seen.targets.arn in group.target_groups
    bad = "" if joined else f"its servers are not registered with {environment.names.target_group}"
    yield hold(part, "target group", environment.names.target_group, bad, again)


def _source(part: str, group: InspectedGroup, environment: Environment) -> Iterator[Finding]:
    source = group.source
    if not source.template:
        seen = "it launches from a launch configuration"
        yield Finding(part, "launch template", Verdict.NG, seen, f"Run `fab adopt:{environment.place}`")
        return
    bad = "" if source.version.isdigit() else f"{source.version} is another version whenever somebody makes one"
    deploy = f"Run `fab deploy_serial:{environment.place}`"
    yield hold(part, "launch template", f"{source.template}:{source.version}", bad, deploy)
    yield compare(part, "metadata tokens", source.tokens, "required", create(environment.place))
    yield compare(part, "tags in metadata", source.tags, "enabled", create(environment.place))


def _reachability(seen: Seen, environment: Environment) -> Iterator[Finding]:
    part = "security groups"
    if seen.ingress is None or isinstance(seen.ingress, Unknown) or "Web" not in seen.security_groups:
        why = seen.ingress.why if isinstance(seen.ingress, Unknown) else "the stack has made none"
        yield Finding(part, "who reaches whom", Verdict.SKIP, why)
        return
    servers = {"Web", "Worker"} if has(environment, "worker") else {"Web"}
    yield _reached(seen, environment, "Web", environment.app_port, {"LoadBalancer"})
    if has(environment, "db-primary"):
        yield _reached(seen, environment, "Database", _POSTGRES, servers)
    if has(environment, "cache"):
        yield _reached(seen, environment, "Cache", _REDIS, servers)


def _reached(seen: Seen, environment: Environment, name: str, port: int, wanted: set[str]) -> Finding:
    """A port is reached from certain security groups, and from nowhere else."""
    assert seen.ingress is not None
    assert not isinstance(seen.ingress, Unknown)
    rules = seen.ingress.get(seen.security_groups.get(name, ""), ())
    names = {id_: name for name, id_ in seen.security_groups.items()}
    sources = {
        names.get(source, source) for rule in rules if rule.first <= port <= rule.last for source in rule.sources
    }
    missing, others = sorted(wanted - sources), sorted(sources - wanted)
    bad = f"not from {', '.join(missing)}" if missing else ""
    if others:
        bad = f"{bad}, and also from {', '.join(others)}".removeprefix(", and ")
    return hold(
        "security groups", f"{name} {port}", f"from {', '.join(sorted(wanted))} alone", bad, create(environment.place)
    )
