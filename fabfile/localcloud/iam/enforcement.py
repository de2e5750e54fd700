"""Refuse what the caller's policies do not allow, in AWS's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import ServiceException
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from ..asking import Asked
from ..autoscaling import Autoscaling
from ..instances import Instances
from ..launch_templates import resolve
from ..launching import find_template
from ..settings import CloudSettings
from .evaluation import Need, allowed
from .needs import World, needs
from .principals import PARTITION, Principal, Principals


@dataclass(frozen=True)
class Denial:
    """AWS's refusal: the code that the service has for it, and the message that names the right."""

    code: str
    message: str


class Enforcement:
    """Holds users, assumed roles and machines to their policies; any other key is the account owner's.

    The control plane's lock guards it.
    """

    def __init__(self, settings: CloudSettings, autoscaling: Autoscaling, instances: Instances) -> None:
        self._settings = settings
        self._groups = autoscaling.groups
        self._instances = instances
        self._principals = Principals(settings, self._machine)
        self._world = World(settings.account, self._group_of, self._template, self._has_object)

    def denial(self, asked: Asked) -> Denial | None:
        """Return why the request is refused, None if it is not."""
        caller = self._principals.find(asked.key_id)
        if asked.operation == "AssumeRole" and not self._may_assume(str(asked.given.get("RoleArn", ""))):
            return _denial(
                asked, _name(caller, self._settings), Need("sts:AssumeRole", str(asked.given.get("RoleArn")))
            )
        if caller is None:
            return None
        for need in needs(asked, self._world):
            if not allowed(need, caller.policies):
                return _denial(asked, caller.arn, need)
        return None

    def _may_assume(self, role: str) -> bool:
        """Tell whether a role can be assumed; those of other accounts can, there is nothing known of them."""
        return f"::{self._settings.account}:" not in role or self._principals.has_role(role)

    def _machine(self, key_id: str) -> tuple[str, str]:
        return self._instances.role_of_key(key_id)

    def _group_of(self, instance: str) -> str:
        return next((name for name, group in self._groups.items() if instance in group.members), "")

    def _template(self, named: str) -> tuple[str, str]:
        ec2 = ec2_backends[self._settings.account][self._settings.region]
        key = "LaunchTemplateId" if named.startswith("lt-") else "LaunchTemplateName"
        try:
            record = find_template(ec2, {key: named})
        except ServiceException:
            return named, ""
        profile: Any = resolve(record, None).data.get("IamInstanceProfile") or {}
        return record.id, self._role_in(profile)

    def _role_in(self, wanted: dict[str, str]) -> str:
        """Return the ARN of an instance profile's role, "" without one."""
        for profile in iam_backends[self._settings.account][PARTITION].instance_profiles.values():
            if profile.name == wanted.get("Name") or profile.arn == wanted.get("Arn"):
                return profile.roles[0].arn if profile.roles else ""
        return ""

    def _has_object(self, bucket: str, key: str) -> bool:
        buckets = s3_backends[self._settings.account][PARTITION].buckets
        return bucket in buckets and key in buckets[bucket].keys


def _name(caller: Principal | None, settings: CloudSettings) -> str:
    return caller.arn if caller else f"arn:{PARTITION}:iam::{settings.account}:root"


def _denial(asked: Asked, who: str, need: Need) -> Denial:
    on = f" on resource: {need.resource}" if need.resource != "*" else ""
    why = f"because no identity-based policy allows the {need.action} action"
    text = f"User: {who} is not authorized to perform: {need.action}{on} {why}"
    if asked.service == "ec2":
        return Denial("UnauthorizedOperation", f"You are not authorized to perform this operation. {text}")
    return Denial("AccessDeniedException" if asked.service in _JSON else "AccessDenied", text)


_JSON = ("dynamodb", "secretsmanager", "ssm")
