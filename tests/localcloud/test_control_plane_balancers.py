"""Load balancers: target health as the proxy sees it, rules and their limits, classic balancers.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html
"""

from __future__ import annotations

from typing import Any

import pytest

from fabfile.localcloud.contract import Fixed, Forward
from tests.localcloud.account import Account, refused


def rule(account: Account, listener: str, number: int, **action: Any) -> str:
    made = account.balancers.create_rule(
        ListenerArn=listener,
        Priority=number,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[action or fixed("Back soon")],
    )
    return str(made["Rules"][0]["RuleArn"])


def fixed(body: str, status: str = "503", content_type: str = "text/html") -> dict[str, Any]:
    response = {"StatusCode": status, "ContentType": content_type, "MessageBody": body}
    return {"Type": "fixed-response", "FixedResponseConfig": response}


def listener_of(account: Account) -> str:
    balancer = account.balancers.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    return str(account.balancers.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]["ListenerArn"])


def test_a_fixed_response_of_more_than_1024_bytes_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html"""
    account.target_group()
    with refused("ValidationError", "1024"):
        rule(account, listener_of(account), 1, **fixed("x" * 1025))
    rule(account, listener_of(account), 1, **fixed("x" * 1024))


@pytest.mark.parametrize(("status", "content_type"), [("302", "text/html"), ("200", "image/png")])
def test_a_fixed_response_of_a_wrong_status_or_type_is_refused(
    account: Account, status: str, content_type: str
) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html"""
    account.target_group()
    with pytest.raises(account.balancers.exceptions.ClientError):
        rule(account, listener_of(account), 1, **fixed("", status, content_type))


def test_a_priority_in_use_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html"""
    account.target_group()
    listener = listener_of(account)
    rule(account, listener, 1)
    with refused("PriorityInUse"):
        rule(account, listener, 1)


def test_priorities_are_set_all_at_once_so_that_rules_may_swap(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html"""
    account.target_group()
    listener = listener_of(account)
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
    account.target_group()
    listener = listener_of(account)
    for number in range(1, 5):
        rule(account, listener, number)
    pages = account.balancers.get_paginator("describe_rules").paginate(
        ListenerArn=listener, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["Rules"]) for page in pages] == [2, 2, 1]


def test_the_proxy_is_told_of_changes_and_only_of_changes(account: Account) -> None:
    """Listeners, rules by priority and weights reach the proxy; idle turns don't."""
    blue, green = account.target_group("blue"), account.target_group("green", listener=False)
    listener = listener_of(account)
    rule(account, listener, 5)
    account.balancers.modify_listener(
        ListenerArn=listener,
        DefaultActions=[
            {
                "Type": "forward",
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": blue, "Weight": 90},
                        {"TargetGroupArn": green, "Weight": 10},
                    ]
                },
            }
        ],
    )
    account.turn()
    told = account.proxy.listeners[0]
    assert (told.address, told.port) == ("127.66.255.1", 80)
    assert told.routes[0].action == Fixed(503, "text/html", "Back soon")
    default = told.routes[-1].action
    assert isinstance(default, Forward)
    assert [weight for _, weight in default.weights] == [90, 10]
    applied = account.proxy.applied
    account.turn(10)
    assert account.proxy.applied == applied


