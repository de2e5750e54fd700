"""A whole environment's stack, with all its options, in the embedded cloud."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from fabfile.aws.placement import Placement
from fabfile.bootstrap.template import Live, parameters, render
from fabfile.config.environment import Alarms, Environment, Https
from fabfile.config.loading import load
from fabfile.localcloud.caches import NO_SERVER
from fabfile.localcloud.contract import Forward, Redirect, Tls

from .account import STARTED, Account, refused

ROOT = Path(__file__).resolve().parents[2]
DAY = 86400.0
DOMAINS = ("debates.example.org", "www.debates.example.org")


@pytest.fixture
def environment() -> Environment:
    plain = load(ROOT / "fabulaws-config.yml").environment("opendebates", "local")
    return replace(
        plain,
        roles={name: replace(role, count=2) for name, role in plain.roles.items()},
        https=Https("request", 8443, "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"),
        domains=DOMAINS,
        alarms=Alarms(email="operators@example.org"),
        log_retention=30,
        access_logs="a-bucket-of-logs",
    )


def create(account: Account, environment: Environment) -> dict[str, str]:
    """Make the stack and return its outputs."""
    name = environment.names.stack
    account.client("cloudformation").create_stack(
        StackName=name, TemplateBody=render(environment, "a-bucket"), Parameters=_given(account, environment)
    )
    account.until(lambda: not stack(account, name)["StackStatus"].endswith("IN_PROGRESS"), 200)
    found = stack(account, name)
    assert found["StackStatus"] == "CREATE_COMPLETE", events(account, name, "FAILED")
    return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}


def update(account: Account, environment: Environment) -> None:
    name = environment.names.stack
    account.client("cloudformation").update_stack(
        StackName=name, TemplateBody=render(environment, "a-bucket"), Parameters=_given(account, environment)
    )
    account.until(lambda: not stack(account, name)["StackStatus"].endswith("IN_PROGRESS"), 200)
    assert stack(account, name)["StackStatus"] == "UPDATE_COMPLETE", events(account, name, "FAILED")


def _given(account: Account, environment: Environment) -> list[dict[str, str]]:
    vpc = account.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    placement = Placement(vpc, tuple(account.subnets()), "/dev/xvda")
    given = parameters(environment, placement, Live(), {})
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()]


def stack(account: Account, name: str) -> dict[str, Any]:
    found: dict[str, Any] = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    return found


def events(account: Account, name: str, *words: str) -> list[str]:
    found = account.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    lines = [
        f"{one['LogicalResourceId']} {one['ResourceStatus']} {one.get('ResourceStatusReason', '')}" for one in found
    ]
    return [line for line in lines if all(word in line for word in words)]


def test_everything_that_an_environment_may_have_is_made_and_deleted(
    account: Account, environment: Environment
) -> None:
    zone = account.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"]
    zone = zone.rpartition("/")[2]
    outputs = create(account, replace(environment, hosted_zone=zone))
    assert (outputs["CacheHost"], outputs["CachePort"]) == ("127.66.253.1", "6379")
    certificate = account.client("acm").list_certificates()["CertificateSummaryList"][0]["CertificateArn"]
    assert account.client("acm").describe_certificate(CertificateArn=certificate)["Certificate"]["Status"] == "ISSUED"
    records = account.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    named = {(record["Type"], record["Name"].strip(".")) for record in records}
    assert {("A", domain) for domain in DOMAINS} <= named
    assert len([kind for kind, _ in named if kind == "CNAME"]) == 2
    alarms = account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == 6
    assert all("operators" in topic or ":sns:" in topic for alarm in alarms for topic in alarm["AlarmActions"])
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert [(group["logGroupName"], group["retentionInDays"]) for group in groups] == [
        ("/opendebates/local/web", 30),
        ("/opendebates/local/worker", 30),
    ]
    account.client("cloudformation").delete_stack(StackName=environment.names.stack)
    account.until(
        lambda: (
            not account.client("cloudformation").list_stacks(
                StackStatusFilter=["DELETE_IN_PROGRESS", "CREATE_COMPLETE"]
            )["StackSummaries"]
        ),
        200,
    )
    assert account.client("acm").list_certificates()["CertificateSummaryList"] == []
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert account.client("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert account.caches.servers == {}


def test_https_shows_the_certificates_domains_and_http_is_redirected(
    account: Account, environment: Environment
) -> None:
    create(account, environment)
    account.turn()
    plain, secure = sorted(account.proxy.listeners, key=lambda listener: listener.port)
    assert plain.tls is None
    assert plain.routes[0].action == Redirect(301, protocol="HTTPS", port="8443")
    assert secure.tls is not None
    assert secure.tls == Tls(secure.tls.names, "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09")
    assert sorted(secure.tls.names) == sorted(DOMAINS)
    assert isinstance(secure.routes[0].action, Forward)


def test_a_certificate_that_nobody_validates_says_which_record_it_waits_for(
    account: Account, environment: Environment
) -> None:
    create(account, environment)
    said = events(account, environment.names.stack, "Certificate CREATE_IN_PROGRESS", "Content of DNS Record is:")
    assert "Type: CNAME" in said[0]
    assert "acm-validations.aws" in said[0]


def test_a_site_becomes_https_with_the_secure_listener_before_the_redirect(
    account: Account, environment: Environment
) -> None:
    create(account, replace(environment, https=None))
    update(account, environment)
    said = events(account, environment.names.stack, "COMPLETE")  # newest first
    redirect = next(at for at, line in enumerate(said) if line.startswith("Listener UPDATE"))
    secure = next(at for at, line in enumerate(said) if line.startswith("SecureListener CREATE"))
    assert redirect < secure


def test_other_alarms_and_cache_nodes_change_in_place(account: Account, environment: Environment) -> None:
    create(account, environment)
    roles = {**environment.roles, "cache": replace(environment.roles["cache"], instance_type="m7g.large")}
    update(account, replace(environment, roles=roles, alarms=Alarms(email="operators@example.org", errors=7)))
    alarms = account.client("cloudwatch").describe_alarms(AlarmNames=["opendebates-local-server-errors"])
    assert alarms["MetricAlarms"][0]["Threshold"] == 7
    cache = account.client("elasticache").describe_replication_groups()["ReplicationGroups"][0]
    assert (cache["CacheNodeType"], cache["Status"]) == ("cache.m7g.large", "available")


def test_where_no_cache_server_is_installed_the_record_says_so(account: Account, environment: Environment) -> None:
    account.caches.available = False
    create(account, environment)
    assert events(account, environment.names.stack, "Cache CREATE_IN_PROGRESS", NO_SERVER)


def test_an_https_listener_needs_a_certificate_that_is_issued(account: Account) -> None:
    balancers = account.balancers
    balancer = balancers.create_load_balancer(Name="web", Subnets=account.subnets())["LoadBalancers"][0]
    listener = {
        "LoadBalancerArn": balancer["LoadBalancerArn"],
        "Protocol": "HTTPS",
        "Port": 443,
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}],
    }
    with refused("ValidationError", "certificate"):
        balancers.create_listener(**listener)
    unknown = "arn:aws:acm:us-east-1:123456789012:certificate/none"
    with refused("CertificateNotFound", unknown):
        balancers.create_listener(**listener, Certificates=[{"CertificateArn": unknown}])
    pending = account.client("acm").request_certificate(DomainName="example.org")["CertificateArn"]
    with refused("InvalidConfigurationRequest", pending):
        balancers.create_listener(**listener, Certificates=[{"CertificateArn": pending}])


@pytest.mark.parametrize(
    "config", [{}, {"Protocol": "HTTP"}, {"Port": "80", "Query": "a=b"}], ids=["nothing", "protocol", "query"]
)
def test_a_redirect_to_itself_is_refused(account: Account, config: dict[str, str]) -> None:
    balancer = account.balancers.create_load_balancer(Name="web", Subnets=account.subnets())["LoadBalancers"][0]
    with refused("InvalidLoadBalancerAction", "loop"):
        account.balancers.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", **config}}],
        )


def test_a_password_that_rds_keeps_changes_weekly_unless_it_is_given_another_date(
    account: Account, environment: Environment
) -> None:
    arn = create(account, environment)["DatabaseSecretArn"]
    secrets = account.client("secretsmanager")
    before = secrets.get_secret_value(SecretId=arn)["SecretString"]
    weekly = secrets.describe_secret(SecretId=arn)
    assert weekly["RotationEnabled"]
    assert weekly["RotationRules"]["AutomaticallyAfterDays"] == 7
    assert 6 * DAY < weekly["NextRotationDate"].timestamp() - STARTED < 8 * DAY  # the account's time is in November
    secrets.rotate_secret(
        SecretId=arn, RotateImmediately=False, RotationRules={"ScheduleExpression": "cron(0 4 1 10 ? *)"}
    )
    later = secrets.describe_secret(SecretId=arn)["NextRotationDate"].astimezone(UTC)
    assert (later.month, later.day, later.hour) == (10, 1, 4)
    assert later.timestamp() - STARTED > 300 * DAY
    assert secrets.get_secret_value(SecretId=arn)["SecretString"] == before
