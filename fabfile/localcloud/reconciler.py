"""Bring groups to what is asked of them, a step at a time: what the autoscaling service does behind its API.

Each turn moves members through their lifecycle, looks at their health, and launches or terminates towards desired
capacity. See
https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html
"""

from __future__ import annotations

from collections.abc import Callable

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends

from .groups import COUNTED, LAUNCHING, LEAVING, TERMINATING, Activity, Group, Member, Wait, stamp
from .instances import Instances
from .launching import Launcher
from .membership import Membership
from .settings import CloudSettings
from .victims import victims


class Reconciler:
    """Turn the wheel of every group. The control plane's lock guards every method."""

    def __init__(
        self,
        settings: CloudSettings,
        instances: Instances,
        membership: Membership,
        launcher: Launcher,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._instances = instances
        self._membership = membership
        self._launcher = launcher
        self._clock = clock

    def turn(self, group: Group) -> None:
        """Take one turn of one group."""
        for member in list(group.members.values()):
            self._advance(group, member)
        self._check_health(group)
        self._replace_unhealthy(group)
        if not group.deleting:
            self._rebalance(group)
            self._launch_missing(group)
            self._terminate_surplus(group)

    # Lifecycle

    def _advance(self, group: Group, member: Member) -> None:
        state = self._instances.state(member.id)
        if member.state in COUNTED[:3] and state in ("shutting-down", "terminated"):
            self.terminate(group, member, self._external(member))
        elif member.state == "Pending" and state == "running":
            self._begin_waits(group, member, LAUNCHING)
            member.state = "Pending:Wait" if member.waits else "Pending:Proceed"
        elif member.state.endswith(":Wait"):
            self._wait(group, member)
        elif member.state == "Pending:Proceed":
            self._enter_service(group, member)
        elif member.state == "EnteringStandby" and not self._membership.draining(group, member.id):
            member.state = "Standby"
            self._finish(member)
        elif member.state in LEAVING:
            self._leave(group, member, state)

    def _begin_waits(self, group: Group, member: Member, transition: str) -> None:
        now = self._clock()
        member.waits = {
            hook.name: Wait(hook, now, now + hook.timeout)
            for hook in group.hooks.values()
            if hook.transition == transition
        }
        if member.waits and member.activity:
            member.activity.status, member.activity.progress = "MidLifecycleAction", 60

    def _wait(self, group: Group, member: Member) -> None:
        now = self._clock()
        for wait in member.waits.values():
            if wait.result is None and now >= min(wait.deadline, wait.began + wait.hook.global_timeout):
                wait.result, wait.why = wait.hook.default, "Heartbeat Timeout"
        abandoned = next((wait for wait in member.waits.values() if wait.result == "ABANDON"), None)
        if abandoned is None and any(wait.result is None for wait in member.waits.values()):
            return
        member.waits = {}
        if member.state == "Terminating:Wait":
            member.state = "Terminating:Proceed"
        elif abandoned is None:
            member.state = "Pending:Proceed"
        else:
            self._abandon(group, member, abandoned)

    def _abandon(self, group: Group, member: Member, wait: Wait) -> None:
        message = (
            "Instance failed to complete user's Lifecycle Action: Lifecycle Action with token "
            f"{wait.token} was abandoned: {wait.why}"
        )
        if member.activity:
            member.activity.finish(self._clock(), "Cancelled", message)
            member.activity = None
        at = stamp(self._clock())
        self.terminate(group, member, f"At {at} an instance was taken out of service because its launch was abandoned.")

    def _enter_service(self, group: Group, member: Member) -> None:
        if member.balanced:
            self._membership.add(group, member.id)
        member.state = "InService"
        member.in_service = self._clock()
        self._finish(member)
        if group.rebalancing == member.id:
            group.rebalancing = None

    def _leave(self, group: Group, member: Member, state: str) -> None:
        if self._membership.draining(group, member.id) and state == "running":
            if member.activity:
                member.activity.status, member.activity.progress = "WaitingForELBConnectionDraining", 50
            return
        if member.state == "Detaching":
            del group.members[member.id]
            self._finish(member)
        elif member.state == "Terminating":
            self._begin_waits(group, member, TERMINATING)
            waits = member.waits and state == "running"
            member.state = "Terminating:Wait" if waits else "Terminating:Proceed"
        elif state in ("running", "pending", "stopped"):
            self._launcher.ec2.terminate_instances([member.id])
        elif state == "terminated":
            del group.members[member.id]
            self._finish(member)

    def terminate(self, group: Group, member: Member, cause: str) -> Activity:
        """Begin a member's end: out of its balancers, drained, its hooks, gone."""
        if member.state.startswith("Terminating") and member.activity:
            return member.activity
        if member.activity:
            member.activity.finish(self._clock(), "Cancelled")
        if group.rebalancing == member.id:
            group.rebalancing = None
        member.activity = group.record(f"Terminating EC2 instance: {member.id}", cause, self._clock())
        member.waits = {}
        member.state = "Terminating"
        self._membership.remove(group, member.id)
        return member.activity

    def _finish(self, member: Member) -> None:
        if member.activity:
            member.activity.finish(self._clock())
            member.activity = None

    # Health

    def _check_health(self, group: Group) -> None:
        if not group.runs("HealthCheck"):
            return
        now = self._clock()
        for member in group.members.values():
            if member.state != "InService" or member.health == "Unhealthy":
                continue
            graced = member.in_service is not None and now - member.in_service < group.grace
            cause = self._sickness(group, member, graced=graced)
            if cause:
                member.health, member.health_cause = "Unhealthy", cause

    def _sickness(self, group: Group, member: Member, *, graced: bool) -> str:
        """Why a member is unhealthy; a stopped or terminated one is so even in its grace period."""
        if self._instances.state(member.id) != "running":
            return "an EC2 health check indicating it has been terminated or stopped"
        if graced:
            return ""
        if not self._instances.alive(member.id):
            return "an EC2 instance status checks failure"
        if group.health_type == "ELB" and self._membership.unhealthy(group, member.id):
            return "an ELB system health check failure"
        return ""

    def _replace_unhealthy(self, group: Group) -> None:
        if not (group.runs("ReplaceUnhealthy") and group.runs("Terminate")):
            return
        for member in list(group.members.values()):
            if member.health == "Unhealthy" and member.state == "InService":
                why = member.health_cause or "a user health-check"
                at = stamp(self._clock())
                self.terminate(group, member, f"At {at} an instance was taken out of service in response to {why}.")

    def _external(self, member: Member) -> str:
        at = stamp(self._clock())
        return f"At {at} instance {member.id} was found to have been terminated outside of the group."

    # Capacity

    def _wanted(self, group: Group) -> int:
        return group.desired + (1 if group.rebalancing else 0)

    def _launch_missing(self, group: Group) -> None:
        now = self._clock()
        if not group.runs("Launch") or now < group.launch_after:
            return
        have = len(group.counted())
        for number in range(have, self._wanted(group)):
            cause = (
                f"At {stamp(now)} an instance was started in response to a difference between desired and "
                f"actual capacity, increasing the capacity from {number} to {number + 1}."
            )
            if self.launch(group, self._emptiest(group), cause) is None:
                return

    def launch(self, group: Group, zone: str, cause: str) -> Member | None:
        """Launch one member; None when EC2 refused, which is in the activities then."""
        try:
            return self._launcher.launch(group, zone, cause)
        except ServiceException:
            return None

    def _emptiest(self, group: Group) -> str:
        counts = group.zone_counts()
        return min(group.zones, key=lambda zone: (counts[zone], group.zones.index(zone)))

    def _terminate_surplus(self, group: Group) -> None:
        if not group.runs("Terminate"):
            return
        have = len(group.counted())
        surplus = have - self._wanted(group)
        if surplus <= 0:
            return
        ec2 = ec2_backends[self._settings.account][self._settings.region]
        for number, member in enumerate(victims(group, surplus, ec2)):
            at = stamp(self._clock())
            self.terminate(
                group,
                member,
                f"At {at} an instance was taken out of service in response to a difference between desired and "
                f"actual capacity, shrinking the capacity from {have - number} to {have - number - 1}.",
            )

    def _rebalance(self, group: Group) -> None:
        """Even the zones out: launch where there are too few, and the surplus goes where there are most.

        See https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html
        """
        if group.rebalancing and group.rebalancing not in group.members:
            group.rebalancing = None
        able = all(group.runs(process) for process in ("AZRebalance", "Launch", "Terminate"))
        counted = group.counted()
        settled = len(counted) == group.desired and all(member.state == "InService" for member in counted)
        if not able or not settled or group.rebalancing or self._clock() < group.launch_after:
            return
        counts = group.zone_counts()
        least = self._emptiest(group)
        if max(counts.values()) - counts[least] < 2:
            return
        most = max(counts, key=lambda zone: counts[zone])
        cause = (
            f"At {stamp(self._clock())} instances were launched to balance instances in zones {least} with other "
            f"zones resulting in more than desired number of instances in the group; {most} has too many."
        )
        member = self.launch(group, least, cause)
        group.rebalancing = member.id if member else None
