"""Rules that replace servers: launch, wait until the new ones serve, let old ones go."""

from __future__ import annotations

from dataclasses import replace

from .capacity import may_go
from .deciding import act, think, wait
from .model import Health, Launch, Member
from .situation import Situation, condition, listed
from .sizing import raised_by_us
from .steps import Deregister, LaunchInstances, Plan, SetMaximum, Terminate
from .zones import launch_zones, victims

LAUNCH_LIMIT = 100  # instances in one LaunchInstances call


def repeat_unanswered(s: Situation) -> Plan | None:
    """Repeat launches whose reply never came, with the tokens that they had."""
    lost = [launch for launch in s.intent.launches if not launch.ids and launch.asked_at < s.now]
    steps = [
        LaunchInstances(
            f"the reply to launch {launch.token} was lost; the same token does not launch twice",
            replace(launch, asked_at=s.now),
        )
        for launch in lost
    ]
    return act(s, *steps) if steps else None


def retire(s: Situation) -> Plan | None:
    """Let as many old servers go as new ones have taken the place of, each as soon as one has."""
    if not s.old or s.intent.owned < 1:
        return None
    going = next_to_go(s, s.intent.owned)
    spared = may_go(going, s.serving_ids, s.reliable - s.needed)
    if not spared:
        return None
    foreign = tuple(step for member in spared for step in _deregister(s, member))
    if foreign:
        return act(s, *foreign)
    ready = [member for member in spared if not _draining_elsewhere(s, member)]
    if not ready:
        return None
    steps = [Terminate(_why_gone(s, member), member.id, decrement=True) for member in ready]
    return act(s, *steps)


def next_to_go(s: Situation, count: int) -> tuple[Member, ...]:
    """Return the old servers that go next; one whose launch nobody answered yet can't be named."""
    named = tuple(member for member in s.old if "#" not in member.id)
    return victims(named, s.alive_by_zone, s.serving_ids, min(count, len(named)))


def _why_gone(s: Situation, member: Member) -> str:
    state = "serves" if member.id in s.serving_ids else "does not serve"
    return (
        f"{member.id} ({member.launch_config}, {member.zone}) {state}; "
        f"{s.reliable} servers do and {s.needed} are needed"
    )


def _deregister(s: Situation, member: Member) -> tuple[Deregister, ...]:
    """Take a server out of the balancers that its group does not know and would not drain it from."""
    if any(asked.what == f"deregister {member.id}" for asked in s.intent.asked):
        return ()
    gone = {Health.DRAINING, Health.ABSENT, Health.UNUSED}
    names = tuple(t.balancer for t in member.targets if not t.by_group and t.health not in gone)
    if not names:
        return ()
    return (Deregister(f"{member.id} drains in {listed(names)}, which its group does not know", member.id, names),)


def _draining_elsewhere(s: Situation, member: Member) -> bool:
    since = next((a.at for a in s.intent.asked if a.what == f"deregister {member.id}"), None)
    if since is None or s.now - since > s.policy.drain_timeout:
        return False
    return since == s.now or any(
        not target.by_group and target.health not in {Health.ABSENT, Health.UNUSED} for target in member.targets
    )


def launch(s: Situation) -> Plan | None:
    """Launch surge for the next batch, or give back what the group is owed."""
    missing = min(s.policy.batch, len(s.old)) - s.intent.owned
    if missing < 1 or s.unripe_surge or s.in_doubt:
        return None
    reason = (
        f"{len(s.old)} servers are to be replaced by {s.intent.target}, {s.policy.batch} at a time; "
        f"desired capacity is {s.expected}"
    )
    return launch_surge(s, missing, next_to_go(s, min(s.policy.batch, len(s.old))), reason)


