"""What the autoscaling API does to groups, refusing what AWS refuses. Who parses requests is `autoscaling_api`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .groups import LEAVING, PROCESSES, Activity, Group, Member, stamp, tags_from
from .launch_templates import resolve
from .launching import Launcher, find_template
from .maintenance import maintenance
from .membership import Membership
from .reconciler import Reconciler
from .refusal import Refusal, invalid
from .settings import CloudSettings
from .victims import POLICIES

KEPT = (
    "CapacityRebalance",
    "Context",
    "DefaultInstanceWarmup",
    "MaxInstanceLifetime",
    "InstanceMaintenancePolicy",
    "DesiredCapacityType",
    "AvailabilityZoneDistribution",
)


class Autoscaling:
    """The groups and what can be asked of them. The control plane's lock guards every method."""

    def __init__(
        self,
        settings: CloudSettings,
        launcher: Launcher,
        reconciler: Reconciler,
        membership: Membership,
        clock: Callable[[], float],
    ) -> None:
        self.groups: dict[str, Group] = {}
        self.launcher = launcher
        self.reconciler = reconciler
        self.membership = membership
        self.clock = clock
        self._settings = settings
        self._past: dict[str, list[Activity]] = {}  # activities of deleted groups

    # Finding

    def group(self, name: str) -> Group:
        """The group of this name, or AWS's refusal."""
        if name not in self.groups:
            raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        return self.groups[name]

    def managed(self, instance: str) -> tuple[Group, Member]:
        """The group and the member that an instance id means."""
        for group in self.groups.values():
            if instance in group.members:
                return group, group.members[instance]
        raise invalid(f"Instance Id not found - No managed instance found for instance ID: {instance}")

    def members(self, group: Group, instances: Sequence[str]) -> list[Member]:
        """Members of one group by id."""
        for identifier in instances:
            if identifier not in group.members:
                raise invalid(f"The instance {identifier} is not part of Auto Scaling group {group.name}.")
        return [group.members[identifier] for identifier in instances]

    # Groups

    def create(self, name: str, given: Mapping[str, Any]) -> Group:
        """Make a group of the request's parameters (in AWS's names); its instances come with the next turns."""
        if name in self.groups:
            raise Refusal(
                "AlreadyExists",
                f"AutoScalingGroup by this name already exists - A group with the name {name} already exists",
            )
        minimum, maximum = int(given["MinSize"]), int(given["MaxSize"])
        desired = int(given["DesiredCapacity"]) if given.get("DesiredCapacity") is not None else minimum
        _check_sizes(minimum, maximum, desired)
        if (
            sum(bool(given.get(key)) for key in ("LaunchTemplate", "LaunchConfigurationName", "MixedInstancesPolicy"))
            != 1
        ):
            raise invalid(
                "Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or "
                "MixedInstancesPolicy parameter."
            )
        arn = (
            f"arn:aws:autoscaling:{self._settings.region}:{self._settings.account}:autoScalingGroup:"
            f"00000000-0000-0000-0000-{len(self.groups):012d}:autoScalingGroupName/{name}"
        )
        group = Group(name, arn, self.clock(), minimum, maximum, desired, (), ())
        self._place(group, given, required=True)
        self._configure(group, given)
        group.target_groups = list(given.get("TargetGroupARNs") or ())
        group.balancers = list(given.get("LoadBalancerNames") or ())
        self._check_balancers(group.target_groups, group.balancers)
        group.tags = tags_from(given.get("Tags") or ())
        self.groups[name] = group
        return group

    def update(self, name: str, given: Mapping[str, Any]) -> None:
        """Change what the request names and leave the rest as it is."""
        group = self.group(name)
        minimum = int(given["MinSize"]) if given.get("MinSize") is not None else group.minimum
        maximum = int(given["MaxSize"]) if given.get("MaxSize") is not None else group.maximum
        if given.get("DesiredCapacity") is not None:
            desired = int(given["DesiredCapacity"])
        else:
            desired = min(max(group.desired, minimum), maximum)
        _check_sizes(minimum, maximum, desired)
        self._place(group, given, required=False)
        self._configure(group, given)
        group.minimum, group.maximum = minimum, maximum
        self._desire(group, desired)

    def _desire(self, group: Group, desired: int) -> None:
        if desired != group.desired:
            group.launch_after = 0
        group.desired = desired

    def _place(self, group: Group, given: Mapping[str, Any], *, required: bool) -> None:
        subnets = [part.strip() for part in str(given.get("VPCZoneIdentifier") or "").split(",") if part.strip()]
        zones = list(given.get("AvailabilityZones") or ())
        if subnets:
            known = {one.id for subnets_of in self.launcher.ec2.subnets.values() for one in subnets_of.values()}
            for identifier in subnets:
                if identifier not in known:
                    raise invalid(f"The subnet ID '{identifier}' does not exist")
            zones = [self.launcher.ec2.get_subnet(identifier).availability_zone for identifier in subnets]
        if zones:
            group.subnets, group.zones = tuple(subnets), tuple(dict.fromkeys(zones))
        elif required:
            raise invalid("At least one Availability Zone or VPC Subnet is required.")

    def _configure(self, group: Group, given: Mapping[str, Any]) -> None:
        template = given.get("LaunchTemplate")
        mixed = given.get("MixedInstancesPolicy")
        if template:
            group.template, group.configuration, group.mixed = self._template(template), None, None
        elif mixed:
            group.mixed, group.template, group.configuration = self._mixed(mixed), None, None
        elif given.get("LaunchConfigurationName"):
            name = str(given["LaunchConfigurationName"])
            self.launcher.configurations.read(name)
            group.configuration, group.template, group.mixed = name, None, None
        if given.get("HealthCheckType"):
            group.health_type = str(given["HealthCheckType"])
        if given.get("HealthCheckGracePeriod") is not None:
            group.grace = float(given["HealthCheckGracePeriod"])
        if given.get("DefaultCooldown") is not None:
            group.cooldown = int(given["DefaultCooldown"])
        if given.get("NewInstancesProtectedFromScaleIn") is not None:
            group.protect_new = _true(given["NewInstancesProtectedFromScaleIn"])
        if given.get("TerminationPolicies"):
            group.policies = _policies(given["TerminationPolicies"])
        group.placement = given.get("PlacementGroup") or group.placement
        group.extra.update({key: given[key] for key in KEPT if given.get(key) is not None})
        if given.get("InstanceMaintenancePolicy") is not None:
            group.extra["InstanceMaintenancePolicy"] = maintenance(given["InstanceMaintenancePolicy"])

    def _mixed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a mixed instances policy as it was given, its template specifications completed."""
        inner = given.get("LaunchTemplate") or {}
        if not inner.get("LaunchTemplateSpecification"):
            raise invalid("You must specify a launch template in the mixed instances policy.")
        overrides = [
            {**one, "LaunchTemplateSpecification": self._template(one["LaunchTemplateSpecification"])}
            if one.get("LaunchTemplateSpecification")
            else dict(one)
            for one in inner.get("Overrides") or ()
        ]
        specification = self._template(inner["LaunchTemplateSpecification"])
        return {**given, "LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides}}

    def _template(self, wanted: Mapping[str, Any]) -> dict[str, str]:
        """Check a template specification and complete its id and name, keeping the version as it was given."""
        record = find_template(self.launcher.ec2, {key: str(value) for key, value in wanted.items()})
        version = wanted.get("Version")
        try:
            resolve(record, version)
        except Refusal as missing:
            raise invalid(f"You must use a valid fully-formed launch template. {missing.message}") from missing
        return {
            "LaunchTemplateId": record.id,
            "LaunchTemplateName": record.name,
            "Version": str(version) if version is not None else "$Default",
        }

    def _check_balancers(self, target_groups: Sequence[str], balancers: Sequence[str]) -> None:
        missing = self.membership.missing(target_groups, balancers)
        if missing:
            raise invalid(f"Provided Target Groups or Load Balancers may not be valid: {', '.join(missing)}")

    def delete(self, name: str, *, force: bool) -> None:
        """Delete a group; one with instances only by force, which terminates them."""
        group = self.group(name)
        if group.members and not force:
            raise Refusal(
                "ResourceInUse",
                "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) "
                "still in the group.",
            )
        group.deleting = True
        group.minimum = group.desired = 0
        at = stamp(self.clock())
        for member in list(group.members.values()):
            cause = f"At {at} a user request force deleted AutoScalingGroup changing the desired capacity to 0."
            self.reconciler.terminate(group, member, cause)
        self.bury()

    def bury(self) -> None:
        """Forget groups that are being deleted once their last instance is gone."""
        for name, group in list(self.groups.items()):
            if group.deleting and not group.members:
                self._past.setdefault(name, []).extend(group.activities)
                del self.groups[name]

    def set_desired(self, name: str, desired: int) -> None:
        """Set desired capacity, within the group's sizes only."""
        group = self.group(name)
        if desired > group.maximum:
            raise invalid(
                f"New SetDesiredCapacity value {desired} is above max value {group.maximum} for the AutoScalingGroup."
            )
        if desired < group.minimum:
            raise invalid(
                f"New SetDesiredCapacity value {desired} is below min value {group.minimum} for the AutoScalingGroup."
            )
        self._desire(group, desired)

    def adjust(self, name: str, change: int) -> None:
        """Change desired capacity as a scaling policy does: by a difference, kept within the group's sizes."""
        group = self.group(name)
        if group.runs("AlarmNotification"):
            self._desire(group, min(max(group.desired + change, group.minimum), group.maximum))

    def suspend(self, name: str, processes: Sequence[str]) -> None:
        """Suspend the named scaling processes, or all."""
        group = self.group(name)
        why = f"User suspended at {stamp(self.clock())}"
        for process in _processes(processes):
            group.suspended.setdefault(process, why)

    def resume(self, name: str, processes: Sequence[str]) -> None:
        """Resume the named scaling processes, or all."""
        group = self.group(name)
        for process in _processes(processes):
            group.suspended.pop(process, None)

    # Balancers

    def attach_balancers(self, name: str, target_groups: Sequence[str], balancers: Sequence[str]) -> None:
        """Attach balancers; the group's instances in service are registered with them."""
        group = self.group(name)
        self._check_balancers(target_groups, balancers)
        group.target_groups += [arn for arn in target_groups if arn not in group.target_groups]
        group.balancers += [one for one in balancers if one not in group.balancers]
        if not group.runs("AddToLoadBalancer"):
            return
        for member in group.members.values():
            if member.state == "InService" and member.balanced:
                self.membership.add(group, member.id)

    def detach_balancers(self, name: str, target_groups: Sequence[str], balancers: Sequence[str]) -> None:
        """Detach balancers; the group's instances drain from them."""
        group = self.group(name)
        unknown = [arn for arn in target_groups if arn not in group.target_groups]
        unknown += [one for one in balancers if one not in group.balancers]
        if unknown:
            raise invalid(f"Trying to remove Target Groups or Load Balancers that are not part of the group: {unknown}")
        for member in group.members.values():
            self.membership.remove_from(list(target_groups), list(balancers), member.id)
        group.target_groups = [arn for arn in group.target_groups if arn not in target_groups]
        group.balancers = [one for one in group.balancers if one not in balancers]

    # Activities

    def activities(self, name: str | None, identifiers: Sequence[str]) -> list[dict[str, Any]]:
        """Scaling activities as AWS answers them, newest first; deleted groups' only by their name."""
        if name is not None and name not in self.groups and name not in self._past:
            raise invalid(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        found = [
            (activity, group.arn)
            for group in self.groups.values()
            if name in (None, group.name)
            for activity in group.activities
        ]
        found += [(activity, "") for activity in self._past.get(name or "", ())]
        if identifiers:
            found = [(activity, arn) for activity, arn in found if activity.id in identifiers]
        order = sorted(enumerate(found), key=lambda one: (one[1][0].start, one[0]), reverse=True)
        return [activity.document(arn) for _, (activity, arn) in order]

    @staticmethod
    def read_tags(documents: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, bool]]:
        """Read tags as requests and templates bring them."""
        return tags_from(dict(tag) for tag in documents)

    def settled(self, group: Group) -> bool:
        """Whether nothing is on its way in or out of the group."""
        moving = any(member.state in LEAVING or member.state.startswith("Pending") for member in group.members.values())
        return not moving and len(group.counted()) == group.desired


def _check_sizes(minimum: int, maximum: int, desired: int) -> None:
    if minimum > maximum:
        raise invalid(f"Max bound, {maximum}, must be greater than or equal to min bound, {minimum}")
    if not minimum <= desired <= maximum:
        raise invalid(
            f"Desired capacity:{desired} must be between the specified min size:{minimum} and max size:{maximum}"
        )


def _policies(given: Sequence[str]) -> tuple[str, ...]:
    unknown = [policy for policy in given if policy not in POLICIES]
    if unknown:
        raise invalid(f"Unsupported termination policies: {', '.join(unknown)}")
    return tuple(given)


def _processes(given: Sequence[str]) -> Sequence[str]:
    unknown = [process for process in given if process not in PROCESSES]
    if unknown:
        raise invalid(f"{unknown[0]} is not a valid process type")
    return given or PROCESSES


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
