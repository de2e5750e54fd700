"""Which rights a request needs, on which resources.

By https://docs.aws.amazon.com/service-authorization/latest/reference/, written down here apart from the rules that
deployers' policies are made from, so that one is held to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..asking import Asked
from .evaluation import Need

_LOOKS = ("Describe", "Get", "List")
# Actions of their own names that S3's operations go by.
_S3 = {
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListObjectsV2": "ListBucket",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
}
_TRANSACTED = {"ConditionCheck": "ConditionCheckItem", "Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem"}


@dataclass(frozen=True)
class World:
    """What of the account a request's resources depend on."""

    account: str
    group_of: Callable[[str], str]  # the group of an instance, "" for none
    template_of: Callable[[str], tuple[str, str]]  # id of a launch template by id or name, its servers' role's ARN
    has_object: Callable[[str, str], bool]  # by bucket and key


def needs(asked: Asked, world: World) -> tuple[Need, ...]:
    """Return the rights that a request needs; none for GetCallerIdentity, which everybody may call."""
    if (asked.service, asked.operation) == ("sts", "GetCallerIdentity"):
        return ()
    makers = {"autoscaling": _autoscaling, "dynamodb": _dynamodb, "s3": _s3}
    if asked.service in makers:
        return makers[asked.service](asked, world)
    return (_need(asked, _resource(asked, world)),)


def _need(asked: Asked, resource: str) -> Need:
    return Need(f"{asked.service}:{asked.operation}", resource, {"aws:RequestedRegion": asked.region})


def _arn(asked: Asked, world: World, resource: str) -> str:
    return f"arn:aws:{asked.service}:{asked.region}:{world.account}:{resource}"


def _resource(asked: Asked, world: World) -> str:
    """Return the resource of what needs one right on one resource; "*" where the action knows none."""
    given = asked.given
    named: Mapping[str, Callable[[], str]] = {
        "cloudformation": lambda: _stack(asked, world),
        "secretsmanager": lambda: str(given.get("SecretId", "*")),
        "ssm": lambda: _arn(asked, world, f"parameter{given.get('Name', '')}"),
        "sts": lambda: str(given.get("RoleArn", "*")),
        "acm": lambda: str(given.get("CertificateArn", "*")),
        "cloudwatch": lambda: _arn(asked, world, "alarm:*"),
        "elasticache": lambda: _arn(asked, world, f"replicationgroup:{given.get('ReplicationGroupId', '*')}"),
        "rds": lambda: _arn(asked, world, f"db:{given.get('DBInstanceIdentifier', '*')}"),
        "iam": lambda: _iam(asked, world),
    }
    if asked.service in named:
        return named[asked.service]()
    if asked.service == "ec2":
        return _ec2(asked, world)
    if asked.service == "elasticloadbalancing" and not asked.operation.startswith(_LOOKS):
        classic = _arn(asked, world, f"loadbalancer/{given.get('LoadBalancerName')}")
        return next((str(given[name]) for name in given if name.endswith("Arn")), classic)
    return "*"


def _stack(asked: Asked, world: World) -> str:
    name = str(asked.given.get("StackName", ""))
    return name if name.startswith("arn:") else _arn(asked, world, f"stack/{name}/0")


def _iam(asked: Asked, world: World) -> str:
    profile = f"arn:aws:iam::{world.account}:instance-profile/{asked.given.get('InstanceProfileName')}"
    return str(asked.given.get("PolicySourceArn", profile))


def _ec2(asked: Asked, world: World) -> str:
    given = asked.given
    if asked.operation == "GetConsoleOutput":
        return _arn(asked, world, f"instance/{given.get('InstanceId')}")
    named = given.get("LaunchTemplateId") or given.get("LaunchTemplateName")
    if named and not asked.operation.startswith(_LOOKS):
        return _arn(asked, world, f"launch-template/{world.template_of(str(named))[0]}")
    return "*"


def _autoscaling(asked: Asked, world: World) -> tuple[Need, ...]:
    given = asked.given
    if asked.operation.startswith(_LOOKS):
        return (_need(asked, "*"),)
    name = str(given.get("AutoScalingGroupName") or world.group_of(str(given.get("InstanceId", ""))))
    own = _need(asked, _arn(asked, world, f"autoScalingGroup:0:autoScalingGroupName/{name}"))
    template = given.get("LaunchTemplate.LaunchTemplateId") or given.get("LaunchTemplate.LaunchTemplateName")
    return (own, *_launching(asked, world, str(template))) if template else (own,)


def _launching(asked: Asked, world: World, template: str) -> tuple[Need, ...]:
    """Return what who names a template must be allowed to do himself.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
    """
    identifier, role = world.template_of(template)
    place = f"arn:aws:ec2:{asked.region}:{world.account}"
    found = [
        Need("ec2:RunInstances", f"{place}:instance/*", {"ec2:LaunchTemplate": f"{place}:launch-template/{identifier}"})
    ]
    if role:
        found.append(Need("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"}))
    return tuple(found)


def _dynamodb(asked: Asked, world: World) -> tuple[Need, ...]:
    context = {"aws:RequestedRegion": asked.region}
    if asked.operation == "TransactWriteItems":
        items: list[Mapping[str, Any]] = list(asked.given.get("TransactItems", ()))
        return tuple(
            Need(f"dynamodb:{_TRANSACTED[kind]}", _arn(asked, world, f"table/{item['TableName']}"), context)
            for one in items
            for kind, item in one.items()
        )
    return (_need(asked, _arn(asked, world, f"table/{asked.given.get('TableName')}")),)


def _s3(asked: Asked, world: World) -> tuple[Need, ...]:
    bucket, key = asked.given["Bucket"], asked.given["Key"]
    arn = f"arn:aws:s3:::{bucket}"
    action = f"s3:{_S3.get(asked.operation, asked.operation)}"
    own = Need(action, f"{arn}/{key}" if key else arn, {"aws:RequestedRegion": asked.region})
    # Whether an object is missing is told to those alone who may list its bucket.
    if action == "s3:GetObject" and not world.has_object(bucket, key):
        return (own, Need("s3:ListBucket", arn))
    return (own,)
