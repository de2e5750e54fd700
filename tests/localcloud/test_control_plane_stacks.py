"""CloudFormation stacks: made, changed, rolled back and deleted over time, as their events tell.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html
"""

from __future__ import annotations

import json
from typing import Any

from tests.localcloud.account import Account, refused

LATEST = {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}
GROUP: dict[str, Any] = {
    "Type": "AWS::AutoScaling::AutoScalingGroup",
    "Properties": {
        "AutoScalingGroupName": "web",
        "MinSize": {"Ref": "Minimum"},
        "MaxSize": 4,
        "VPCZoneIdentifier": {"Ref": "Subnets"},
        "LaunchTemplate": {
            "LaunchTemplateId": {"Ref": "Template"},
            "Version": {"Fn::If": ["HasVersion", {"Ref": "Version"}, LATEST]},
        },
        "TargetGroupARNs": [{"Ref": "Targets"}],
        "HealthCheckGracePeriod": 30,
        "LifecycleHookSpecificationList": [
            {
                "LifecycleHookName": "ready",
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
                "HeartbeatTimeout": 60,
                "DefaultResult": "CONTINUE",
            }
        ],
        "Tags": [{"Key": "role", "Value": "web", "PropagateAtLaunch": True}],
    },
}


def template(instance_type: str = "t3.small", **more: Any) -> str:
    """A stack with a load balancer, a launch template, a group, a database, a table and a bucket."""
    resources: dict[str, Any] = {
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Name": "web", "Subnets": {"Ref": "Subnets"}},
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "Name": "web",
                "VpcId": {"Ref": "Vpc"},
                "Protocol": "HTTP",
                "Port": 8000,
                "HealthCheckPath": "/up",
                "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "7"}],
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": {"ImageId": "ami-1", "InstanceType": instance_type}},
        },
        "Group": GROUP,
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "DBInstanceIdentifier": "db",
                "DBName": "app",
                "Engine": "postgres",
                "DBInstanceClass": "db.t3.micro",
                "AllocatedStorage": "20",
                "MasterUsername": "app",
                "ManageMasterUserPassword": True,
            },
        },
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Key": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {"GenerateSecretString": {"PasswordLength": 50, "ExcludePunctuation": True}},
        },
        **more,
    }
    return json.dumps(
        {
            "Parameters": {
                "Vpc": {"Type": "String"},
                "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"},
                "Minimum": {"Type": "Number", "Default": 0},
                "Version": {"Type": "String", "Default": ""},
            },
            "Conditions": {"HasVersion": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Version"}, ""]}]}},
            "Resources": {name: body for name, body in resources.items() if body is not None},
            "Outputs": {
                "Address": {"Value": {"Fn::GetAtt": ["Balancer", "DNSName"]}},
                "Database": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}},
            },
        }
    )


def parameters(account: Account, **given: str) -> list[dict[str, str]]:
    values = {
        "Vpc": account.ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        "Subnets": ",".join(account.subnets()),
        **given,
    }
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def propose(account: Account, body: str, kind: str, **given: str) -> dict[str, Any]:
    stacks = account.client("cloudformation")
    made = stacks.create_change_set(
        StackName="app",
        ChangeSetName=f"change-{len(given)}-{abs(hash(body))}",
        ChangeSetType=kind,
        TemplateBody=body,
        Parameters=parameters(account, **given),
    )
    return dict(stacks.describe_change_set(ChangeSetName=made["Id"], StackName="app"))


def change(account: Account, body: str, kind: str = "UPDATE", **given: str) -> list[tuple[str, str]]:
    """Make a change set, carry it out and answer its changes."""
    proposed = propose(account, body, kind, **given)
    account.client("cloudformation").execute_change_set(ChangeSetName=proposed["ChangeSetId"], StackName="app")
    account.until(lambda: not status(account).endswith("IN_PROGRESS"), turns=80)
    found = [one["ResourceChange"] for one in proposed["Changes"]]
    return [(one["Action"], one["LogicalResourceId"]) for one in found]


def status(account: Account) -> str:
    return str(account.client("cloudformation").describe_stacks(StackName="app")["Stacks"][0]["StackStatus"])


def events(account: Account, name: str = "app") -> list[tuple[str, str]]:
    """Events, oldest first."""
    found = account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [(one["LogicalResourceId"], one["ResourceStatus"]) for one in reversed(found)]


