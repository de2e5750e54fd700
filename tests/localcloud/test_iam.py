"""The embedded cloud evaluates policies as IAM does, for users, roles and machines."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from fabfile.localcloud.iam.evaluation import Need, allowed
from fabfile.localcloud.metadata import key_id_of
from tests.localcloud.account import Account, refused

GROUPS = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup"


def policy(action: Any, resource: Any = "*", effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [{**statement, **({"Condition": condition} if condition else {})}]}


@pytest.mark.parametrize(
    ("need", "policies", "expected"),
    [
        (Need("s3:GetObject", "arn:aws:s3:::b/k"), [], False),
        (Need("s3:GetObject", "arn:aws:s3:::b/k"), [policy("s3:GetObject", "arn:aws:s3:::b/*")], True),
        (Need("s3:GetObject", "arn:aws:s3:::b/k"), [policy("S3:getobject", "arn:aws:s3:::?/k")], True),
        (Need("s3:GetObject", "arn:aws:s3:::b/k"), [policy("s3:GetObject", "arn:aws:s3:::c/*")], False),
        (Need("s3:GetObject", "arn:aws:s3:::b/k"), [policy("s3:Get"), policy(["s3:*"])], True),
        (Need("s3:GetObject", "x"), [policy("*"), policy("s3:GetObject", effect="Deny")], False),
        (Need("iam:PassRole", "r"), [policy("iam:PassRole", StringEquals={"iam:PassedToService": "a"})], False),
        (
            Need("iam:PassRole", "r", {"iam:PassedToService": "a"}),
            [policy("iam:PassRole", StringEquals={"iam:PassedToService": ["b", "a"]})],
            True,
        ),
        (Need("e:R", "r", {"l": "arn:t/1"}), [policy("e:R", ArnLike={"l": "arn:t/*"})], True),
    ],
    ids=range(9),
)
def test_a_policy_allows_what_iam_says_it_does(need: Need, policies: list[dict[str, Any]], expected: bool) -> None:
    assert allowed(need, policies) is expected


def user(account: Account, *policies: dict[str, Any]) -> boto3.Session:
    """A session of a user with these policies."""
    iam = account.client("iam")
    iam.create_user(UserName="somebody")
    for number, one in enumerate(policies):
        iam.put_user_policy(UserName="somebody", PolicyName=f"p{number}", PolicyDocument=json.dumps(one))
    key = iam.create_access_key(UserName="somebody")["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name="us-east-1")


def test_a_user_may_do_what_his_policies_say_on_what_they_name(account: Account) -> None:
    account.group("ours")
    account.group("theirs")
    session = user(account, policy("autoscaling:SuspendProcesses", f"{GROUPS}:*:autoScalingGroupName/ours"))
    groups = session.client("autoscaling", endpoint_url=account.url)
    groups.suspend_processes(AutoScalingGroupName="ours", ScalingProcesses=["Launch"])
    with refused("AccessDenied", "user/somebody is not authorized to perform: autoscaling:SuspendProcesses", "theirs"):
        groups.suspend_processes(AutoScalingGroupName="theirs", ScalingProcesses=["Launch"])
    with refused("AccessDenied", "autoscaling:DescribeAutoScalingGroups"):
        groups.describe_auto_scaling_groups()


def test_each_service_refuses_in_its_own_code(account: Account) -> None:
    session = user(account)
    with refused("UnauthorizedOperation", "ec2:DescribeInstances"):
        session.client("ec2", endpoint_url=account.url).describe_instances()
    with refused("AccessDeniedException", "dynamodb:GetItem", "table/t"):
        session.client("dynamodb", endpoint_url=account.url).get_item(TableName="t", Key={"pk": {"S": "x"}})
    with refused("403"):
        session.client("s3", endpoint_url=account.url).head_object(Bucket="bucket", Key="k")


def test_who_calls_is_told_to_everybody(account: Account) -> None:
    found = user(account).client("sts", endpoint_url=account.url).get_caller_identity()
    assert found["Arn"].endswith("user/somebody")


def test_an_object_that_is_missing_is_missing_to_those_alone_who_may_list(account: Account) -> None:
    account.client("s3").create_bucket(Bucket="bucket")
    session = user(account, policy("s3:GetObject", "arn:aws:s3:::bucket/*"))
    with refused("403"):
        session.client("s3", endpoint_url=account.url).head_object(Bucket="bucket", Key="none")
    with refused("404"):
        account.client("s3").head_object(Bucket="bucket", Key="none")


def test_a_role_that_is_not_there_cannot_be_assumed(account: Account) -> None:
    with refused("AccessDenied", "sts:AssumeRole on resource: arn:aws:iam::123456789012:role/none"):
        account.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/none", RoleSessionName="me")


def test_a_machine_is_held_to_its_servers_role(account: Account) -> None:
    iam = account.client("iam")
    iam.create_role(RoleName="servers", AssumeRolePolicyDocument=json.dumps(policy("sts:AssumeRole")))
    iam.put_role_policy(
        RoleName="servers",
        PolicyName="server",
        PolicyDocument=json.dumps(
            policy("autoscaling:CompleteLifecycleAction", f"{GROUPS}:*:autoScalingGroupName/web")
        ),
    )
    iam.create_instance_profile(InstanceProfileName="servers")
    iam.add_role_to_instance_profile(InstanceProfileName="servers", RoleName="servers")
    template = account.template(IamInstanceProfile={"Name": "servers"})
    account.group(LaunchTemplate={"LaunchTemplateId": template, "Version": "1"})
    session = boto3.Session(key_id_of(account.ids()[0]), "embedded-cloud", "embedded-cloud", region_name="us-east-1")
    groups = session.client("autoscaling", endpoint_url=account.url)
    with refused("ValidationError"):  # allowed, and then there is no such hook
        groups.complete_lifecycle_action(
            AutoScalingGroupName="web", LifecycleHookName="none", LifecycleActionResult="CONTINUE", InstanceId="i-0"
        )
    with refused("AccessDenied", "assumed-role/servers/i-", "autoscaling:SuspendProcesses"):
        groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["Launch"])


def test_after_a_stacks_update_a_role_has_the_policies_of_its_template(account: Account) -> None:
    def template(*actions: str) -> str:
        trust = {"Version": "2012-10-17", "Statement": []}
        policies = [
            {
                "PolicyName": action.partition(":")[0],
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
                },
            }
            for action in actions
        ]
        properties = {"RoleName": "servers", "AssumeRolePolicyDocument": trust, "Policies": policies}
        return json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})

    stacks, iam = account.client("cloudformation"), account.client("iam")
    stacks.create_stack(StackName="site", TemplateBody=template("s3:GetObject", "ssm:GetParameter"))
    account.turn(20)
    stacks.update_stack(StackName="site", TemplateBody=template("s3:PutObject"))
    account.turn(20)
    assert iam.list_role_policies(RoleName="servers")["PolicyNames"] == ["s3"]
    assert "s3:PutObject" in str(iam.get_role_policy(RoleName="servers", PolicyName="s3")["PolicyDocument"])
