"""The stack's template and parameters: what deploys own is never in them by value."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint import api, core

from fabfile.aws.cloudformation import MAX_TEMPLATE_BYTES
from fabfile.aws.placement import Placement
from fabfile.bootstrap.template import Live, additions, parameters, render
from fabfile.config.environment import (
    Alarms,
    Application,
    Environment,
    HealthCheck,
    Https,
    LocalTimes,
    Maintenance,
    Names,
    Provider,
    RoleSettings,
    Rollout,
    Scaling,
    ScheduledAction,
    TargetTracking,
)

PLACEMENT = Placement("vpc-1", ("subnet-1", "subnet-2"), "/dev/xvda")
ROLE = RoleSettings(1, "t3.small", 10, "gp3")
REQUESTED = Https("request", 443, "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09")
IMPORTED = replace(REQUESTED, certificate="arn:aws:acm:us-east-1:123456789012:certificate/1")
DOMAINS = ("debates.example.org", "*.debates.example.org")
ALL: dict[str, Any] = {
    "https": REQUESTED,
    "domains": DOMAINS,
    "hosted_zone": "Z0123456789ABC",
    "alarms": Alarms(email="operators@example.org"),
    "log_retention": 30,
    "access_logs": "a-bucket-of-logs",
}


@pytest.fixture
def environment() -> Environment:
    return Environment(
        deployment="opendebates",
        name="staging",
        provider=Provider.AWS,
        production=False,
        region="us-east-1",
        zones=("us-east-1a", "us-east-1b"),
        vpc="",
        subnets=(),
        ami="ami-0123456789abcdef0",
        branch="main",
        repository=Path(),
        python="/usr/bin/python3",
        app_port=8000,
        listener_port=80,
        minimum=2,
        maximum=8,
        desired=4,
        roles={"web": replace(ROLE, count=4), "worker": ROLE, "db-primary": ROLE},
        domains=(),
        names=Names("s", ("s-web",), "s-web", ("s",), "s", "s-worker", "fabscale", "fabscale-{account}"),
        application=Application((), (), (), ()),
        health=HealthCheck(),
        rollout=Rollout(),
        local=LocalTimes(),
        ssh_user="app",
        ssh_config=None,
        ssh_attribute="private_ip_address",
        key_name="",
        tags={"fabscale:environment": "staging"},
        state=Path(".fab"),
    )


def resources(text: str) -> dict[str, Any]:
    """Return a template's resources, with CloudFormation's short forms read as plain values."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: _plain(loader, node)})
    found: dict[str, Any] = yaml.load(text, Loader)["Resources"]
    return found


