"""CloudFormation stacks of every kind of resource; how stacks change over time is in the conformance tests."""

from __future__ import annotations

import json
from typing import Any

from tests.localcloud.account import Account

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


def test_every_kind_of_resource_is_made_in_order_and_taken_away(account: Account) -> None:
    """Load balancer, group, database, secret: with what stands behind them."""
    change(account, template(), "CREATE", Minimum="1")
    stacks = account.client("cloudformation")
    told = events(account)
    assert told.index(("Template", "CREATE_COMPLETE")) < told.index(("Group", "CREATE_IN_PROGRESS"))
    stack = stacks.describe_stacks(StackName="app")["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert outputs == {"Address": "127.66.255.1", "Database": "127.66.254.1"}
    target_group = account.balancers.describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    attributes = account.balancers.describe_target_group_attributes(TargetGroupArn=target_group)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "7"} in attributes
    assert len(account.machines.alive) == len(account.databases.servers) == 1
    stacks.delete_stack(StackName="app")
    account.turn(60)
    assert account.machines.alive == set()
    assert account.databases.servers == {}
    assert account.balancers.describe_target_groups()["TargetGroups"] == []
    assert account.client("secretsmanager").list_secrets()["SecretList"] == []
    assert account.client("s3").list_buckets()["Buckets"] == []


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


def test_sizes_that_the_template_has_not_changed_stay_as_an_operator_set_them(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html"""
    policy = {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": True}}

    def body(grace: int, **more: Any) -> str:
        properties = {**GROUP["Properties"], "HealthCheckGracePeriod": grace}
        return template(Group={**GROUP, "UpdatePolicy": policy, "Properties": properties}, **more)

    change(account, body(30), "CREATE", Minimum="1")
    account.groups.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=2, MaxSize=9)
    action = {
        "Type": "AWS::AutoScaling::ScheduledAction",
        "Properties": {"AutoScalingGroupName": {"Ref": "Group"}, "Recurrence": "0 8 * * *", "MinSize": 3},
    }
    change(account, body(60, Morning=action), Minimum="1")
    seen = account.seen()
    assert (seen["HealthCheckGracePeriod"], seen["MinSize"], seen["MaxSize"]) == (60, 2, 9)
    found = account.groups.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    assert [one["MinSize"] for one in found] == [3]
    change(account, body(60), Minimum="3")
    seen = account.seen()
    assert (seen["MinSize"], seen["MaxSize"]) == (3, 9)
    assert account.groups.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
