"""`fab describe`: what runs where, in which state, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .declare import reading

if TYPE_CHECKING:
    from ..apply.around import Around, Port
    from ..apply.description import Description, GroupState, Server
    from ..aws.scaling import ScalingState
    from .run import Run

_HEADINGS = ("server", "address", "zone", "launch config", "group says", "balancers say")


@reading(group="look")
def describe(run: Run) -> None:
    """Show the site's address, every server with its state and the reason, sizes, and who holds the lock.

    Listeners with their certificates, the cache, and alarms that are on are shown too.
    """
    from ..apply.description import describe as look  # noqa: PLC0415  (boto3 is slow to import)
    from .wiring import ledger_of  # noqa: PLC0415

    aws = run.aws()
    seen = look(aws, run.environment, ledger_of(aws, run.environment))
    if run.json:
        run.output.json(seen)
        return
    run.output.result(f"{seen.deployment} {seen.environment}: {seen.site or 'no load balancer'}")
    several = len(run.environment.names.auto_scaling_groups) > 1
    headings = ("group" if several else "role", *_HEADINGS)
    run.output.table(headings, [(server.group if several else server.role, *_row(server)) for server in seen.servers])
    for line in (
        *(line for group in seen.groups for line in (_group(group), *scaling_lines(group.name, group.scaling))),
        *_around(seen.around),
        *_notes(seen),
    ):
        run.output.result(line)


def _row(server: Server) -> tuple[str, ...]:
    said = [
        f"{balancer.name}: {balancer.health}" + (f" ({balancer.reason})" if balancer.reason else "")
        for balancer in server.balancers
    ]
    config = server.launch_config + ("" if server.current else " (not what the group launches now)")
    state = server.state if server.healthy or server.state != "in service" else f"{server.state}, unhealthy"
    return (server.id, server.address, server.zone, config, state, "; ".join(said) or "–")


def _group(group: GroupState) -> str:
    suspended = f"suspended: {', '.join(group.suspended)}" if group.suspended else "nothing suspended"
    sizes = f"desired {group.desired} (between {group.minimum} and {group.maximum})"
    return f"{group.name} ({group.role}): {sizes}, launches {group.launch_config}, {suspended}"


def _around(around: Around) -> list[str]:
    lines = [_port(port) for port in around.ports]
    if around.cache:
        cache = around.cache
        lines.append(f"cache {cache.id}: {cache.status}, {cache.nodes} of {cache.node_type} at {cache.address}")
    lines += [f"ALARM {alarm.name}: {alarm.reason}" for alarm in around.alarms if alarm.state == "ALARM"]
    return lines


def _port(port: Port) -> str:
    listener, shown = port.listener, port.certificate
    does = f"redirects to {listener.redirects_to}" if listener.redirects_to else listener.action
    if shown is None:
        return f"{listener.protocol} {listener.port}: {does}"
    until = f" until {datetime.fromtimestamp(shown.expires, UTC):%Y-%m-%d}" if shown.expires else ""
    return (
        f"{listener.protocol} {listener.port}: {does}, certificate {shown.status}{until} for {', '.join(shown.domains)}"
    )


def scaling_lines(name: str, scaling: ScalingState) -> list[str]:
    """Say by what a group scales without being asked; nothing where it does not."""
    lines = []
    for policy in scaling.policies:
        target = f" {policy.metric} at {policy.target:g}" if policy.target is not None else ""
        limits = ("" if policy.scale_in else ", never fewer") + ("" if policy.enabled else ", disabled")
        lines.append(f"{name} scales by {policy.kind}{target}{limits} ({policy.name})")
    for action in scaling.actions:
        sizes = ", ".join(
            f"{which} {size}"
            for which, size in (("minimum", action.minimum), ("desired", action.desired), ("maximum", action.maximum))
            if size is not None
        )
        when = f"{action.recurrence} {action.time_zone}".strip() or "once"
        following = f", next {action.next}" if action.next else ""
        lines.append(f"{name} is scheduled ({when}{following}): {sizes} ({action.name})")
    kept = scaling.maintenance
    if kept:
        limits = f"{kept.minimum_healthy} % and {kept.maximum_healthy} %"
        lines.append(f"{name} is maintained between {limits} of desired capacity")
    return lines


def _notes(seen: Description) -> list[str]:
    notes = []
    if seen.lock:
        since = datetime.fromtimestamp(seen.lock.since, UTC)
        notes.append(f"locked by {seen.lock.owner} since {since:%Y-%m-%d %H:%M:%SZ}: {seen.lock.reason}")
    where = f"{seen.deployment},{seen.environment}"
    notes += [
        f"deploy {deploy} has not ended" + ("" if seen.lock else f": fab resume:{where} or fab repair:{where}")
        for deploy in seen.unfinished
    ]
    return notes
