"""CloudFormation stacks: made, changed, rolled back and deleted over time, as their events tell.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html
"""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.account import Account
from tests.conformance.expecting import refused
from tests.conformance.group import Group
from tests.conformance.kinds import GROUP, STACK
from tests.conformance.run import TAG

LATEST = {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}
EXTRA: dict[str, Any] = {
    "Type": "AWS::EC2::SecurityGroup",
    "Properties": {"GroupDescription": "one more", "VpcId": {"Ref": "Vpc"}},
}


def template(account: Account, instance_type: str = "t3.nano", **more: Any) -> str:
    """A stack with a launch template and a group that launches from it."""
    group = {
        "AutoScalingGroupName": account.named(),
        "MinSize": {"Ref": "Minimum"},
        "MaxSize": 4,
        "VPCZoneIdentifier": {"Ref": "Subnets"},
        "LaunchTemplate": {
            "LaunchTemplateId": {"Ref": "Template"},
            "Version": {"Fn::If": ["HasVersion", {"Ref": "Version"}, LATEST]},
        },
        "LifecycleHookSpecificationList": [
            {
                "LifecycleHookName": "ready",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "HeartbeatTimeout": 60,
                "DefaultResult": "CONTINUE",
            }
        ],
        "Tags": [{"Key": TAG, "Value": account.label, "PropagateAtLaunch": True}],
    }
    data = {"ImageId": account.image(), "InstanceType": instance_type}
    return json.dumps(
        {
            "Parameters": {
                "Vpc": {"Type": "String"},
                "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
                "Minimum": {"Type": "Number", "Default": 0},
                "Version": {"Type": "String", "Default": ""},
            },
            "Conditions": {"HasVersion": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Version"}, ""]}]}},
            "Resources": {
                "Template": {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}},
                "Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": group},
                **more,
            },
            "Outputs": {"Group": {"Value": {"Ref": "Group"}}},
        }
    )


class Stack:
    """The test's stack."""

    def __init__(self, account: Account) -> None:
        account.uses(STACK, GROUP)
        self.name = account.named("stack")
        self.group = Group(account.cloud, account.named())
        self._account = account
        self._api = account.client("cloudformation")
        self._changes = 0

    def propose(self, body: str, kind: str, **given: str) -> dict[str, Any]:
        """Make a change set and wait for it to be worked out."""
        self._changes += 1
        values = {"Vpc": self._account.network.vpc, "Subnets": ",".join(self._account.network.subnets), **given}
        made = self._api.create_change_set(
            StackName=self.name,
            ChangeSetName=f"change-{self._changes}",
            ChangeSetType=kind,
            TemplateBody=body,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
            Tags=self._account.tags,
        )

        def worked_out() -> dict[str, Any]:
            found = dict(self._api.describe_change_set(ChangeSetName=made["Id"], StackName=self.name))
            return found if found["Status"] in ("CREATE_COMPLETE", "FAILED") else {}

        return self._account.eventually(worked_out, "the change set is worked out")

    def change(self, body: str, kind: str = "UPDATE", **given: str) -> list[tuple[str, str]]:
        """Make a change set, carry it out and answer its changes."""
        proposed = self.propose(body, kind, **given)
        self._api.execute_change_set(ChangeSetName=proposed["ChangeSetId"], StackName=self.name)
        self._account.eventually(lambda: not self.status().endswith(("IN_PROGRESS", "_PENDING")), "the stack is done")
        found = [one["ResourceChange"] for one in proposed["Changes"]]
        return sorted((one["Action"], one["LogicalResourceId"]) for one in found)

    def described(self) -> dict[str, Any]:
        return dict(self._api.describe_stacks(StackName=self.name)["Stacks"][0])

    def status(self) -> str:
        return str(self.described()["StackStatus"])

    def events(self, name: str = "") -> list[tuple[str, str]]:
        """Events, oldest first."""
        found = self._api.describe_stack_events(StackName=name or self.name)["StackEvents"]
        return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(found)]


