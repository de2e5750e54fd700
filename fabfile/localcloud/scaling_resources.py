"""Scaling policies and scheduled actions as CloudFormation makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from moto.cloudformation.parsing import get_model_map

from .patches import Patch
from .resources import Resource
from .scaling import Scaling


class PolicyResource(Resource):
    """AWS::AutoScaling::ScalingPolicy; its physical id is its ARN."""

    scaling: ClassVar[Scaling]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> PolicyResource:
        """Make the policy."""
        given = cloudformation_json["Properties"]
        arn = cls.scaling.put_policy(str(given["AutoScalingGroupName"]), resource_name, given)
        return cls(arn, {"Arn": arn, "PolicyName": resource_name})

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> PolicyResource:
        """Put the policy again under its name."""
        name = original_resource.physical_resource_id.rpartition("policyName/")[2]
        return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the policy, unless its group is gone with it."""
        if self.scaling.policies(None, [self.physical_resource_id], ()):
            self.scaling.delete_policy(None, self.physical_resource_id)


class ActionResource(Resource):
    """AWS::AutoScaling::ScheduledAction; its physical id is its name."""

    scaling: ClassVar[Scaling]

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> ActionResource:
        """Make the scheduled action."""
        given = cloudformation_json["Properties"]
        cls.scaling.put_action(str(given["AutoScalingGroupName"]), resource_name, given)
        return cls(resource_name, {"ScheduledActionName": resource_name})

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: Any, new_resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> ActionResource:
        """Put the scheduled action again under its name."""
        name = original_resource.physical_resource_id
        return cls.create_from_cloudformation_json(name, cloudformation_json, account_id, region_name)

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the scheduled action, unless it has run for the last time or its group is gone."""
        for one in self.scaling.actions(None, [self.physical_resource_id]):
            self.scaling.delete_action(one["AutoScalingGroupName"], self.physical_resource_id)


def scaling_resource_patches(scaling: Scaling) -> Iterator[Patch]:
    """Put both into moto's table of types."""
    table = get_model_map()
    for kind, resource in (("ScalingPolicy", PolicyResource), ("ScheduledAction", ActionResource)):
        name = f"AWS::AutoScaling::{kind}"
        bound = type(resource.__name__, (resource,), {"scaling": scaling})
        yield Patch(table, name, bound, added=name not in table)
