"""Launch one instance for a group, from exactly the launch template version that the group names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends

from .groups import Activity, Group, Member
from .launch_configurations import LaunchConfigurations
from .launch_templates import resolve
from .refusal import Refusal, invalid
from .settings import CloudSettings


class Launcher:
    """Start members through EC2's own operation; the control plane's lock guards every method."""

    def __init__(self, settings: CloudSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self.configurations = LaunchConfigurations(settings, clock)

    @property
    def ec2(self) -> Any:
        """moto's records of EC2."""
        return ec2_backends[self._settings.account][self._settings.region]

    def launch(self, group: Group, zone: str, cause: str, subnet: str | None = None) -> Member:
        """Start an instance in a zone and make it a member; a refusal is recorded as a failed activity."""
        now = self._clock()
        activity = group.record("Launching a new EC2 instance", cause, now, "PreInService")
        try:
            member = self._run(group, subnet or self._subnet(group, zone))
        except ServiceException as refused:
            group.launch_after = now + self._settings.launch_retry
            activity.description = "Launching a new EC2 instance.  Status Reason: " + str(refused.message)
            activity.finish(now, "Failed", f"{refused.message} Launching EC2 instance failed.")
            raise
        activity.description = f"Launching a new EC2 instance: {member.id}"
        activity.details = (
            f'{{"Subnet ID":"{subnet or self._subnet(group, zone)}","Availability Zone":"{member.zone}"}}'
        )
        activity.progress = 30
        member.activity = activity
        return self.adopt(group, member, activity)

    def adopt(self, group: Group, member: Member, activity: Activity | None) -> Member:
        """Make an instance a member of a group."""
        member.activity = activity
        member.protected = group.protect_new
        member.balanced = group.runs("AddToLoadBalancer")
        group.members[member.id] = member
        return member

    def _run(self, group: Group, subnet: str) -> Member:
        tags = {key: value for key, (value, propagated) in group.tags.items() if propagated}
        tags["aws:autoscaling:groupName"] = group.name
        if group.configuration:
            arguments = self.configurations.arguments(group.configuration)
            template = None
        else:
            arguments, template = self._from_template(group)
        reservation = self.ec2.run_instances(
            arguments.pop("image_id", ""),
            1,
            arguments.pop("user_data", None),
            arguments.pop("security_group_names", []),
            subnet_id=subnet,
            tags={"instance": tags},
            **arguments,
        )
        instance = reservation.instances[0]
        return Member(
            instance.id,
            instance.placement.zone,
            instance.instance_type,
            instance.image_id,
            self._clock(),
            template=template,
            configuration=group.configuration,
        )

    def _from_template(self, group: Group) -> tuple[dict[str, Any], dict[str, str]]:
        wanted, override = template_of(group)
        record = find_template(self.ec2, wanted)
        version = resolve(record, wanted.get("Version"))
        used = {
            "LaunchTemplateId": record.id,
            "LaunchTemplateName": record.name,
            "Version": str(version.number),
        }
        pinned = {"LaunchTemplateId": record.id, "Version": str(version.number)}
        instance_type = override or version.data.get("InstanceType")
        arguments: dict[str, Any] = {"launch_template": pinned, "is_instance_type_default": not instance_type}
        if instance_type:
            arguments["instance_type"] = instance_type
        return arguments, used

    def _subnet(self, group: Group, zone: str) -> str:
        for identifier in group.subnets:
            if self.ec2.get_subnet(identifier).availability_zone == zone:
                return identifier
        default = self.ec2.get_default_subnets().get(zone)
        if default is None:
            raise invalid(f"No default subnet for availability zone: '{zone}'.")
        return str(default.id)


def template_of(group: Group) -> tuple[dict[str, str], str | None]:
    """The template specification that a group launches from, and the instance type that overrides it."""
    if group.mixed:
        inner = group.mixed["LaunchTemplate"]
        overrides = inner.get("Overrides") or []
        return dict(inner["LaunchTemplateSpecification"]), overrides[0].get("InstanceType") if overrides else None
    if group.template is None:
        raise invalid("A launch template, launch configuration or mixed instances policy is required.")
    return group.template, None


def find_template(ec2: Any, wanted: dict[str, str]) -> Any:
    """The template that a specification names by id or by name."""
    identifier = wanted.get("LaunchTemplateId") or ec2.launch_template_name_to_ids.get(
        wanted.get("LaunchTemplateName", "")
    )
    record = ec2.launch_templates.get(identifier or "")
    if record is None:
        named = wanted.get("LaunchTemplateId") or wanted.get("LaunchTemplateName")
        raise Refusal("ValidationError", f"You must use a valid fully-formed launch template. {named} does not exist.")
    return record
