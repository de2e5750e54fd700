"""Load balancers: rules and their limits, target health, classic balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.account import Account
from tests.conformance.expecting import refused
from tests.conformance.kinds import CLASSIC
from tests.conformance.network import PORT

NOBODY = "i-0123456789abcdef0"


def rule(account: Account, listener: str, number: int, **action: Any) -> str:
    made = account.balancers.create_rule(
        ListenerArn=listener,
        Priority=number,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[action or fixed("Back soon")],
        Tags=account.tags,
    )
    return str(made["Rules"][0]["RuleArn"])


def fixed(body: str, status: str = "503", content_type: str = "text/html") -> dict[str, Any]:
    response = {"StatusCode": status, "ContentType": content_type, "MessageBody": body}
    return {"Type": "fixed-response", "FixedResponseConfig": response}


def test_a_fixed_response_of_more_than_1024_bytes_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html"""
    listener = account.listener()
    with refused("ValidationError", "1024"):
        rule(account, listener, 1, **fixed("x" * 1025))
    rule(account, listener, 1, **fixed("x" * 1024))


@pytest.mark.parametrize(("status", "content_type"), [("302", "text/html"), ("200", "image/png")])
def test_a_fixed_response_of_a_wrong_status_or_type_is_refused(
    account: Account, status: str, content_type: str
) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html"""
    listener = account.listener()
    with pytest.raises(account.balancers.exceptions.ClientError):
        rule(account, listener, 1, **fixed("", status, content_type))


def test_a_priority_in_use_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html"""
    listener = account.listener()
    rule(account, listener, 1)
    with refused("PriorityInUse"):
        rule(account, listener, 1)


def test_priorities_are_set_all_at_once_so_that_rules_may_swap(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html"""
    listener = account.listener()
    first, second, third = (rule(account, listener, number) for number in (1, 2, 3))
    with refused("PriorityInUse"):
        account.balancers.set_rule_priorities(RulePriorities=[{"RuleArn": first, "Priority": 3}])
    account.balancers.set_rule_priorities(
        RulePriorities=[{"RuleArn": first, "Priority": 2}, {"RuleArn": second, "Priority": 1}]
    )
    rules = account.balancers.describe_rules(ListenerArn=listener)["Rules"]
    assert [one["RuleArn"] for one in rules[:3]] == [second, first, third]
    assert rules[-1]["Priority"] == "default"


def test_rules_are_described_page_by_page(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html"""
    listener = account.listener()
    for number in range(1, 5):
        rule(account, listener, number)
    pages = account.balancers.get_paginator("describe_rules").paginate(
        ListenerArn=listener, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Rules"]) for page in pages] == [2, 2, 1]


def test_the_owner_of_a_rule_is_in_its_tags(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html"""
    arn = rule(account, account.listener(), 1)
    found = account.balancers.describe_tags(ResourceArns=[arn])["TagDescriptions"]
    assert found[0]["Tags"] == account.tags


def test_a_target_is_initial_then_healthy_then_unhealthy_with_its_reason(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
    target_group = account.target_group()
    instance = account.group(minimum=1).ids()[0]
    account.balancers.register_targets(TargetGroupArn=target_group, Targets=[{"Id": instance}])
    seen: list[tuple[str, str | None]] = []

    def healthy() -> bool:
        seen.append(account.health(target_group)[instance])
        return seen[-1] == ("healthy", None)

    account.eventually(healthy, "healthy")
    assert set(seen[:-1]) <= {("initial", "Elb.RegistrationInProgress"), ("initial", "Elb.InitialHealthChecking")}
    account.balancers.modify_target_group(TargetGroupArn=target_group, HealthCheckPath="/missing")
    account.eventually(
        lambda: account.health(target_group)[instance] == ("unhealthy", "Target.ResponseCodeMismatch"), "unhealthy"
    )


def test_a_target_group_without_a_listener_is_not_in_use(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
    target_group = account.target_group(listener=False)
    instance = account.group(minimum=1, TargetGroupARNs=[target_group]).ids()[0]
    account.eventually(
        lambda: account.health(target_group) == {instance: ("unused", "Target.NotInUse")}, "registered and unused"
    )


def test_one_instance_may_be_registered_with_two_ports(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html"""
    target_group = account.target_group(delay=60)
    instance = account.group(minimum=1).ids()[0]
    targets = [{"Id": instance, "Port": PORT}, {"Id": instance, "Port": PORT + 1}]
    account.balancers.register_targets(TargetGroupArn=target_group, Targets=targets)

    def states() -> dict[int, str]:
        found = account.balancers.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
        return {one["Target"]["Port"]: one["TargetHealth"]["State"] for one in found}

    assert set(states()) == {PORT, PORT + 1}
    account.balancers.deregister_targets(TargetGroupArn=target_group, Targets=targets[:1])
    account.eventually(lambda: states().get(PORT, "gone") in ("draining", "gone"), "one of the two is let go")
    assert states()[PORT + 1] not in ("draining", "unused")


def test_an_instance_that_is_not_running_cannot_be_registered(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html"""
    target_group = account.target_group(listener=False)
    with refused("InvalidTarget"):
        account.balancers.register_targets(TargetGroupArn=target_group, Targets=[{"Id": NOBODY}])


def test_a_deregistration_delay_is_at_most_an_hour(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"""
    target_group = account.target_group(listener=False, delay=3600)
    attributes = [{"Key": "deregistration_delay.timeout_seconds", "Value": "3601"}]
    with refused("ValidationError"):
        account.balancers.modify_target_group_attributes(TargetGroupArn=target_group, Attributes=attributes)


def test_a_classic_balancer_shows_instances_in_and_out_of_service(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_DescribeInstanceHealth.html"""
    account.uses(CLASSIC)
    classic, name = account.client("elb"), account.named("old")
    classic.create_load_balancer(
        LoadBalancerName=name,
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": PORT}],
        Subnets=list(account.network.subnets),
        SecurityGroups=[account.network.security_group],
        Scheme="internal",
        Tags=account.tags,
    )

    def check(path: str) -> None:
        look = {"Target": f"HTTP:{PORT}{path}", "Interval": 5, "Timeout": 4}
        thresholds = {"UnhealthyThreshold": 2, "HealthyThreshold": 2}
        classic.configure_health_check(LoadBalancerName=name, HealthCheck={**look, **thresholds})

    def states() -> dict[str, str]:
        found = classic.describe_instance_health(LoadBalancerName=name)["InstanceStates"]
        return {one["InstanceId"]: one["State"] for one in found}

    check("/up")
    one, other = account.group(minimum=2, LoadBalancerNames=[name]).ids()
    account.eventually(lambda: states() == dict.fromkeys((one, other), "InService"), "both in service")
    check("/missing")
    account.eventually(lambda: states() == dict.fromkeys((one, other), "OutOfService"), "both out of service")
    classic.deregister_instances_from_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": one}])
    account.eventually(lambda: list(states()) == [other], "one is deregistered")
    with refused("InvalidInstance"):
        classic.register_instances_with_load_balancer(LoadBalancerName=name, Instances=[{"InstanceId": NOBODY}])
