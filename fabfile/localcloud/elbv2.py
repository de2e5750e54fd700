"""Application load balancers' operations where moto answers otherwise than AWS: targets, rules and their limits."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from typing import Any

from moto.acm.models import acm_backends
from moto.elbv2.exceptions import RuleNotFoundError, TargetGroupNotFoundError
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeHealthStatus

from .balancing import Balancing, pool_name, priority
from .instances import Instances
from .patches import Patch
from .refusal import Refusal, invalid
from .targets import Targets

BODY_LIMIT = (
    1024  # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_FixedResponseActionConfig.html
)


def elbv2_patches(balancing: Balancing, targets: Targets, instances: Instances) -> Iterator[Patch]:
    """The replaced operations of ELBv2."""
    yield from _target_patches(balancing, targets, instances)
    yield from _rule_patches()
    yield Patch(ELBv2Backend, "create_load_balancer", _create_load_balancer(balancing))
    yield Patch(ELBv2Backend, "create_listener", _create_listener())
    yield Patch(ELBv2Backend, "modify_target_group_attributes", _modify_attributes())


def _create_load_balancer(balancing: Balancing) -> Any:
    original = ELBv2Backend.create_load_balancer

    def create_load_balancer(backend: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        if any(balancer.name == name for balancer in backend.load_balancers.values()):
            raise Refusal("DuplicateLoadBalancerName", "A load balancer with the specified name already exists.")
        balancer = original(backend, name, *args, **kwargs)
        balancer.dns_name = balancing.new_address()
        return balancer

    return create_load_balancer


def _create_listener() -> Any:
    original = ELBv2Backend.create_listener

    def create_listener(backend: Any, *args: Any, **kwargs: Any) -> Any:
        given = signature(original).bind(backend, *args, **kwargs).arguments
        if given["protocol"] == "HTTPS":
            _check_certificate(backend, given["certificate"])
        for action in given["actions"]:
            if action["Type"] == "redirect":
                _check_redirect(action["RedirectConfig"], given["protocol"], str(given["port"]))
        return original(backend, *args, **kwargs)

    return create_listener


def _check_certificate(backend: Any, arn: str | None) -> None:
    if not arn:
        raise invalid("A certificate must be specified for HTTPS listeners")
    record = acm_backends[backend.account_id][backend.region_name]._certificates.get(arn)
    if record is None and ":acm:" in arn:
        raise Refusal("CertificateNotFound", f"Certificate '{arn}' not found")
    if record is not None and record.status != "ISSUED":
        raise Refusal("InvalidConfigurationRequest", f"The certificate '{arn}' is {record.status}, not ISSUED")


def _check_redirect(config: dict[str, Any], protocol: str, port: str) -> None:
    """Refuse a redirect that leads back to where it came from."""
    same = {"Protocol": protocol, "Port": port, "Host": "#{host}", "Path": "/#{path}"}
    kept = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}"}
    if all(config.get(part, kept[part]) in {kept[part], same[part]} for part in same):
        raise Refusal("InvalidLoadBalancerAction", "The redirect configuration is not valid because it creates a loop.")


def _modify_attributes() -> Any:
    original = ELBv2Backend.modify_target_group_attributes

    def modify_target_group_attributes(backend: Any, target_group_arn: str, attributes: dict[str, Any]) -> None:
        """Refuse a wrong delay; moto's own check leaves 3600 itself and 0 out."""
        delay = attributes.get("deregistration_delay.timeout_seconds")
        if delay is not None and not (str(delay).isdigit() and int(delay) <= 3600):
            raise invalid(f"'deregistration_delay.timeout_seconds' value '{delay}' must be between '0-3600' inclusive")
        rest = {key: value for key, value in attributes.items() if key != "deregistration_delay.timeout_seconds"}
        original(backend, target_group_arn, rest)
        if delay is not None:
            backend.target_groups[target_group_arn].attributes["deregistration_delay.timeout_seconds"] = str(delay)

    return modify_target_group_attributes


