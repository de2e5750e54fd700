"""Where moto's EC2 meets our machines: the patched operations, the default VPC and launch templates."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance, InstanceBackend
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.tags import TagBackend
from moto.ec2.responses.general import General
from moto.ec2.utils import filter_iam_instance_profiles

from .instances import Instances
from .patches import Patch
from .refusal import Refusal
from .settings import CloudSettings

TAG_IN_METADATA = re.compile(r"[A-Za-z0-9+\-=.,_:@]+")


def default_vpc(settings: CloudSettings) -> None:
    """Make the default VPC the settings' own network, one subnet for each zone."""
    backend = ec2_backends[settings.account][settings.region]
    for subnets in list(backend.subnets.values()):
        for identifier in list(subnets):
            backend.delete_subnet(identifier)
    backend.delete_vpc(backend.default_vpc.id)
    vpc = backend.create_vpc(cidr_block=f"{settings.network}.0.0/16", is_default=True)
    backend.default_vpc = vpc
    for zone, octet in settings.zones:
        backend.create_subnet(vpc_id=vpc.id, cidr_block=settings.subnet(octet), availability_zone=zone)


def ec2_patches(settings: CloudSettings, instances: Instances) -> Iterator[Patch]:
    """The operations that start, end, tag and describe instances."""
    yield Patch(InstanceBackend, "run_instances", _run_instances(settings, instances))
    yield Patch(Subnet, "get_available_subnet_ip", _subnet_address(instances))
    yield from _state_patches(settings, instances)
    yield from _tag_patches(instances)
    yield Patch(General, "get_console_output", _console_output(instances))
    yield Patch(Instance, "instance_status", property(lambda instance: _status(instance, instances)))


def _run_instances(settings: CloudSettings, instances: Instances) -> Any:
    original = InstanceBackend.run_instances

    def run_instances(
        backend: EC2Backend, image_id: str, count: int, user_data: Any, security_group_names: list[str], **kwargs: Any
    ) -> Any:
        instances.admit()
        profile: dict[str, str] = {}
        if kwargs.get("launch_template"):
            data = backend._get_template_from_args(kwargs["launch_template"]).data
            kwargs["metadata_options"] = kwargs.get("metadata_options") or data.get("MetadataOptions", {})
            profile = data.get("IamInstanceProfile") or {}
            _network_from_template(data, kwargs)
        _check_tags(kwargs)
        kwargs["client_token"] = kwargs.get("client_token") or ""
        named = kwargs.get("iam_instance_profile_name") or kwargs.get("iam_instance_profile_arn")
        role = role_of(
            settings,
            kwargs.get("iam_instance_profile_name") or profile.get("Name"),
            kwargs.get("iam_instance_profile_arn") or profile.get("Arn"),
        )
        if isinstance(user_data, str):
            user_data = Base64EncodedString(user_data)
        kwargs.setdefault("region_name", settings.region)
        reservation = original(backend, image_id, count, user_data, security_group_names, **kwargs)
        for instance in reservation.instances:
            if profile and not named:
                backend.associate_iam_instance_profile(instance.id, profile.get("Name"), profile.get("Arn"))
            instances.begin(instance, role)
        return reservation

    return run_instances


def _check_tags(kwargs: dict[str, Any]) -> None:
    """Refuse tags that an instance could not find in its metadata, where it is to.

    See https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
    """
    if (kwargs.get("metadata_options") or {}).get("InstanceMetadataTags") != "enabled":
        return
    wrong = [key for key in (kwargs.get("tags") or {}).get("instance", {}) if not TAG_IN_METADATA.fullmatch(key)]
    if wrong:
        raise Refusal("InvalidParameterValue", f"'{wrong[0]}' is not a valid tag key for instance metadata.")


def _network_from_template(data: dict[str, Any], kwargs: dict[str, Any]) -> None:
    """Take the security groups of a template that names them on its network interface."""
    interfaces = data.get("NetworkInterfaces") or []
    if interfaces and (data.get("SecurityGroupIds") or data.get("SecurityGroups")):
        raise Refusal(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level security groups may not be specified on the same request",
        )
    if interfaces and not kwargs.get("security_group_ids"):
        kwargs["security_group_ids"] = list(interfaces[0].get("Groups") or [])


def role_of(settings: CloudSettings, name: str | None, arn: str | None) -> str:
    """The role's name in an instance profile; "" when there is no profile or no role in it."""
    if not name and not arn:
        return ""
    profile = filter_iam_instance_profiles(
        settings.account, partition="aws", iam_instance_profile_arn=arn, iam_instance_profile_name=name
    )
    roles = profile.roles
    return str(roles[0].name) if roles else ""


def _subnet_address(instances: Instances) -> Any:
    def get_available_subnet_ip(subnet: Subnet, instance: Any) -> str:
        address = instances.addresses.take(str(subnet.cidr))
        subnet._subnet_ips[address] = instance
        return address

    return get_available_subnet_ip


def _state_patches(settings: CloudSettings, instances: Instances) -> Iterator[Patch]:
    original = Instance.terminate

    def finish(instance: Any) -> None:
        original(instance)

    def purge(identifier: str) -> None:
        backend = ec2_backends[settings.account][settings.region]
        for key, reservation in list(backend.reservations.items()):
            reservation.instances = [one for one in reservation.instances if one.id != identifier]
            if not reservation.instances:
                del backend.reservations[key]

    instances.finish = finish
    instances.purge = purge

    def changing(change: Any) -> Any:
        def changed(instance: Any) -> Any:
            before = copy.copy(instance._state)
            change(instance)
            return before

        return changed

    def role(instance: Any) -> str:
        backend = ec2_backends[settings.account][settings.region]
        association = backend.iam_instance_profile_associations.get(instance.id)
        return role_of(settings, None, association.iam_instance_profile.arn) if association else ""

    yield Patch(Instance, "terminate", changing(instances.end))
    yield Patch(Instance, "reboot", changing(instances.reboot))
    yield Patch(Instance, "stop", changing(instances.halt))
    yield Patch(Instance, "start", changing(lambda instance: instances.resume(instance, role(instance))))


def _tag_patches(instances: Instances) -> Iterator[Patch]:
    create, delete = TagBackend.create_tags, TagBackend.delete_tags

    def create_tags(backend: Any, resource_ids: list[str], tags: dict[str, str]) -> bool:
        done = create(backend, resource_ids, tags)
        instances.retag(resource_ids)
        return bool(done)

    def delete_tags(backend: Any, resource_ids: list[str], tags: dict[str, str]) -> bool:
        done = delete(backend, resource_ids, tags)
        instances.retag(resource_ids)
        return bool(done)

    yield Patch(TagBackend, "create_tags", create_tags)
    yield Patch(TagBackend, "delete_tags", delete_tags)


def _console_output(instances: Instances) -> Any:
    def get_console_output(response: General) -> ActionResult:
        instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
        text = Base64EncodedString.from_raw_string(instances.console(instance.id))
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": text})

    return get_console_output


def _status(instance: Any, instances: Instances) -> dict[str, Any]:
    if instance.state != "running":
        return {"Status": "not-applicable"}
    alive = instances.alive(instance.id)
    details = [{"Name": "reachability", "Status": "passed" if alive else "failed"}]
    return {"Details": details, "Status": "ok" if alive else "impaired"}