def test_a_target_is_initial_then_healthy_then_unhealthy_with_its_reason(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
    target_group = account.target_group()
    account.group(minimum=1)
    instance = account.ids()[0]
    address = account.address(instance)
    account.proxy.unchecked.add(address)
    account.balancers.register_targets(TargetGroupArn=target_group, Targets=[{"Id": instance}])
    assert account.health(target_group)[instance] == ("initial", "Elb.RegistrationInProgress")
    account.turn(2)
    assert account.health(target_group)[instance] == ("initial", "Elb.InitialHealthChecking")
    account.proxy.unchecked.clear()
    account.turn()
    assert account.health(target_group)[instance] == ("healthy", None)
    for seen, reason in (
        ("HTTP 500", "Target.ResponseCodeMismatch"),
        ("timeout", "Target.Timeout"),
        ("connection refused", "Target.FailedHealthChecks"),
    ):
        account.proxy.sick[address] = seen
        account.turn()
        assert account.health(target_group)[instance] == ("unhealthy", reason)


def test_a_machine_that_has_died_is_never_healthy_whatever_answers_at_its_address(account: Account) -> None:
    """Health belongs to the instance that was registered."""
    target_group = account.target_group()
    account.group(minimum=1, TargetGroupARNs=[target_group])
    account.groups.suspend_processes(AutoScalingGroupName="web", ScalingProcesses=["HealthCheck"])
    instance = account.ids()[0]
    account.turn(2)
    assert account.health(target_group)[instance][0] == "healthy"
    account.machines.crash(instance)
    assert account.health(target_group)[instance][0] == "unhealthy"


def test_a_target_group_without_a_listener_is_not_in_use(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html"""
    target_group = account.target_group(listener=False)
    account.group(minimum=1, TargetGroupARNs=[target_group])
    assert account.health(target_group)[account.ids()[0]] == ("unused", "Target.NotInUse")


def test_one_instance_may_be_registered_with_two_ports(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html"""
    target_group = account.target_group()
    account.group(minimum=1)
    instance = account.ids()[0]
    targets = [{"Id": instance, "Port": 8000}, {"Id": instance, "Port": 8001}]
    account.balancers.register_targets(TargetGroupArn=target_group, Targets=targets)
    account.balancers.deregister_targets(TargetGroupArn=target_group, Targets=targets[:1])
    found = account.balancers.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    states = {one["Target"]["Port"]: one["TargetHealth"]["State"] for one in found}
    assert states == {8000: "draining", 8001: "initial"}


def test_an_instance_that_is_not_running_cannot_be_registered(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html"""
    target_group = account.target_group()
    with refused("InvalidTarget"):
        account.balancers.register_targets(TargetGroupArn=target_group, Targets=[{"Id": "i-0123456789abcdef0"}])


def test_addresses_are_not_given_again_while_others_are_free(account: Account) -> None:
    """A successor doesn't inherit what was seen at its predecessor's address."""
    account.group(minimum=1, VPCZoneIdentifier=account.subnets()[0])
    seen = set()
    for _ in range(4):
        instance = account.ids()[0]
        seen.add(account.address(instance))
        account.groups.terminate_instance_in_auto_scaling_group(
            InstanceId=instance, ShouldDecrementDesiredCapacity=False
        )
        account.turn(6)
    assert len(seen) == 4
    assert all(address.startswith("127.66.1.") for address in seen)


def test_a_classic_balancer_shows_instances_in_and_out_of_service(account: Account) -> None:
    """https://docs.aws.amazon.com/elasticloadbalancing/2012-06-01/APIReference/API_DescribeInstanceHealth.html"""
    classic = account.client("elb")
    made = classic.create_load_balancer(
        LoadBalancerName="old",
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 8000}],
        Subnets=account.subnets(),
    )
    assert made["DNSName"] == "127.66.255.1"
    account.group(minimum=2, LoadBalancerNames=["old"])
    account.turn(2)
    states = classic.describe_instance_health(LoadBalancerName="old")["InstanceStates"]
    assert {one["State"] for one in states} == {"InService"}
    instance = account.ids()[0]
    account.proxy.sick[account.address(instance)] = "HTTP 500"
    account.turn()
    health = classic.describe_instance_health(LoadBalancerName="old", Instances=[{"InstanceId": instance}])
    assert health["InstanceStates"][0]["State"] == "OutOfService"
    classic.deregister_instances_from_load_balancer(LoadBalancerName="old", Instances=[{"InstanceId": instance}])
    account.turn(4)
    balancer = classic.describe_load_balancers()["LoadBalancerDescriptions"][0]
    assert [one["InstanceId"] for one in balancer["Instances"]] == [account.ids()[1]]
    with refused("InvalidInstance"):
        classic.register_instances_with_load_balancer(
            LoadBalancerName="old", Instances=[{"InstanceId": "i-0123456789abcdef0"}]
        )
