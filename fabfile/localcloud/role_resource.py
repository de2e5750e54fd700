"""Roles as CloudFormation changes them: moto's keep the policies that they were made with."""

from __future__ import annotations

from typing import Any

from moto.iam.models import Role


class RoleResource(Role):
    """AWS::IAM::Role, whose inline policies are those of the template after an update too."""

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: Role,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Role:
        """Put the policies that the template has, and take away the others."""
        wanted = {
            one["PolicyName"]: one["PolicyDocument"] for one in cloudformation_json["Properties"].get("Policies", ())
        }
        for name in set(original_resource.policies) - set(wanted):
            original_resource.delete_policy(name)
        for name, document in wanted.items():
            original_resource.put_policy(name, document)
        return original_resource
