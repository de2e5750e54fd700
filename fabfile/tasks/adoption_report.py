"""What `fab adopt` says of a group: what it is, and what adopting it comes to. User data is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from ..adoption.model import Balancer, Seen, Verdict
from ..aws.group_settings import Hook

SERVERS = ("server", "zone", "group says", "launched from")


def facts(seen: Seen) -> Iterator[str]:
    """Yield what a group is."""
    group, launches = seen.group, seen.launches
    policy = ", in a MixedInstancesPolicy" if group.source.policy else ""
    yield f"{group.name} ({seen.role}) launches from the {_source(seen)}{policy}"
    if launches is not None:
        what = (
            launches.image,
            launches.instance_type,
            _named("key", launches.key),
            _named("profile", launches.profile),
        )
        yield f"  servers: {', '.join(filter(None, what))}, {launches.user_data} bytes of user data"
    yield f"  sizes: desired {group.desired} (between {group.minimum} and {group.maximum}) in {', '.join(group.zones)}"
    yield f"  health check: {group.health_check}, after {group.grace:g} s of grace"
    yield f"  suspended: {', '.join(group.suspended) or 'nothing'}"
    yield f"  hooks: {', '.join(map(_hook, group.hooks)) or 'none'}"
    for balancer in seen.balancers:
        yield f"  balancer: {_balancer(balancer)}"
    if not seen.balancers:
        yield "  balancer: none"


def rows(seen: Seen) -> list[tuple[str, ...]]:
    """Return a row of the table `SERVERS` for each server."""
    return [
        (each.id, each.zone, each.state + ("" if each.healthy else ", unhealthy"), each.source)
        for each in seen.group.servers
    ]


def outcome(seen: Seen, verdict: Verdict, place: str) -> Iterator[str]:
    """Yield what adopting a group changes, and what to know; what stands in the way is told as an error."""
    change = verdict.change
    if change is not None:
        target = change.target or "version 1 of a launch template that is made of it"
        yield f"would change: {change.group} from the {_source(seen)} to {target}: {change.reason}"
        yield from (f"left out: {each}" for each in change.left_out)
    elif not verdict.problems:
        yield f"nothing has to change: releases can be deployed to {seen.group.name}"
    yield from (f"note: {each}" for each in verdict.notes)
    if change is not None and not verdict.problems:
        yield f"fab adopt:{place} --apply does it"


def as_document(seen: Seen, verdict: Verdict) -> dict[str, Any]:
    """Return a group and what adopting it comes to, for JSON."""
    change = verdict.change
    plain = replace(change, template=None) if change else None
    template = {"name": change.template.name, "tags": change.template.tags} if change and change.template else None
    return {
        "role": seen.role,
        "group": asdict(seen.group),
        "launches": asdict(seen.launches) if seen.launches else None,
        "balancers": [asdict(each) for each in seen.balancers],
        "change": {**asdict(plain), "template": template} if plain else None,
        "notes": verdict.notes,
        "problems": verdict.problems,
    }


def _source(seen: Seen) -> str:
    source = seen.group.source
    if source.configuration:
        return str(source)
    live = f" ({seen.live} now)" if seen.live and not source.numbered else ""
    return f"launch template version {source}{live}"


def _named(what: str, name: str) -> str:
    return f"{what} {name}" if name else f"no {what}"


def _hook(hook: Hook) -> str:
    when = "launching" if hook.launching else "terminating"
    return f"{hook.name} ({when}, {hook.timeout:g} s, then {hook.default})"


def _balancer(balancer: Balancer) -> str:
    through = f", target group {balancer.target_group}" if balancer.target_group else ""
    ports = ", ".join(map(str, balancer.ports)) or "no port"
    name = f"{balancer.name} ({balancer.kind}) at {balancer.dns_name}:{ports}" if balancer.name else "none"
    return f"{name}{through}, checks {balancer.check or 'connections'}, running requests get {balancer.delay:g} s"
