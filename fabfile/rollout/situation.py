"""What the rules look at: an observation, sorted once into the groups of servers that they speak of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from .model import Group, Health, Intent, Lifecycle, Member, Observed, Phase, Policy
from .reading import ALIVE, believed


def serves(member: Member, group: Group) -> bool:
    """Whether a member serves: in service, and healthy in every balancer of its group."""
    return member.serving and all(balancer in member.registered for balancer in group.balancers)


def is_old(member: Member, intent: Intent) -> bool:
    """Whether a member is to be replaced.

    Rolling: whatever is not on the target. Going back: only what is on the config that failed, or that an
    unfinished deploy before brought; a server on another config served before us and is left alone.
    """
    if intent.phase is Phase.ROLLING_BACK:
        return member.launch_config != intent.target and member.launch_config in {intent.previous, *intent.tried}
    return member.launch_config != intent.target


@dataclass(frozen=True)
class Situation:
    """An observation, the intent and the policy, at one moment."""

    raw: Observed
    intent: Intent
    policy: Policy
    now: float

    @cached_property
    def seen(self) -> Observed:
        """The observation with our own latest changes in it."""
        return believed(self.raw, self.intent, self.policy, self.now)

    @property
    def group(self) -> Group:
        return self.seen.group

    @cached_property
    def alive(self) -> tuple[Member, ...]:
        """Servers that count in the group's desired capacity."""
        return tuple(member for member in self.group.members if member.lifecycle in ALIVE)

    @cached_property
    def alive_by_zone(self) -> Counter[str]:
        return Counter(member.zone for member in self.alive)

    @cached_property
    def old(self) -> tuple[Member, ...]:
        """Servers to replace."""
        return tuple(member for member in self.alive if is_old(member, self.intent))

    @cached_property
    def new(self) -> tuple[Member, ...]:
        """Servers that are to stay, whoever launched them."""
        return tuple(member for member in self.alive if not is_old(member, self.intent))

    @cached_property
    def new_ids(self) -> frozenset[str]:
        return frozenset(member.id for member in self.new)

    @cached_property
    def serving_ids(self) -> frozenset[str]:
        return frozenset(member.id for member in self.alive if serves(member, self.group))

    @cached_property
    def ripe_ids(self) -> frozenset[str]:
        """New servers that have served without a break for the policy's `min_healthy_time`.

        Going back from a canary that did not pass, they are the old ones, which never ceased to serve: it goes at once.
        """
        trial = self.intent.trial
        if self.going_back and trial.servers and not trial.passed:
            return self.serving_ids
        ripe_since = self.now - self.policy.min_healthy_time
        return frozenset(name for name, since in self.intent.serving_since if since <= ripe_since)

    @cached_property
    def unripe(self) -> tuple[Member, ...]:
        return tuple(member for member in self.new if member.id not in self.ripe_ids)

    @cached_property
    def unripe_surge(self) -> tuple[Member, ...]:
        """Our own launches that can't take an old server's place yet."""
        own = {name for launch in self.intent.launches for name in launch.ids}
        return tuple(member for member in self.unripe if member.id in own or "#" in member.id)

    @cached_property
    def in_doubt(self) -> tuple[str, ...]:
        """Servers whose termination nobody answered for, and that are still seen: it may not have taken effect."""
        unanswered = {e.instance for e in self.intent.retiring if not e.answered and e.asked_at < self.now}
        if not unanswered:
            return ()
        members = self.raw.group.members
        return tuple(m.id for m in members if m.id in unanswered and m.lifecycle in ALIVE)

    @cached_property
    def reliable(self) -> int:
        """How many servers can be counted on: old ones that serve and ripe new ones."""
        old = sum(member.id in self.serving_ids for member in self.old)
        return old + sum(member.id in self.ripe_ids and member.id in self.serving_ids for member in self.new)

    @property
    def needed(self) -> int:
        """How many must go on serving: what served before us, or less if somebody wants fewer."""
        return min(self.intent.floor, self.intent.desired)

    @property
    def expected(self) -> int:
        """What the group's desired capacity should be."""
        return self.intent.desired + self.intent.owned

    @property
    def on_trial(self) -> bool:
        """Whether a canary has yet to pass."""
        trial = self.intent.trial
        return bool(trial.servers and not trial.passed and self.old) and self.intent.phase is Phase.ROLLING

    @cached_property
    def canaries(self) -> frozenset[str]:
        """Servers on the target, those included that come and that a read does not show."""
        return self.new_ids | {name for name, _ in self.intent.coming}

    @property
    def canaries_missing(self) -> int:
        """How many canaries are to be launched yet; there are never more than there are servers."""
        wanted = min(self.intent.trial.servers, max(len(self.old), 1))
        return wanted - len(self.canaries)

    @property
    def guarded(self) -> bool:
        """Whether the group must not launch the target: the canary is there and has not passed."""
        unanswered = any(not launch.ids for launch in self.intent.launches)
        return self.on_trial and bool(self.intent.previous) and self.canaries_missing < 1 and not unanswered

    @property
    def going_back(self) -> bool:
        return self.intent.phase is Phase.ROLLING_BACK


def condition(member: Member) -> str:
    """Say in a few words what keeps a member from serving, e.g. `i-1 is initial (Elb.RegistrationInProgress)`."""
    if member.lifecycle is not Lifecycle.IN_SERVICE:
        return f"{member.id} is {member.lifecycle}"
    for target in member.targets:
        if target.health is not Health.HEALTHY:
            reason = f" ({target.reason})" if target.reason else ""
            return f"{member.id} is {target.health}{reason} in {target.balancer}"
    if not member.healthy:
        return f"{member.id} is unhealthy in its group"
    return f"{member.id} is in service"


def listed(names: tuple[str, ...], most: int = 5) -> str:
    """List names for a sentence, cut after `most`."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"
