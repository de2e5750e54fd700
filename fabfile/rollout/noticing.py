"""Follow what happens to the servers and workers between two looks, and write it into the intent.

In: an observation and the intent. Out: the intent with what is new since the last look: whose desired capacity
it is, which terminations are done, which new servers serve and since when, which failed, how migrations are.
"""

from __future__ import annotations

from dataclasses import replace

from .accounting import accounted
from .model import Failure, Intent, Lifecycle, Member, Migration, Observed, Phase, Policy, Retirement
from .reading import ALIVE, believed, with_our_settings
from .situation import is_old, serves


def noticed(observed: Observed, intent: Intent, policy: Policy, now: float) -> Intent:
    """Return the intent after this look; `now` is when the look was taken."""
    if intent.phase is Phase.ENDED:
        return intent
    if not intent.servers:
        return _migrations(observed, intent)
    intent = _retirements(observed, intent, policy, now)
    intent = accounted(with_our_settings(observed.group, intent, policy, now), intent, policy, now)
    intent = _newcomers(observed, intent, policy, now)
    return _migrations(observed, intent)


def _retirements(observed: Observed, intent: Intent, policy: Policy, now: float) -> Intent:
    """Follow terminations until the servers are gone; drop those that turn out to have had no effect.

    Whether a call that nobody answered lowered desired capacity shows once a read can't be older than the call.
    """
    if not intent.retiring:
        return intent
    seen = {member.id: member for member in observed.group.members}
    kept: list[Retirement] = []
    replaced = list(intent.replaced)
    owned = intent.owned
    doubtful = sum(
        each.decrement and not each.answered and each.instance in seen and seen[each.instance].lifecycle in ALIVE
        for each in intent.retiring
    )
    for each in intent.retiring:
        member = seen.get(each.instance)
        late = now - each.asked_at > policy.read_lag
        ineffective = late and member is not None and member.lifecycle in ALIVE
        known = each
        if each.decrement and (ineffective or (late and not each.answered)):
            untaken = ineffective and not each.answered
            lowered = not untaken and observed.group.desired <= intent.desired + owned + doubtful
            owned += not lowered
            doubtful -= untaken
            known = replace(each, decrement=lowered, answered=True)
        if member is None and (known.answered or late or not known.decrement):
            replaced += [each.instance] if each.replaces else []
        elif not ineffective:
            kept.append(known)
    return replace(intent, retiring=tuple(kept), replaced=tuple(replaced), owned=owned)


def _newcomers(observed: Observed, intent: Intent, policy: Policy, now: float) -> Intent:
    """Keep since when each new server serves, or has ceased to; count the lost and the sick as failed.

    Going back, servers that never left the config before are the group's business, ill or not.
    """
    back = intent.phase is Phase.ROLLING_BACK
    own = {name for launch in intent.launches for name in launch.ids}
    group = believed(observed, intent, policy, now).group
    serving_before, ailing_before = dict(intent.serving_since), dict(intent.ailing)
    serving: list[tuple[str, float]] = []
    coming: dict[str, float] = {}
    ailing: dict[str, float] = {}
    for member in group.members:
        if member.lifecycle not in ALIVE or is_old(member, intent):
            continue
        if serves(member, group):
            serving.append((member.id, serving_before.get(member.id, now)))
            continue
        if back and member.lifecycle is Lifecycle.IN_SERVICE and member.id not in own:
            continue
        coming[member.id] = now
        if member.id in serving_before or member.id in ailing_before:
            ailing[member.id] = ailing_before.get(member.id, now)
    intent = _lost(group.members, intent, {name for name, _ in serving}, coming, now - policy.read_lag)
    sick = [
        Failure(name, f"{name} served and then did not for {now - since:.0f} s")
        for name, since in ailing.items()
        if now - since > policy.grace
    ]
    alive = sum(member.lifecycle in ALIVE for member in group.members)
    stable = alive >= intent.desired + intent.owned and not coming
    ripe = {name for name, since in serving if now - since >= policy.min_healthy_time}
    return replace(
        intent,
        serving_since=tuple(serving),
        coming=tuple(coming.items()),
        ailing=tuple(ailing.items()),
        failures=_with(intent.failures, sick),
        excused=0 if stable else intent.excused,
        slot_since=None if stable and intent.begun else intent.slot_since,
        launches=tuple(
            launch
            for launch in intent.launches
            if not launch.ids or not (set(launch.ids) <= ripe) or now - launch.asked_at <= policy.read_lag
        ),
    )


def _lost(
    members: tuple[Member, ...], intent: Intent, serving: set[str], coming: dict[str, float], believable: float
) -> Intent:
    """Count new servers that went before they served, unless we sent them or somebody's scale-in did.

    One that a read does not show goes on coming while it was seen since `believable`. `coming` gets these.
    """
    retiring = {each.instance for each in intent.retiring}
    leaving = {member.id for member in members if member.lifecycle is Lifecycle.LEAVING}
    aside = {member.id for member in members if member.lifecycle in {Lifecycle.STANDBY, Lifecycle.WARM}}
    excused, lost = intent.excused, []
    for name, last_seen in intent.coming:
        if name in serving or name in coming or name in retiring | aside or "#" in name:
            continue
        if name not in leaving and last_seen >= believable:
            coming[name] = last_seen
        elif excused:
            excused -= 1
        else:
            lost.append(Failure(name, f"{name} was terminated by its group before it served"))
    return replace(intent, excused=excused, failures=_with(intent.failures, lost))


def _with(failures: tuple[Failure, ...], more: list[Failure]) -> tuple[Failure, ...]:
    known = {failure.instance for failure in failures}
    return failures + tuple(failure for failure in more if failure.instance not in known)


def _migrations(observed: Observed, intent: Intent) -> Intent:
    """A release's migrations are done once any worker says so; failed ones that this process asked for are trouble.

    A failure of before, such as of an earlier deploy of the same release, is a reason to run them again.
    """
    if intent.phase is not Phase.ROLLING or intent.migrated or not intent.migrates:
        return intent
    seen = (*observed.workers, observed.migrator) if observed.migrator else observed.workers
    states = {worker.migration for worker in seen}
    if Migration.DONE in states:
        return replace(intent, migrated=True)
    if Migration.RUNNING in states or not any(asked.what == "migrate" for asked in intent.asked):
        return intent
    for worker in seen:
        if worker.migration is Migration.FAILED and not intent.trouble:
            detail = f": {worker.detail}" if worker.detail else ""
            text = f"migrations of {intent.release} failed on {worker.id}{detail}"
            return replace(intent, trouble=text)
    return intent


def standing_by(members: tuple[Member, ...], target: str) -> tuple[str, ...]:
    """Say which servers are left alone, each with its reason."""
    texts = []
    for member in members:
        if member.launch_config == target and member.lifecycle in ALIVE:
            texts.append(f"{member.id}: already on {target}")
        elif member.lifecycle is Lifecycle.STANDBY:
            texts.append(f"{member.id}: in standby")
        elif member.lifecycle is Lifecycle.WARM:
            texts.append(f"{member.id}: in the warm pool")
    return tuple(texts)
