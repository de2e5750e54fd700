"""What the autoscaling API does to single members: launch, terminate, protect, set aside, attach, hooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.exceptions import ServiceException

from .autoscaling import Autoscaling
from .groups import LAUNCHING, TERMINATING, Activity, Group, Hook, Member, Wait, stamp
from .instances import Instances
from .refusal import Refusal, invalid

LAUNCH_LIMIT = 100  # instances by one LaunchInstances
HOOK_LIMIT = 50  # https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html


class Members:
    """Operations on members. The control plane's lock guards every method."""

    def __init__(self, autoscaling: Autoscaling, instances: Instances) -> None:
        self._groups = autoscaling
        self._instances = instances

    def launch(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Launch at once and raise desired capacity by as many; the same token gets the same answer.

        See https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LaunchInstances.html
        """
        group = self._groups.group(name)
        token = str(given["ClientToken"])
        asked = {key: value for key, value in given.items() if key != "ClientToken"}
        if token in group.tokens:
            before, reply = group.tokens[token]
            if before != asked:
                raise Refusal(
                    "IdempotentParameterMismatch", "The parameters differ from those first sent with this token."
                )
            return reply
        count = int(given["RequestedCapacity"])
        zone, subnet = self._launch_place(group, given)
        self._check_launch(group, count)
        reply = self._launch(group, count, zone, subnet)
        reply["ClientToken"] = token
        group.tokens[token] = (asked, reply)
        return reply

    def _check_launch(self, group: Group, count: int) -> None:
        if group.template is None and group.mixed is None:
            raise invalid("LaunchInstances is not supported for groups with a launch configuration.")
        if not group.runs("Launch"):
            raise invalid(f"The Launch process of AutoScalingGroup {group.name} is suspended.")
        if not 1 <= count <= LAUNCH_LIMIT:
            raise invalid(f"RequestedCapacity {count} must be between 1 and {LAUNCH_LIMIT}.")
        if group.desired + count > group.maximum:
            raise invalid(
                f"RequestedCapacity {count} would take desired capacity {group.desired} above max value "
                f"{group.maximum} for the AutoScalingGroup."
            )

    def _launch_place(self, group: Group, given: Mapping[str, Any]) -> tuple[str, str | None]:
        subnets = list(given.get("SubnetIds") or ())
        zones = list(given.get("AvailabilityZones") or ())
        ec2 = self._groups.launcher.ec2
        if subnets:
            if subnets[0] not in group.subnets:
                raise invalid(f"The subnet {subnets[0]} is not part of AutoScalingGroup {group.name}.")
            return str(ec2.get_subnet(subnets[0]).availability_zone), subnets[0]
        if not zones and len(group.zones) > 1:
            raise invalid("AvailabilityZones or SubnetIds is required for groups with multiple Availability Zones.")
        zone = zones[0] if zones else group.zones[0]
        if zone not in group.zones:
            raise invalid(f"The Availability Zone {zone} is not part of AutoScalingGroup {group.name}.")
        return zone, None

    def _launch(self, group: Group, count: int, zone: str, subnet: str | None) -> dict[str, Any]:
        at = stamp(self._groups.clock())
        launched: list[Member] = []
        errors: list[dict[str, str]] = []
        for _ in range(count):
            number = group.desired
            cause = (
                f"At {at} an instance was launched in response to a user request, increasing the capacity from "
                f"{number} to {number + 1}."
            )
            try:
                member = self._groups.launcher.launch(group, zone, cause, subnet)
            except ServiceException as refused:
                errors.append({"AvailabilityZone": zone, "ErrorCode": refused.code, "ErrorMessage": refused.message})
                break
            launched.append(member)
            group.desired += 1
        answer = {"MarketType": "on-demand", "AvailabilityZone": zone, "SubnetId": subnet}
        if launched:
            answer["InstanceType"] = launched[0].instance_type
        return {
            "AutoScalingGroupName": group.name,
            "Instances": [{**answer, "InstanceIds": [one.id for one in launched]}] if launched else [],
            "Errors": errors,
        }

    def terminate(self, instance: str, *, decrement: bool) -> dict[str, Any]:
        """Terminate one member, draining it first; with decrement nothing replaces it."""
        group, member = self._groups.managed(instance)
        at = stamp(self._groups.clock())
        cause = f"At {at} instance {instance} was taken out of service in response to a user request"
        if decrement:
            if group.desired <= group.minimum:
                raise invalid(
                    f"Currently, desiredSize equals minSize ({group.minimum}). Terminating instance without "
                    "replacement will violate group's min size constraint. Either set "
                    "shouldDecrementDesiredCapacity flag to false or lower group's min size."
                )
            if member.counted:
                cause += f", shrinking the capacity from {group.desired} to {group.desired - 1}"
                group.desired -= 1
        activity = self._groups.reconciler.terminate(group, member, f"{cause}.")
        return activity.document(group.arn)

    def set_health(self, instance: str, status: str, *, respect_grace: bool) -> None:
        """Say that a member is healthy or not; within its grace period only where that is not respected."""
        if status not in ("Healthy", "Unhealthy"):
            raise invalid("Valid instance health states are: [Healthy, Unhealthy]")
        group, member = self._groups.managed(instance)
        young = member.in_service is None or self._groups.clock() - member.in_service < group.grace
        if status == "Unhealthy" and respect_grace and young and group.grace:
            return
        member.health = status
        member.health_cause = "a user health-check" if status == "Unhealthy" else ""

    def protect(self, name: str, instances: Sequence[str], *, protected: bool) -> None:
        """Protect members from scale-in, or no longer."""
        group = self._groups.group(name)
        for member in self._groups.members(group, instances):
            if member.state != "InService":
                raise invalid(f"The instance {member.id} is not in InService.")
            member.protected = protected

    def enter_standby(self, name: str, instances: Sequence[str], *, decrement: bool) -> list[dict[str, Any]]:
        """Set members aside: out of their balancers, still running, not counted, health not checked."""
        group = self._groups.group(name)
        members = self._groups.members(group, instances)
        for member in members:
            if member.state != "InService":
                raise invalid(f"The instance {member.id} is not in InService.")
        if decrement and group.desired - len(members) < group.minimum:
            raise invalid(
                f"AutoScalingGroup {group.name} has min-size={group.minimum}, max-size={group.maximum}, and "
                f"desired-size={group.desired}. To place into standby {len(members)} instance, please update the "
                "AutoScalingGroup sizes appropriately."
            )
        activities = []
        for member in members:
            cause = f"At {self._now()} instance {member.id} was moved to standby in response to a user request"
            if decrement:
                cause += f", shrinking the capacity from {group.desired} to {group.desired - 1}"
                group.desired -= 1
            activities.append(self._moved(group, member, f"Moving EC2 instance to Standby: {member.id}", f"{cause}."))
            self._groups.membership.remove(group, member.id)
            member.state = "EnteringStandby"
        return [activity.document(group.arn) for activity in activities]

    def exit_standby(self, name: str, instances: Sequence[str]) -> list[dict[str, Any]]:
        """Take members back in service; desired capacity rises with them."""
        group = self._groups.group(name)
        members = self._groups.members(group, instances)
        for member in members:
            if member.state != "Standby":
                raise invalid(f"The instance {member.id} is not in Standby.")
        if group.desired + len(members) > group.maximum:
            raise invalid(
                f"AutoScalingGroup {group.name} has min-size={group.minimum}, max-size={group.maximum}, and "
                f"desired-size={group.desired}. To move {len(members)} instance out of standby, please update the "
                "AutoScalingGroup sizes appropriately."
            )
        activities = []
        for member in members:
            cause = (
                f"At {self._now()} instance {member.id} was moved out of standby in response to a user request, "
                f"increasing the capacity from {group.desired} to {group.desired + 1}."
            )
            group.desired += 1
            member.state, member.health, member.health_cause = "Pending:Proceed", "Healthy", ""
            activities.append(
                self._moved(group, member, f"Moving EC2 instance out of Standby: {member.id}", cause, "PreInService")
            )
        return [activity.document(group.arn) for activity in activities]

    def _moved(
        self, group: Group, member: Member, description: str, cause: str, status: str = "InProgress"
    ) -> Activity:
        member.activity = group.record(description, cause, self._groups.clock(), status)
        return member.activity

    def attach(self, name: str, instances: Sequence[str]) -> None:
        """Take running instances into the group; desired capacity rises with them."""
        group = self._groups.group(name)
        for identifier in instances:
            if self._instances.state(identifier) != "running":
                raise invalid(f"Invalid Instance ID(s): [{identifier}] specified.")
            if any(identifier in other.members for other in self._groups.groups.values()):
                raise invalid(f"Instance {identifier} is already part of an AutoScalingGroup.")
        if group.desired + len(instances) > group.maximum:
            raise invalid(
                f"AutoScalingGroup {group.name} has min-size={group.minimum}, max-size={group.maximum}, and "
                f"desired-size={group.desired}. To attach {len(instances)} instance, please update the "
                "AutoScalingGroup sizes appropriately."
            )
        for identifier in instances:
            record = self._instances.get(identifier)
            assert record is not None
            cause = (
                f"At {self._now()} an instance was attached in response to a user request, increasing the capacity "
                f"from {group.desired} to {group.desired + 1}."
            )
            activity = group.record(f"Attaching an existing EC2 instance: {identifier}", cause, self._groups.clock())
            zone, kind = record.placement.zone, record.instance_type
            member = Member(identifier, zone, kind, record.image_id, self._groups.clock())
            self._groups.launcher.adopt(group, member, activity).state = "Pending:Proceed"
            group.desired += 1

    def detach(self, name: str, instances: Sequence[str], *, decrement: bool) -> list[dict[str, Any]]:
        """Let members go without terminating them, once they have drained."""
        group = self._groups.group(name)
        members = self._groups.members(group, instances)
        if decrement and group.desired - len(members) < group.minimum:
            raise invalid(
                f"AutoScalingGroup {group.name} has min-size={group.minimum}, max-size={group.maximum}, and "
                f"desired-size={group.desired}. To detach {len(members)} instance, please update the AutoScalingGroup "
                "sizes appropriately."
            )
        activities = []
        for member in members:
            if decrement and member.counted:
                group.desired -= 1
            cause = f"At {self._now()} instance {member.id} was detached in response to a user request."
            activities.append(self._moved(group, member, f"Detaching EC2 instance: {member.id}", cause))
            self._groups.membership.remove(group, member.id)
            member.state = "Detaching"
        return [activity.document(group.arn) for activity in activities]

    # Lifecycle hooks

    def put_hook(self, name: str, given: Mapping[str, Any]) -> None:
        """Put a lifecycle hook or change what is named of one that is there."""
        group = self._groups.group(name)
        hook = str(given["LifecycleHookName"])
        before = group.hooks.get(hook)
        if before is None and len(group.hooks) >= HOOK_LIMIT:
            raise Refusal("LimitExceeded", f"AutoScalingGroup {name} has {HOOK_LIMIT} lifecycle hooks already.")
        group.hooks[hook] = hook_from(given, before)

    def delete_hook(self, name: str, hook: str) -> None:
        """Delete a hook; who waits for it goes on as if it had been completed with its default result."""
        group = self._groups.group(name)
        if group.hooks.pop(hook, None) is None:
            raise invalid(f"No Lifecycle Hook found with name {hook} in AutoScalingGroup {name}.")
        for member in group.members.values():
            if hook in member.waits:
                member.waits[hook].result = member.waits[hook].hook.default
                member.waits[hook].why = "Lifecycle Hook deleted"

    def complete(self, name: str, hook: str, instance: str, token: str, result: str) -> None:
        """Complete a wait with CONTINUE or ABANDON, by the instance or by the wait's token."""
        if result not in ("CONTINUE", "ABANDON"):
            raise invalid(f"LifecycleActionResult {result} is not one of CONTINUE, ABANDON.")
        wait = self._wait(name, hook, instance, token)
        wait.result, wait.why = result, f"Lifecycle Action Completed with {result} Result"

    def heartbeat(self, name: str, hook: str, instance: str, token: str) -> None:
        """Begin a wait's timeout anew."""
        wait = self._wait(name, hook, instance, token)
        wait.deadline = self._groups.clock() + wait.hook.timeout

    def _wait(self, name: str, hook: str, instance: str, token: str) -> Wait:
        group = self._groups.group(name)
        if hook not in group.hooks:
            raise invalid(f"No Lifecycle Hook found with name {hook} in AutoScalingGroup {name}.")
        for member in group.members.values():
            wait = member.waits.get(hook)
            if wait and wait.result is None and (member.id == instance or wait.token == token):
                return wait
        raise invalid(f"No active Lifecycle Action found with instance ID {instance or token}")

    def _now(self) -> str:
        return stamp(self._groups.clock())


def hook_from(given: Mapping[str, Any], before: Hook | None) -> Hook:
    """Read a hook as requests and templates write it."""
    transition = given.get("LifecycleTransition") or (before.transition if before else None)
    if transition not in (LAUNCHING, TERMINATING):
        raise invalid(f"Invalid LifecycleTransition {transition}.")
    timeout = float(given.get("HeartbeatTimeout") or (before.timeout if before else 3600))
    if not 30 <= timeout <= 7200:
        raise invalid("HeartbeatTimeout must be between 30 and 7200 seconds.")
    default = str(given.get("DefaultResult") or (before.default if before else "ABANDON"))
    if default not in ("CONTINUE", "ABANDON"):
        raise invalid(f"DefaultResult {default} is not one of CONTINUE, ABANDON.")
    return Hook(
        str(given["LifecycleHookName"]),
        transition,
        timeout,
        default,
        given.get("RoleARN") or (before.role if before else None),
        given.get("NotificationTargetARN") or (before.target if before else None),
        given.get("NotificationMetadata") or (before.metadata if before else None),
    )