def _plain(loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


def test_a_group_that_runs_a_release_keeps_its_version_and_its_desired_capacity(environment: Environment) -> None:
    given = parameters(environment, PLACEMENT, Live("7", "3"), {})
    assert given["WebVersion"] == "7"
    assert given["WorkerVersion"] == "3"
    assert given["WebMinimum"] == "2"


def test_a_group_that_never_ran_a_release_stays_empty_until_there_is_one(environment: Environment) -> None:
    given = parameters(environment, PLACEMENT, Live(), {})
    assert given["WebVersion"] == ""
    assert given["WebMinimum"] == "0"
    assert given["WorkerCount"] == "0"


def test_desired_capacity_is_never_in_the_template_and_updates_replace_no_server(environment: Environment) -> None:
    group = resources(render(environment, "bucket"))["WebGroup"]
    assert "DesiredCapacity" not in group["Properties"]
    assert group["UpdatePolicy"] == {"AutoScalingScheduledAction": {"IgnoreUnmodifiedGroupSizeProperties": True}}


def test_servers_answer_metadata_requests_with_tokens_alone_and_their_volumes_are_encrypted(
    environment: Environment,
) -> None:
    data = resources(render(environment, "bucket"))["WebTemplate"]["Properties"]["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True


def test_the_grace_period_is_said_because_cloudformation_takes_none_for_zero(environment: Environment) -> None:
    group = resources(render(environment, "bucket"))["WebGroup"]
    assert group["Properties"]["HealthCheckGracePeriod"] == 300


def test_the_servers_role_may_do_nothing_to_everything(environment: Environment) -> None:
    role = resources(render(environment, "bucket"))["ServerRole"]["Properties"]
    for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
        assert statement["Resource"] != "*"
        assert "*" not in str(statement["Action"])


def test_sizes_are_parameters_so_that_environments_of_other_sizes_share_a_template(environment: Environment) -> None:
    larger = {
        name: replace(role, instance_type="m7i.large", volume_size=99) for name, role in environment.roles.items()
    }
    other = replace(environment, roles=larger, alarms=Alarms(email="a@example.org"))
    assert render(other, "b") == render(replace(environment, alarms=other.alarms), "b")
    given = parameters(other, PLACEMENT, Live("7", "3"), {})
    assert (given["WebInstanceType"], given["WorkerVolumeSize"]) == ("m7i.large", "99")
    assert (given["DatabaseClass"], given["DatabaseStorage"]) == ("db.m7i.large", "99")
    assert given["DatabaseLowStorage"] == "10630044057"  # a tenth of 99 GiB


def test_plain_http_goes_to_the_servers_where_there_is_no_certificate(environment: Environment) -> None:
    made = resources(render(environment, "bucket"))
    assert made["Listener"]["Properties"]["DefaultActions"][0]["Type"] == "forward"
    assert "SecureListener" not in made
    assert "Certificate" not in made


def test_with_a_certificate_http_is_sent_to_https_once_that_answers(environment: Environment) -> None:
    made = resources(render(replace(environment, https=IMPORTED, domains=DOMAINS), "bucket"))
    redirect = made["Listener"]["Properties"]["DefaultActions"][0]
    assert redirect["Type"] == "redirect"
    assert redirect["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "Port": "443",
        "Host": "#{host}",
        "Path": "/#{path}",
        "Query": "#{query}",
        "StatusCode": "HTTP_301",
    }
    assert made["Listener"]["DependsOn"] == "SecureListener"
    secure = made["SecureListener"]["Properties"]
    assert secure["Certificates"] == [{"CertificateArn": IMPORTED.certificate}]
    assert secure["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
    ports = [rule["FromPort"] for rule in made["LoadBalancerSecurityGroup"]["Properties"]["SecurityGroupIngress"]]
    assert ports == [80, 443]


def test_a_requested_certificate_is_for_all_domains_and_validated_in_the_hosted_zone(environment: Environment) -> None:
    made = resources(render(replace(environment, **ALL), "bucket"))
    certificate = made["Certificate"]["Properties"]
    assert (certificate["DomainName"], certificate["SubjectAlternativeNames"]) == (DOMAINS[0], [DOMAINS[1]])
    assert certificate["ValidationMethod"] == "DNS"
    assert [one["HostedZoneId"] for one in certificate["DomainValidationOptions"]] == ["Z0123456789ABC"] * 2
    assert [made[f"SiteRecord{number}"]["Properties"]["Name"] for number in (1, 2)] == list(DOMAINS)


def test_nobodys_dns_is_touched_without_a_hosted_zone(environment: Environment) -> None:
    made = resources(render(replace(environment, https=REQUESTED, domains=DOMAINS), "bucket"))
    assert "DomainValidationOptions" not in made["Certificate"]["Properties"]
    assert not [name for name in made if name.startswith("SiteRecord")]


def test_the_cache_is_encrypted_and_reached_from_servers_alone(environment: Environment) -> None:
    chosen = replace(environment, roles={**environment.roles, "cache": replace(ROLE, count=2)})
    made = resources(render(chosen, "bucket"))
    cache = made["Cache"]["Properties"]
    assert cache["TransitEncryptionEnabled"] is True
    assert cache["AtRestEncryptionEnabled"] is True
    sources = [
        rule["SourceSecurityGroupId"]["GetAtt"]
        for rule in made["CacheSecurityGroup"]["Properties"]["SecurityGroupIngress"]
    ]
    assert sources == ["WebSecurityGroup.GroupId", "WorkerSecurityGroup.GroupId"]
    given = parameters(chosen, PLACEMENT, Live("7", "3"), {})
    assert (given["CacheNodeType"], given["CacheNodes"]) == ("cache.t3.small", "2")


def test_alarms_tell_whoever_the_config_names(environment: Environment) -> None:
    mailed = resources(render(replace(environment, alarms=Alarms(email="a@example.org", errors=2.5)), "bucket"))
    assert mailed["AlarmTopic"]["Properties"]["Subscription"] == [{"Protocol": "email", "Endpoint": "a@example.org"}]
    assert mailed["ServerErrors"]["Properties"]["Threshold"] == 2.5
    topic = "arn:aws:sns:us-east-1:123456789012:operators"
    told = resources(render(replace(environment, alarms=Alarms(topic=topic)), "bucket"))
    assert "AlarmTopic" not in told
    assert told["BelowMinimum"]["Properties"]["AlarmActions"] == [topic]
    assert told["WebGroup"]["Properties"]["MetricsCollection"][0]["Metrics"] == [
        "GroupInServiceInstances",
        "GroupMinSize",
    ]


def test_servers_may_write_to_their_log_groups_and_to_no_others(environment: Environment) -> None:
    made = resources(render(replace(environment, log_retention=30), "bucket"))
    assert made["WebLogs"]["Properties"] == {"LogGroupName": "/opendebates/staging/web", "RetentionInDays": 30}
    statements = made["ServerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    ship = next(statement for statement in statements if statement["Sid"] == "ShipLogs")
    assert ship["Resource"] == [{"GetAtt": "WebLogs.Arn"}, {"GetAtt": "WorkerLogs.Arn"}]


@pytest.mark.parametrize("roles", [("web",), ("web", "worker"), ("web", "worker", "db-primary", "cache")])
@pytest.mark.parametrize("options", [{}, ALL, {"https": IMPORTED, "domains": DOMAINS}], ids=["plain", "all", "arn"])
def test_cloudformations_linter_has_nothing_to_say(
    environment: Environment, roles: tuple[str, ...], options: dict[str, Any]
) -> None:
    """Every combination is linted by `make lint`."""
    chosen = replace(environment, roles=dict.fromkeys(roles, ROLE), **options)
    body = render(chosen, "bucket")
    assert len(body.encode()) < MAX_TEMPLATE_BYTES
    matches = api.lint(body, core.get_rules([], [], ["I", "W", "E"]), ["us-east-1"])
    assert [str(match) for match in matches] == []


def test_what_a_new_stack_would_add_is_read_from_its_template(environment: Environment) -> None:
    """Without CloudFormation: a change set for a stack that is not there would make an empty one."""
    added = {change.resource: change.type for change in additions(render(environment, "bucket"))}
    assert added == {name: resource["Type"] for name, resource in resources(render(environment, "bucket")).items()}
    assert added["WebGroup"] == "AWS::AutoScaling::AutoScalingGroup"


def test_how_the_group_scales_is_in_the_stack_once_it_has_run_a_release(environment: Environment) -> None:
    scaling = Scaling(
        tracking=TargetTracking(cpu=50, requests=1000, disable_scale_in=True, warmup=60),
        scheduled=(ScheduledAction("Morning", "0 7 * * 1-5", "Europe/Berlin", minimum=4, maximum=12),),
        maintenance=Maintenance(100, 110),
        warmup=120,
    )
    text = render(replace(environment, scaling=scaling), "bucket")
    found = resources(text)
    assert found["WebGroup"]["Properties"]["DefaultInstanceWarmup"] == 120
    assert found["WebGroup"]["Properties"]["InstanceMaintenancePolicy"] == {
        "MinHealthyPercentage": 100,
        "MaxHealthyPercentage": 110,
    }
    for name in ("WebCpuTarget", "WebRequestsTarget", "WebScheduleMorning"):
        assert found[name]["Condition"] == "HasWebVersion"
    cpu = found["WebCpuTarget"]["Properties"]
    assert cpu["EstimatedInstanceWarmup"] == 60
    assert cpu["TargetTrackingConfiguration"]["TargetValue"] == 50
    assert cpu["TargetTrackingConfiguration"]["DisableScaleIn"] is True
    schedule = found["WebScheduleMorning"]["Properties"]
    assert (schedule["Recurrence"], schedule["TimeZone"], schedule["MinSize"]) == ("0 7 * * 1-5", "Europe/Berlin", 4)
    assert "DesiredCapacity" not in schedule
    matches = api.lint(text, core.get_rules([], [], ["I", "W", "E"]), ["us-east-1"])
    assert [str(match) for match in matches] == []
