"""A simulated autoscaling group: servers that boot, fall ill and drain as time passes.

It keeps the rules of AWS that a rollout meets: desired capacity between the limits, launches by token, the group's
own launches and terminations, suspended processes, replacement of the unhealthy. Times are seconds.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count as counting

from ..rollout.model import Group, Health, Lifecycle, Member, TargetState


@dataclass(frozen=True)
class Fate:
    """What becomes of one server; None: that never happens."""

    boot: float | None = 30.0  # until it is in service and healthy
    abandoned: float | None = None  # until its launch is given up (lifecycle hook)
    ill: float | None = None  # until it fails its health checks
    replaced: float = 60.0  # from falling ill to being replaced by the group


Fates = Callable[[str, int], Fate]
"""From a launch config and the number of the launch to the fate of the server."""


def healthy(launch_config: str, number: int) -> Fate:
    """Let every server come up and stay well."""
    return Fate()


class SimulatedGroup:
    """The group and its servers, as they are at the time that was last passed to `advance`."""

    def __init__(self, seed: Group, fates: Fates = healthy, drain: float = 20.0, now: float = 0.0) -> None:
        self.now = now
        self.minimum, self.maximum, self.desired = seed.minimum, seed.maximum, seed.desired
        self.launch_config = seed.launch_config
        self.suspended = set(seed.suspended)
        self.members = {member.id: member for member in seed.members}
        self.launched = 0
        self.ours: list[str] = []  # launched by LaunchInstances
        self._seed = seed
        self._fates = fates
        self._drain = drain
        self._alive = Counter(m.zone for m in seed.members if m.lifecycle in _ALIVE)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._ticket = counting()
        for member in seed.members:
            self._resume_seed(member)

    def group(self) -> Group:
        """Return the group as it is now."""
        return replace(
            self._seed,
            minimum=self.minimum,
            maximum=self.maximum,
            desired=self.desired,
            launch_config=self.launch_config,
            suspended=frozenset(self.suspended),
            members=tuple(self.members.values()),
        )

    def at(self, when: float, happening: Callable[[], None]) -> None:
        """Let something happen at a time."""
        heapq.heappush(self._due, (when, next(self._ticket), happening))

    def advance(self, now: float) -> None:
        """Let everything happen that is due until `now`, in order."""
        while self._due and self._due[0][0] <= now:
            self.now, _, happening = heapq.heappop(self._due)
            happening()
            self.reconcile()
        self.now = now
        self.reconcile()

    def reconcile(self) -> None:
        """Launch or terminate until as many servers exist as desired, as the group does by itself."""
        alive = self._alive.total()
        while alive < self.desired and "Launch" not in self.suspended:
            self.launch(min(self._seed.zones, key=lambda zone: (self._alive[zone], zone)))
            alive += 1
        while alive > self.desired and "Terminate" not in self.suspended:
            self.terminate(self._scale_in_victim())
            alive -= 1

    def launch(self, zone: str) -> str:
        """Launch one server on the group's launch config; its fate takes its course."""
        self.launched += 1
        name = f"i-{self.launched:06d}"
        fate = self._fates(self.launch_config, self.launched)
        self.members[name] = Member(
            name, zone, self.launch_config, Lifecycle.PENDING, launched_at=self.now, targets=self._targets(False)
        )
        self._alive[zone] += 1
        self._schedule(name, fate)
        return name

    def terminate(self, name: str) -> None:
        """Take a server out of service; it is gone once it has drained."""
        member = self.members.get(name)
        if member is None or member.lifecycle is Lifecycle.LEAVING:
            return
        if member.lifecycle in _ALIVE:
            self._alive[member.zone] -= 1
        draining = tuple(replace(target, health=Health.DRAINING) for target in member.targets)
        self.members[name] = replace(member, lifecycle=Lifecycle.LEAVING, targets=draining)
        self.at(self.now + self._drain, lambda: self._gone(name))

    def fall_ill(self, name: str, replaced: float) -> None:
        """Let a server fail its health checks, and be replaced by the group some time later."""
        member = self.members.get(name)
        if member is None or member.lifecycle is not Lifecycle.IN_SERVICE:
            return
        targets = tuple(
            replace(target, health=Health.UNHEALTHY, reason="Target.FailedHealthChecks") for target in member.targets
        )
        self.members[name] = replace(member, healthy=False, targets=targets)
        self.at(self.now + replaced, lambda: self._replace(name))

    def enter_standby(self, name: str, decrement: bool) -> None:
        """Put a server aside, as an operator does to look into it."""
        member = self.members.get(name)
        if member is None or member.lifecycle is not Lifecycle.IN_SERVICE:
            return
        self._alive[member.zone] -= 1
        self.members[name] = replace(member, lifecycle=Lifecycle.STANDBY, targets=())
        self.desired -= decrement

    def _resume_seed(self, member: Member) -> None:
        """Let servers that are on their way when the simulation begins go on."""
        if member.lifecycle is Lifecycle.PENDING:
            self._schedule(member.id, self._fates(member.launch_config, 0))
        elif member.lifecycle is Lifecycle.LEAVING:
            self.at(self.now + self._drain, lambda: self._gone(member.id))

    def _schedule(self, name: str, fate: Fate) -> None:
        if fate.abandoned is not None:
            self.at(self.now + fate.abandoned, lambda: self.terminate(name))
        elif fate.boot is not None:
            self.at(self.now + fate.boot, lambda: self._in_service(name, fate))

    def _in_service(self, name: str, fate: Fate) -> None:
        member = self.members.get(name)
        if member is None or member.lifecycle is not Lifecycle.PENDING:
            return
        self.members[name] = replace(member, lifecycle=Lifecycle.IN_SERVICE, targets=self._targets(True))
        if fate.ill is not None:
            self.at(self.now + fate.ill, lambda: self.fall_ill(name, fate.replaced))

    def _targets(self, ready: bool) -> tuple[TargetState, ...]:
        if not ready:
            return ()
        return tuple(TargetState(balancer, Health.HEALTHY) for balancer in self._seed.balancers)

    def _replace(self, name: str) -> None:
        member = self.members.get(name)
        blocked = self.suspended & {"HealthCheck", "ReplaceUnhealthy", "Terminate"}
        if member is not None and not member.healthy and member.lifecycle in _ALIVE and not blocked:
            self.terminate(name)

    def _gone(self, name: str) -> None:
        self.members.pop(name, None)

    def _scale_in_victim(self) -> str:
        """Choose as AWS's default policy does: the fullest zone, then the oldest server there."""
        alive = [member for member in self.members.values() if member.lifecycle in _ALIVE]
        return min(alive, key=lambda each: (-self._alive[each.zone], each.launched_at, each.id)).id


_ALIVE = frozenset({Lifecycle.PENDING, Lifecycle.IN_SERVICE})