def launch_surge(s: Situation, missing: int, leaving: tuple[Member, ...], reason: str) -> Plan:
    """Launch servers above desired capacity, balanced for when those that they are to replace have left."""
    if s.expected + missing > s.group.maximum:
        return _make_room(s, s.expected + missing)
    zones = launch_zones(s.group.zones, s.alive_by_zone, leaving, missing)
    steps, number, desired = [], s.intent.launched, s.expected
    for zone, wanted in sorted(zones.items()):
        for count in _chunks(wanted):
            number += 1
            token = f"{s.intent.deploy_id}-{s.intent.turn}-{number}"
            entry = Launch(token, zone, count, s.intent.target, s.now, desired)
            steps.append(LaunchInstances(f"launch {count} in {zone}: {reason}", entry))
            desired += count
    return act(s, *steps)


def _chunks(count: int) -> tuple[int, ...]:
    full, rest = divmod(count, LAUNCH_LIMIT)
    return (LAUNCH_LIMIT,) * full + ((rest,) if rest else ())


def _make_room(s: Situation, maximum: int) -> Plan:
    """Raise MaxSize for a while; what it was is in the intent, also when somebody changed it since."""
    intent, current = s.intent, s.group.maximum
    if not raised_by_us(current, intent):
        intent = replace(intent, maximum_before=current, maximum_raised=None, maximums_tried=())
    tried = intent.maximums_tried if intent.maximum_raised is None else (*intent.maximums_tried, intent.maximum_raised)
    intent = replace(intent, maximum_raised=maximum, maximums_tried=tried)
    reason = f"the surge needs room for {maximum} servers and MaxSize is {current}; it goes back afterwards"
    return act(s, SetMaximum(reason, maximum), intent=intent)


def trim(s: Situation) -> Plan | None:
    """Take back surge that has nothing left to replace, e.g. after AWS replaced the last old server itself."""
    surplus = min(s.intent.owned, len(s.alive) - s.intent.desired)
    if s.old or surplus < 1:
        return None
    youngest_first = [replace(each, launched_at=-each.launched_at) for each in s.new if "#" not in each.id]
    going = may_go(victims(youngest_first, s.alive_by_zone, s.ripe_ids, surplus), s.serving_ids, s.reliable - s.needed)
    reason = f"is surplus: {len(s.alive)} servers exist and {s.intent.desired} are wanted"
    steps = [Terminate(f"{each.id} {reason}", each.id, decrement=True, replaces=False) for each in going]
    return act(s, *steps) if steps else None


def await_servers(s: Situation) -> Plan | None:
    """Wait while servers come, or while old ones can't be spared."""
    missing = s.expected - len(s.alive)
    if not s.old and not s.intent.owned and not s.intent.coming and missing <= 0:
        return None
    if s.intent.slot_since is None:
        return think(replace(s.intent, slot_since=s.now))
    return wait(s, _what_for(s, missing), s.intent.slot_since, s.policy.slot_deadline)


def _what_for(s: Situation, missing: int) -> str:
    coming = tuple(condition(each) for each in s.unripe if each.id not in s.serving_ids)
    if coming:
        return f"{len(coming)} new servers do not serve yet: {listed(coming, 3)}"
    if s.in_doubt:
        return f"whether {listed(s.in_doubt)} was terminated is not known yet"
    if missing > 0:
        return f"{len(s.alive)} of {s.expected} servers exist"
    proving = tuple(member.id for member in s.unripe_surge)
    if proving:
        return f"{listed(proving)} must serve for {s.policy.min_healthy_time:.0f} s without a break"
    return f"{s.reliable} servers serve and {s.needed} are needed before an old one can go"


def await_gone(s: Situation) -> Plan | None:
    """Wait until the servers that were sent away are gone, for the drain's time at the longest."""
    waiting = [each for each in s.intent.retiring if s.now - each.asked_at <= s.policy.drain_timeout]
    if not waiting:
        return None
    names = listed(tuple(each.instance for each in waiting))
    since = min(each.asked_at for each in waiting)
    return wait(s, f"{names} finish their requests", since, s.policy.drain_timeout)
