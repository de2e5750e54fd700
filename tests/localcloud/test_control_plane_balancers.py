"""Load balancers: what the proxy is told, and what is made of what it saw."""

from __future__ import annotations

from typing import Any

from fabfile.localcloud.contract import Fixed, Forward
from tests.localcloud.account import Account


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


def test_what_the_proxy_saw_is_a_targets_state_and_reason(account: Account) -> None:
    """A target is registered, then checked, then healthy; why one is not depends on what was seen."""
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
