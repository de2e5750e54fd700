"""What CloudFormation makes that moto makes differently or not at all: groups, secrets, databases, target groups."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from moto.cloudformation.parsing import get_model_map
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.elbv2.models import elbv2_backends
from moto.rds.models import DBInstance, rds_backends
from moto.secretsmanager.models import secretsmanager_backends

from .autoscaling import Autoscaling
from .members import Members, hook_from
from .patches import Patch
from .refusal import invalid
from .role_resource import RoleResource

SIZES = ("MinSize", "MaxSize", "DesiredCapacity")


class Resource:
    """A resource known by its physical id and its attributes."""

    logical_resource_id = ""
    cf_resource_type = ""
    notice = ""  # what the event of its creation says

    def __init__(self, physical: str, attributes: Mapping[str, str]) -> None:
        self.physical_resource_id = physical
        self._attributes = attributes

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether templates may read the attribute; which ones there are shows when they do."""
        return bool(attr)

    @property
    def ready(self) -> bool:
        """Whether it is far enough for what depends on it."""
        return True

    def get_cfn_attribute(self, attribute: str) -> str:
        """An attribute, as `GetAtt` gives it."""
        if attribute not in self._attributes:
            raise invalid(f"Template error: resource {self.logical_resource_id} has no attribute {attribute}")
        return self._attributes[attribute]


class GroupResource(Resource):
    """AWS::AutoScaling::AutoScalingGroup."""

    groups: ClassVar[Autoscaling]
    ones: ClassVar[Members]
    sizes: Mapping[str, str]  # as the template said them last

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> GroupResource:
        """Make the group with its hooks."""
        given = cls._request(cloudformation_json["Properties"])
        group = cls.groups.create(resource_name, given)
        for hook in given.get("LifecycleHookSpecificationList") or ():
            cls.ones.put_hook(group.name, hook)
        return cls._made(resource_name, group.arn, given)

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> GroupResource:
        """Change what the template names; desired capacity stays where the template leaves it out."""
        given = cls._request(cloudformation_json["Properties"])
        name = original_resource.physical_resource_id
        policy = (cloudformation_json.get("UpdatePolicy") or {}).get("AutoScalingScheduledAction") or {}
        if _true(policy.get("IgnoreUnmodifiedGroupSizeProperties")):
            unmodified = {size for size in SIZES if str(given.get(size)) == original_resource.sizes.get(size)}
            cls.groups.update(name, {key: value for key, value in given.items() if key not in unmodified})
        else:
            cls.groups.update(name, given)
        group = cls.groups.group(name)
        wanted = list(given.get("TargetGroupARNs") or ())
        cls.groups.detach_balancers(name, [arn for arn in group.target_groups if arn not in wanted], ())
        cls.groups.attach_balancers(name, [arn for arn in wanted if arn not in group.target_groups], ())
        hooks = [hook_from(one, None) for one in given.get("LifecycleHookSpecificationList") or ()]
        group.hooks = {hook.name: hook for hook in hooks}
        group.tags = cls.groups.read_tags(given.get("Tags") or ())
        return cls._made(name, group.arn, given)

    @classmethod
    def _made(cls, name: str, arn: str, given: Mapping[str, Any]) -> GroupResource:
        made = cls(name, {"AutoScalingGroupARN": arn})
        made.sizes = {size: str(given[size]) for size in SIZES if given.get(size) is not None}
        return made

    @staticmethod
    def _request(properties: Mapping[str, Any]) -> dict[str, Any]:
        """A template's properties as the API has them."""
        subnets = properties.get("VPCZoneIdentifier")
        return {
            **properties,
            "VPCZoneIdentifier": ",".join(subnets) if isinstance(subnets, list) else subnets,
            "DefaultCooldown": properties.get("Cooldown"),
        }

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the group and its instances."""
        if self.physical_resource_id in self.groups.groups:
            self.groups.delete(self.physical_resource_id, force=True)

    @property
    def gone(self) -> bool:
        """Whether the deleted group's last instance has gone."""
        return self.physical_resource_id not in self.groups.groups


class SecretResource(Resource):
    """AWS::SecretsManager::Secret."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> SecretResource:
        """Make the secret, of the string given or of one generated."""
        properties = cloudformation_json["Properties"]
        text = properties.get("SecretString")
        if properties.get("GenerateSecretString") is not None:
            text = generated(properties["GenerateSecretString"])
        backend = secretsmanager_backends[account_id][region_name]
        answer = backend.create_secret(
            name=properties.get("Name") or resource_name,
            secret_string=text,
            secret_binary=None,
            description=properties.get("Description"),
            tags=properties.get("Tags"),
            kms_key_id=properties.get("KmsKeyId"),
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        arn = str(json.loads(answer)["ARN"])
        return cls(arn, {"Id": arn})

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        """Keep the secret: a generated one is not generated again."""
        return original_resource

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the secret at once."""
        secretsmanager_backends[account_id][region_name].delete_secret(
            self.physical_resource_id, recovery_window_in_days=None, force_delete_without_recovery=True
        )