def _target_patches(balancing: Balancing, targets: Targets, instances: Instances) -> Iterator[Patch]:
    def group_of(backend: Any, arn: str) -> Any:
        group = backend.target_groups.get(arn)
        if group is None:
            raise TargetGroupNotFoundError()
        return group

    def register_targets(backend: Any, target_group_arn: str, given: list[dict[str, Any]]) -> None:
        group = group_of(backend, target_group_arn)
        for target in given:
            if instances.get(target["Id"]) is None:
                raise Refusal("InvalidTarget", f"The following targets are not valid: '{target['Id']}'")
            if instances.state(target["Id"]) != "running":
                raise Refusal(
                    "InvalidTarget",
                    f"The following targets are not in a running state and cannot be registered: '{target['Id']}'",
                )
        for target in given:
            targets.register(pool_name(group.arn), target["Id"], int(target.get("Port") or group.port))

    def deregister_targets(backend: Any, target_group_arn: str, given: list[dict[str, Any]]) -> None:
        group = group_of(backend, target_group_arn)
        pool, delay = pool_name(group.arn), balancing.delay(group.arn)
        for target in given:
            port = target.get("Port")
            known = [one for one in targets.members(pool) if one.instance == target["Id"]]
            if not known and instances.get(target["Id"]) is None:
                raise Refusal("InvalidTarget", f"The following targets are not valid: '{target['Id']}'")
            for one in known:
                if port is None or int(port) == one.port:
                    targets.deregister(pool, one.instance, one.port, delay)

    def describe_target_health(backend: Any, target_group_arn: str, given: list[dict[str, Any]]) -> list[Any]:
        group = group_of(backend, target_group_arn)
        pool, in_use = pool_name(group.arn), balancing.in_use(group.arn)
        asked = [(one["Id"], int(one.get("Port") or group.port)) for one in given or ()]
        if not given:
            asked = [(one.instance, one.port) for one in targets.members(pool)]
        answers = []
        for instance, port in asked:
            health = targets.health(pool, instance, port, in_use=in_use)
            check = str(port) if group.health_check_port == "traffic-port" else group.health_check_port
            answers.append(
                FakeHealthStatus(instance, str(port), check, health.state, health.reason, health.description)
            )
        return answers

    delete = ELBv2Backend.delete_target_group

    def delete_target_group(backend: Any, target_group_arn: str) -> Any:
        group = delete(backend, target_group_arn)
        targets.drop_pool(pool_name(target_group_arn))
        return group

    yield Patch(ELBv2Backend, "register_targets", register_targets)
    yield Patch(ELBv2Backend, "deregister_targets", deregister_targets)
    yield Patch(ELBv2Backend, "describe_target_health", describe_target_health)
    yield Patch(ELBv2Backend, "delete_target_group", delete_target_group)


def _rule_patches() -> Iterator[Patch]:
    describe, validate = ELBv2Backend.describe_rules, ELBv2Backend._validate_fixed_response_action
    create, modify = ELBv2Backend.create_rule, ELBv2Backend.modify_listener

    def describe_rules(backend: Any, listener_arn: str | None, rule_arns: list[str] | None) -> list[Any]:
        return sorted(describe(backend, listener_arn, rule_arns or None), key=priority)

    def validate_fixed_response(backend: Any, action: FakeAction, position: int, index: int) -> None:
        config = action.data.get("FixedResponseConfig") or {}
        if config.get("StatusCode") is not None:
            config["StatusCode"] = str(config["StatusCode"])
        if len((config.get("MessageBody") or "").encode()) > BODY_LIMIT:
            raise invalid(
                f"1 validation error detected: Value at 'actions.{index}.member.fixedResponseConfig.messageBody' "
                f"failed to satisfy constraint: Member must have length less than or equal to {BODY_LIMIT}"
            )
        validate(backend, action, position, index)

    def create_rule(
        backend: Any, listener_arn: str, conditions: list[Any], number: Any = None, actions: Any = (), **kwargs: Any
    ) -> Any:
        place = int(kwargs.pop("priority", number))
        if not 1 <= place <= 50000:
            raise invalid(f"The priority '{place}' must be between 1 and 50000")
        return create(backend, listener_arn, conditions, place, list(actions), **kwargs)

    def modify_listener(backend: Any, arn: str, *args: Any, **kwargs: Any) -> Any:
        actions = kwargs.get("actions") or (args[4] if len(args) > 4 else None) or []
        backend._validate_actions([FakeAction(action) for action in actions])
        if len(args) > 4:
            return modify(backend, arn, *args, **kwargs)
        return modify(backend, arn, *args, **{**kwargs, "actions": actions})

    yield Patch(ELBv2Backend, "describe_rules", describe_rules)
    yield Patch(ELBv2Backend, "_validate_fixed_response_action", validate_fixed_response)
    yield Patch(ELBv2Backend, "create_rule", create_rule)
    yield Patch(ELBv2Backend, "modify_listener", modify_listener)
    yield Patch(ELBv2Backend, "set_rule_priorities", _set_rule_priorities)
    yield Patch(ELBv2Backend, "convert_and_validate_properties", _default_actions)


def _default_actions(backend: Any, properties: dict[str, Any]) -> list[dict[str, Any]]:
    """A template's default actions as they stand: moto's own reading loses weighted forwards."""
    return [dict(action) for action in properties["DefaultActions"]]


def _set_rule_priorities(backend: Any, rule_priorities: list[dict[str, Any]]) -> list[Any]:
    """Move rules all at once: what counts is the order afterwards, so that two may swap.

    See https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html
    """
    wanted = {one["RuleArn"]: int(one["Priority"]) for one in rule_priorities}
    rules = {rule.arn: rule for rule in backend.describe_rules(None, list(wanted))}
    if set(rules) != set(wanted):
        raise RuleNotFoundError()
    for listener_arn in {rule.listener_arn for rule in rules.values()}:
        after = [
            wanted.get(rule.arn, priority(rule))
            for rule in backend.describe_rules(listener_arn, None)
            if rule.priority != "default"
        ]
        if len(after) != len(set(after)):
            raise Refusal("PriorityInUse", "The specified priority is in use.")
    for arn, rule in rules.items():
        rule.priority = wanted[arn]
    return list(rules.values())