def test_a_resource_that_fails_rolls_the_new_stack_back(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html"""
    stack = Stack(account)
    stack.change(template(account), "CREATE", Version="9")
    assert stack.status() == "ROLLBACK_COMPLETE"
    told = stack.events()
    assert ("Group", "CREATE_FAILED") in told
    assert ("Template", "DELETE_COMPLETE") in told
    with refused("ValidationError", "ROLLBACK_COMPLETE"):
        stack.propose(template(account), "UPDATE")


def test_a_stack_is_made_in_order_over_time_and_answers_its_outputs(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""
    stack = Stack(account)
    proposed = stack.propose(template(account), "CREATE")
    account.client("cloudformation").execute_change_set(ChangeSetName=proposed["ChangeSetId"], StackName=stack.name)
    account.eventually(lambda: stack.status() == "CREATE_COMPLETE", "made")
    told = stack.events()
    assert (stack.name, "CREATE_IN_PROGRESS") in told
    assert told.index(("Template", "CREATE_COMPLETE")) < told.index(("Group", "CREATE_IN_PROGRESS"))
    assert {one["OutputKey"]: one["OutputValue"] for one in stack.described()["Outputs"]} == {"Group": stack.group.name}
    hooks = account.groups.describe_lifecycle_hooks(AutoScalingGroupName=stack.group.name)["LifecycleHooks"]
    assert [one["LifecycleHookName"] for one in hooks] == ["ready"]


def test_a_change_set_without_changes_fails_and_says_so(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html"""
    stack = Stack(account)
    stack.change(template(account), "CREATE")
    proposed = stack.propose(template(account), "UPDATE")
    assert (proposed["Status"], proposed["Changes"]) == ("FAILED", [])
    assert "didn't contain changes" in proposed["StatusReason"]


def test_a_template_of_more_than_51200_bytes_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""
    body = template(account)
    with refused("ValidationError", "51200"):
        Stack(account).propose(body + " " * (51_201 - len(body.encode())), "CREATE")


def test_another_instance_type_makes_a_new_version_and_the_group_takes_the_one_it_is_given(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-launchtemplate.html"""
    stack = Stack(account)
    stack.change(template(account), "CREATE")
    assert stack.change(template(account, "t3.micro")) == [("Modify", "Group"), ("Modify", "Template")]
    assert stack.group.seen()["LaunchTemplate"]["Version"] == "2"
    stack.change(template(account, "t3.micro"), Version="1")
    assert stack.group.seen()["LaunchTemplate"]["Version"] == "1"


def test_versions_made_by_deploys_are_not_what_a_template_reads(account: Account) -> None:
    """LatestVersionNumber is that of the template's own last change: an update sends the old version to the group."""
    stack = Stack(account)
    stack.change(template(account), "CREATE")
    identifier = stack.group.seen()["LaunchTemplate"]["LaunchTemplateId"]
    made = account.version(identifier, InstanceType="t3.micro")
    stack.group.update(LaunchTemplate={"LaunchTemplateId": identifier, "Version": made})
    stack.group.suspend("Launch")
    assert stack.change(template(account), Minimum="1") == [("Modify", "Group")]
    assert stack.group.seen()["LaunchTemplate"]["Version"] == "1"


def test_an_update_leaves_desired_capacity_where_it_is_left_out(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-autoscaling-autoscalinggroup.html"""
    stack = Stack(account)
    stack.change(template(account), "CREATE")
    stack.group.suspend("Launch")
    stack.group.desire(3)
    stack.change(template(account, "t3.micro"))
    assert stack.group.desired() == 3


def test_an_update_that_fails_goes_back_to_what_was(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html"""
    stack = Stack(account)
    stack.change(template(account), "CREATE")
    stack.change(template(account, Extra=EXTRA), Version="9", Minimum="1")
    assert stack.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.group.seen()["MinSize"] == 0
    assert ("Group", "UPDATE_FAILED") in stack.events()
    assert ("Extra", "DELETE_COMPLETE") in stack.events()


def test_a_removed_resource_is_deleted_after_the_update(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html"""
    stack = Stack(account)
    stack.change(template(account, Extra=EXTRA), "CREATE")
    assert stack.change(template(account)) == [("Remove", "Extra")]
    assert ("Extra", "DELETE_COMPLETE") in stack.events()


def test_a_deleted_stack_takes_everything_with_it(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html"""
    stack = Stack(account)
    stack.change(template(account), "CREATE")
    identifier = stack.described()["StackId"]
    stacks = account.client("cloudformation")
    stacks.delete_stack(StackName=stack.name)
    assert stack.status() == "DELETE_IN_PROGRESS"
    account.eventually(lambda: stack.events(identifier)[-1] == (stack.name, "DELETE_COMPLETE"), "deleted")
    with refused("ValidationError", "does not exist"):
        stack.status()
    found = account.groups.describe_auto_scaling_groups(AutoScalingGroupNames=[stack.group.name])
    assert found["AutoScalingGroups"] == []