def test_a_resource_that_fails_rolls_the_new_stack_back(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html"""
    change(account, template(), "CREATE", Version="9")
    assert status(account) == "ROLLBACK_COMPLETE"
    told = events(account)
    assert ("Group", "CREATE_FAILED") in told
    assert ("Template", "DELETE_COMPLETE") in told
    assert account.balancers.describe_load_balancers()["LoadBalancers"] == []
    with refused("ValidationError", "ROLLBACK_COMPLETE"):
        propose(account, template(), "UPDATE")


def test_a_stack_is_made_in_order_over_time_and_answers_its_outputs(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""
    proposed = propose(account, template(), "CREATE")
    account.client("cloudformation").execute_change_set(ChangeSetName=proposed["ChangeSetId"], StackName="app")
    account.turn(2)
    assert status(account) == "CREATE_IN_PROGRESS"
    account.until(lambda: status(account) == "CREATE_COMPLETE")
    told = events(account)
    assert told.index(("Template", "CREATE_COMPLETE")) < told.index(("Group", "CREATE_IN_PROGRESS"))
    stack = account.client("cloudformation").describe_stacks(StackName="app")["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs == {"Address": "127.66.255.1", "Database": "127.66.254.1"}
    target_group = account.balancers.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    attributes = account.balancers.describe_target_group_attributes(TargetGroupArn=target_group)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "7"} in attributes
    hooks = account.groups.describe_lifecycle_hooks(AutoScalingGroupName="web")["LifecycleHooks"]
    assert [one["LifecycleHookName"] for one in hooks] == ["ready"]


def test_a_change_set_without_changes_fails_and_says_so(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html"""
    change(account, template(), "CREATE")
    proposed = propose(account, template(), "UPDATE")
    assert (proposed["Status"], proposed["Changes"]) == ("FAILED", [])
    assert "didn't contain changes" in proposed["StatusReason"]


def test_another_instance_type_makes_a_new_version_and_the_group_takes_the_one_it_is_given(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-launchtemplate.html"""
    change(account, template(), "CREATE")
    assert change(account, template("t3.large")) == [("Modify", "Template"), ("Modify", "Group")]
    assert account.seen()["LaunchTemplate"]["Version"] == "2"
    change(account, template("t3.large"), Version="1")
    assert account.seen()["LaunchTemplate"]["Version"] == "1"


def test_versions_made_by_deploys_are_not_what_a_template_reads(account: Account) -> None:
    """LatestVersionNumber is that of the template's own last change: an update sends the old version to the group."""
    change(account, template(), "CREATE")
    identifier = account.seen()["LaunchTemplate"]["LaunchTemplateId"]
    made = account.version(identifier, InstanceType="t3.large")
    account.groups.update_auto_scaling_group(
        AutoScalingGroupName="web", LaunchTemplate={"LaunchTemplateId": identifier, "Version": made}
    )
    assert change(account, template(), Minimum="1") == [("Modify", "Group")]
    assert account.seen()["LaunchTemplate"]["Version"] == "1"


def test_an_update_leaves_desired_capacity_where_it_is_left_out(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-autoscaling-autoscalinggroup.html"""
    change(account, template(), "CREATE", Minimum="1")
    account.groups.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=3)
    change(account, template("t3.large"), Minimum="1")
    assert account.seen()["DesiredCapacity"] == 3


def test_an_update_that_fails_goes_back_to_what_was(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html"""
    change(account, template(), "CREATE")
    extra = {"Type": "AWS::S3::Bucket"}
    change(account, template(Extra=extra), Version="9", Minimum="1")
    assert status(account) == "UPDATE_ROLLBACK_COMPLETE"
    assert account.seen()["MinSize"] == 0
    assert ("Group", "UPDATE_FAILED") in events(account)
    assert len(account.client("s3").list_buckets()["Buckets"]) == 1
    change(account, template(), Minimum="1")
    assert (status(account), account.seen()["MinSize"]) == ("UPDATE_COMPLETE", 1)


def test_a_removed_resource_is_deleted_after_the_update(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks.html"""
    change(account, template(Extra={"Type": "AWS::S3::Bucket"}), "CREATE")
    assert change(account, template()) == [("Remove", "Extra")]
    assert ("Extra", "DELETE_COMPLETE") in events(account)
    assert len(account.client("s3").list_buckets()["Buckets"]) == 1


def test_a_deleted_stack_takes_everything_with_it(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html"""
    change(account, template(), "CREATE", Minimum="1")
    stacks = account.client("cloudformation")
    identifier = stacks.describe_stacks(StackName="app")["Stacks"][0]["StackId"]
    stacks.delete_stack(StackName="app")
    assert status(account) == "DELETE_IN_PROGRESS"
    account.turn(60)
    with refused("ValidationError", "does not exist"):
        status(account)
    assert events(account, identifier)[-1] == ("app", "DELETE_COMPLETE")
    assert account.machines.alive == set()
    assert account.databases.servers == {}
    assert account.groups.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert account.balancers.describe_target_groups()["TargetGroups"] == []
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_worker_made_by_a_stack_is_a_machine(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-instance.html"""
    worker = {
        "Type": "AWS::EC2::Instance",
        "Properties": {
            "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": "1"},
            "SubnetId": {"Fn::Select": [0, {"Ref": "Subnets"}]},
            "Tags": [{"Key": "role", "Value": "worker"}],
        },
    }
    change(account, template(Worker=worker), "CREATE")
    assert [spec.tags["role"] for spec in account.machines.specs.values()] == ["worker"]