def generated(given: Mapping[str, Any]) -> str:
    """Generate a secret as GenerateSecretString says."""
    characters = string.ascii_letters + string.digits
    if str(given.get("ExcludePunctuation", False)).lower() != "true":
        characters += "!#$%&()*+,-./:;<=>?[]^_{|}~"
    usable = [one for one in characters if one not in str(given.get("ExcludeCharacters", ""))]
    password = "".join(secrets.choice(usable) for _ in range(int(given.get("PasswordLength", 32))))
    if given.get("SecretStringTemplate"):
        return json.dumps({**json.loads(given["SecretStringTemplate"]), given["GenerateStringKey"]: password})
    return password


class DatabaseResource(DBInstance):
    """AWS::RDS::DBInstance with a managed password, its security groups and subnets by name."""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Whether templates may read the attribute, or one below it."""
        return attr.partition(".")[0] in ("Endpoint", "MasterUserSecret", "DBInstanceArn")

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> DBInstance:
        """Make the database; its endpoint is known once it is available."""
        given = cloudformation_json["Properties"]
        arguments = {
            "db_instance_identifier": str(given.get("DBInstanceIdentifier") or resource_name).lower(),
            "db_instance_class": given.get("DBInstanceClass"),
            "engine": given.get("Engine"),
            "engine_version": given.get("EngineVersion"),
            "db_name": given.get("DBName"),
            "allocated_storage": int(given["AllocatedStorage"]) if given.get("AllocatedStorage") else None,
            "storage_type": given.get("StorageType"),
            "storage_encrypted": _true(given.get("StorageEncrypted")),
            "master_username": given.get("MasterUsername"),
            "master_user_password": given.get("MasterUserPassword"),
            "manage_master_user_password": _true(given.get("ManageMasterUserPassword")),
            "db_subnet_group_name": given.get("DBSubnetGroupName"),
            "vpc_security_group_ids": given.get("VPCSecurityGroups"),
            "publicly_accessible": _true(given.get("PubliclyAccessible")),
            "deletion_protection": _true(given.get("DeletionProtection")),
            "multi_az": _true(given.get("MultiAZ")),
            "port": int(given["Port"]) if given.get("Port") else None,
            "tags": given.get("Tags"),
        }
        return rds_backends[account_id][region_name].create_db_instance(arguments)

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> Any:
        """Change the class, the storage and the protection."""
        given = cloudformation_json["Properties"]
        original_resource.db_instance_class = given.get("DBInstanceClass")
        original_resource.deletion_protection = _true(given.get("DeletionProtection"))
        if given.get("AllocatedStorage"):
            original_resource.allocated_storage = int(given["AllocatedStorage"])
        return original_resource


class InstanceResource(Instance):
    """AWS::EC2::Instance, from a launch template too."""

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Instance:
        """Start the instance."""
        given = cloudformation_json["Properties"]
        backend = ec2_backends[account_id][region_name]
        tags = {str(one["Key"]): str(one["Value"]) for one in given.get("Tags") or ()}
        arguments: dict[str, Any] = {
            "instance_type": given.get("InstanceType", "t3.small"),
            "is_instance_type_default": not given.get("InstanceType"),
            "subnet_id": given.get("SubnetId"),
            "key_name": given.get("KeyName"),
            "private_ip": given.get("PrivateIpAddress"),
            "security_group_ids": list(given.get("SecurityGroupIds") or ()),
            "iam_instance_profile_name": given.get("IamInstanceProfile"),
            "launch_template": given.get("LaunchTemplate") or {},
            "tags": {"instance": tags},
        }
        image, groups = given.get("ImageId", ""), list(given.get("SecurityGroups") or ())
        reservation = backend.run_instances(image, 1, given.get("UserData"), groups, **arguments)
        instance = reservation.instances[0]
        if given.get("IamInstanceProfile"):
            backend.associate_iam_instance_profile(instance.id, given["IamInstanceProfile"])
        return instance


def resource_patches(autoscaling: Autoscaling, members: Members) -> Iterator[Patch]:
    """Put our resources into moto's table of types."""
    group = type("GroupResource", (GroupResource,), {"groups": autoscaling, "ones": members})
    table = get_model_map()
    yield Patch(table, "AWS::AutoScaling::AutoScalingGroup", group)
    yield Patch(table, "AWS::RDS::DBInstance", DatabaseResource)
    yield Patch(table, "AWS::EC2::Instance", InstanceResource)
    yield Patch(table, "AWS::IAM::Role", RoleResource)
    yield Patch(table, "AWS::SecretsManager::Secret", SecretResource, added=True)


def ready(resource: Any) -> bool:
    """Whether what was made is far enough for what depends on it."""
    if isinstance(resource, DBInstance):
        return str(resource.status) != "creating"
    return bool(resource.ready) if isinstance(resource, Resource) else True


def gone(resource: Any) -> bool:
    """Whether what was deleted is gone: a group is once its instances are."""
    if isinstance(resource, Instance):
        return resource.state == "terminated"
    return bool(getattr(resource, "gone", True))


def deleter(kind: str, account: str, region: str) -> Callable[[str], Any] | None:
    """How to delete a resource of this type where moto's own record can't."""
    elbv2 = elbv2_backends[account][region]
    return {
        "AWS::ElasticLoadBalancingV2::TargetGroup": elbv2.delete_target_group,
        "AWS::ElasticLoadBalancingV2::Listener": elbv2.delete_listener,
        "AWS::ElasticLoadBalancingV2::ListenerRule": elbv2.delete_rule,
    }.get(kind)


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
