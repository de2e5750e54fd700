"""EC2 instances, launch templates, faults on order, and what moto answers by itself, through one endpoint."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
import pytest
from botocore.config import Config

from fabfile.errors import UsageError
from fabfile.localcloud.contract import MachineSpec
from fabfile.localcloud.in_memory import InMemoryCaches, InMemoryDatabases, InMemoryDataPlane, InMemoryMachines
from fabfile.localcloud.patches import Patch, Patches
from fabfile.localcloud.server import ControlPlane
from fabfile.localcloud.settings import CloudSettings
from tests.localcloud.account import SESSION, Account, refused


def test_a_machine_gets_its_role_tags_and_boot_time(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html"""
    iam = account.client("iam")
    iam.create_role(RoleName="server", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="server")
    account.order(boot_seconds=20)
    account.template(IamInstanceProfile={"Name": "profile"}, MetadataOptions={"InstanceMetadataTags": "enabled"})
    account.group(minimum=1)
    spec = account.machines.specs[account.ids()[0]]
    assert (spec.role, spec.tags_in_metadata, spec.boot_seconds) == ("server", True, 20.0)
    assert (spec.ami, spec.instance_type, spec.user_data) == ("ami-1", "t3.small", b"#!/bin/sh\n")
    account.ec2.create_tags(Resources=[spec.id], Tags=[{"Key": "state", "Value": "new"}])
    assert account.machines.specs[spec.id].tags["state"] == "new"


def test_console_and_reboot_reach_the_machine(account: Account) -> None:
    """What the machine wrote is its console, and a reboot is its own."""
    account.group(minimum=1)
    instance = account.ids()[0]
    assert "booted" in account.ec2.get_console_output(InstanceId=instance)["Output"]
    account.ec2.reboot_instances(InstanceIds=[instance])
    assert account.machines.rebooted == [instance]


def test_an_action_is_throttled_as_often_as_was_ordered(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/throttling.html"""
    account.order(action="DescribeAutoScalingGroups", times=2, error="Throttling")
    for _ in range(2):
        with refused("Throttling"):
            account.groups.describe_auto_scaling_groups()
    assert account.groups.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_an_order_that_makes_no_sense_is_refused(account: Account) -> None:
    """The private endpoint says what is wrong."""
    with pytest.raises(urllib.error.HTTPError) as refusal:
        account.order(nonsense=1)
    refusal.value.close()
    assert refusal.value.code == 400


@pytest.mark.parametrize(("service", "call"), [("sts", "get_caller_identity"), ("dynamodb", "list_tables")])
def test_expired_credentials_are_refused(account: Account, service: str, call: str) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html"""
    session = boto3.Session(aws_access_key_id="EXPIRED", aws_secret_access_key="x", region_name="us-east-1")
    client = session.client(service, endpoint_url=account.url, config=Config(retries={"total_max_attempts": 1}))  # type: ignore[call-overload]
    with refused("ExpiredTokenException" if service == "dynamodb" else "ExpiredToken"):
        getattr(client, call)()
    client.close()


def test_an_operation_that_the_cloud_lacks_is_an_aws_error(account: Account) -> None:
    """Not an HTML page: callers' error handling is the same as on AWS."""
    with refused("InvalidAction"):
        account.groups.describe_account_limits()


def test_a_moto_that_lacks_a_patched_name_is_refused_by_name() -> None:
    """Nothing is changed when a name is missing."""

    class Backend:
        known = 1

    patches = Patches([Patch(Backend, "known", 2), Patch(Backend, "unknown", 3)])
    with pytest.raises(UsageError, match=r"Backend\.unknown"):
        patches.install()
    assert Backend.known == 1


def test_parameters_secrets_and_identity_answer(account: Account) -> None:
    """Parameter Store, Secrets Manager and STS are moto's own."""
    account.client("ssm").put_parameter(Name="/a/b", Value="v", Type="SecureString")
    found = account.client("ssm").get_parameter(Name="/a/b", WithDecryption=True)
    assert found["Parameter"]["Value"] == "v"
    account.client("secretsmanager").create_secret(Name="s", SecretString=json.dumps({"k": "v"}))
    assert "k" in account.client("secretsmanager").get_secret_value(SecretId="s")["SecretString"]
    assert account.client("sts").get_caller_identity()["Account"] == "123456789012"
    with urllib.request.urlopen(f"{account.url}/_fabscale/health") as answer:
        assert json.load(answer) == {"status": "ok"}


def test_a_database_is_available_once_its_server_runs_and_its_password_is_managed(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html"""
    rds = account.client("rds")
    made = rds.create_db_instance(
        DBInstanceIdentifier="db",
        DBName="app",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        MasterUsername="app",
        ManageMasterUserPassword=True,
        AllocatedStorage=20,
    )["DBInstance"]
    assert made["DBInstanceStatus"] == "creating"
    account.turn()
    found = rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]
    assert found["DBInstanceStatus"] == "available"
    assert found["Endpoint"] == {"Address": "127.66.254.1", "Port": 5432}
    secret = account.client("secretsmanager").get_secret_value(SecretId=found["MasterUserSecret"]["SecretArn"])
    credentials = json.loads(secret["SecretString"])
    assert account.databases.servers["db"] == ("app", credentials["password"], "app")
    assert credentials["username"] == "app"
    rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
    assert account.databases.servers == {}


def test_a_machine_that_cannot_start_is_a_failed_launch_and_its_address_is_left_alone(account: Account) -> None:
    """Something else listens there: the next instance gets another address."""
    account.template()
    squatter = MachineSpec("other", "127.66.1.4", b"", "us-east-1", "us-east-1a")
    account.machines.start(squatter)
    account.group(minimum=1, VPCZoneIdentifier=account.subnets()[0])
    account.turn(8)
    assert account.address(account.ids()[0]) == "127.66.1.5"
    assert account.activities()[-1]["StatusCode"] == "Failed"


def test_the_cloud_turns_by_itself() -> None:
    """A thread takes a turn every tick, with real time."""
    machines = InMemoryMachines()
    plane = ControlPlane(CloudSettings(tick=0.02), machines, InMemoryDataPlane(), InMemoryDatabases(), InMemoryCaches())
    url = plane.start("127.0.0.1", 0)
    try:
        client = SESSION.client("ec2", endpoint_url=url)
        made = client.run_instances(ImageId="ami-1", InstanceType="t3.small", MinCount=1, MaxCount=1)
        instance = made["Instances"][0]["InstanceId"]
        poll(client, instance, "running")
        client.terminate_instances(InstanceIds=[instance])
        poll(client, instance, "terminated")
        client.close()
    finally:
        plane.stop()
    assert machines.alive == set()


def poll(client: Any, instance: str, wanted: str) -> None:
    """Wait for a state; the deadline is generous, since machines that run tests may be slow."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        if found["State"]["Name"] == wanted:
            return
        time.sleep(0.02)
    raise AssertionError(f"{instance} did not become {wanted}")
