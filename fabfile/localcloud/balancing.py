"""Load balancers: moto's records of ELBv2 and classic ELB, turned into what the proxy is to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from moto.acm.models import acm_backends
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends

from .contract import Fixed, Forward, Listener, Pool, Probe, Redirect, Route, Tls
from .settings import CloudSettings
from .targets import Targets

log = logging.getLogger(__name__)
LAST = 10**6


def pool_name(arn: str) -> str:
    """A target group's pool: its name and the end of its ARN, so that a successor of the same name is another pool."""
    _, name, unique = arn.rsplit("/", 2)
    return f"{name}-{unique}"


def classic_pool(name: str, port: int) -> str:
    """The pool behind one instance port of a classic load balancer."""
    return f"classic-{name}-{port}"


class Balancing:
    """Read the balancers' configuration; the control plane's lock guards every method."""

    def __init__(self, settings: CloudSettings, targets: Targets) -> None:
        self._settings = settings
        self._targets = targets
        self._next_address = 0

    @property
    def elbv2(self) -> Any:
        """moto's records of application load balancers."""
        return elbv2_backends[self._settings.account][self._settings.region]

    @property
    def classic(self) -> Any:
        """moto's records of classic load balancers."""
        return elb_backends[self._settings.account][self._settings.region]

    def new_address(self) -> str:
        """An address for a new load balancer: 127.X.255.N, in turn."""
        used = {balancer.dns_name for balancer in self.elbv2.load_balancers.values()}
        used |= {balancer.dns_name for balancer in self.classic.load_balancers.values()}
        while True:
            self._next_address = self._next_address % 254 + 1
            address = f"{self._settings.network}.255.{self._next_address}"
            if address not in used:
                return address

    def delay(self, arn: str) -> float:
        """A target group's deregistration delay in seconds."""
        group = self.elbv2.target_groups.get(arn)
        return float(group.attributes["deregistration_delay.timeout_seconds"]) if group else 0.0

    def in_use(self, arn: str) -> bool:
        """Whether a listener sends requests to the target group."""
        return bool(self.elbv2._any_listener_using(arn))

    def configuration(self) -> tuple[tuple[Listener, ...], tuple[Pool, ...]]:
        """What the proxy is to do now."""
        listeners = (*self._listeners(), *self._classic_listeners())
        return listeners, (*self._pools(), *self._classic_pools())

    def _listeners(self) -> Iterator[Listener]:
        for balancer in self.elbv2.load_balancers.values():
            for listener in balancer.listeners.values():
                rules = sorted(listener.rules.values(), key=priority)
                routes = tuple(route for rule in rules for route in _route(rule))
                yield Listener(balancer.dns_name, int(listener.port), routes, self._tls(listener))

    def _tls(self, listener: Any) -> Tls | None:
        """What a listener shows; a certificate that ACM no longer has is shown for no name at all."""
        if listener.protocol != "HTTPS":
            return None
        record = acm_backends[self._settings.account][self._settings.region]._certificates.get(listener.certificate)
        names = dict.fromkeys((record.common_name, *record.sans)) if record else {}
        return Tls(tuple(names), str(listener.ssl_policy or ""))

    def _pools(self) -> Iterator[Pool]:
        users: dict[str, set[str]] = {}
        for balancer in self.elbv2.load_balancers.values():
            for listener in balancer.listeners.values():
                for rule in listener.rules.values():
                    for action in rule.actions:
                        for arn in self.elbv2._get_target_group_arns_from(action.data):
                            users.setdefault(arn, set()).add(balancer.arn)
        for arn, group in self.elbv2.target_groups.items():
            group.load_balancer_arns = sorted(users.get(arn, ()))
            if arn in users:
                yield Pool(pool_name(arn), self._probe(group), self._targets.endpoints(pool_name(arn)))

    def _probe(self, group: Any) -> Probe:
        port = str(group.health_check_port or "traffic-port")
        return Probe(
            path=group.health_check_path or "/",
            port=int(group.port if port == "traffic-port" else port),
            success=str((getattr(group, "matcher", None) or {}).get("HttpCode") or "200"),
            interval=min(float(group.health_check_interval_seconds), self._settings.probe_cap),
            timeout=min(float(group.health_check_timeout_seconds), 2.0),
            healthy_threshold=int(group.healthy_threshold_count),
            unhealthy_threshold=int(group.unhealthy_threshold_count),
        )

    def classic_ports(self, name: str) -> list[int]:
        """The instance ports behind a classic load balancer; none for one that doesn't exist."""
        balancer = self.classic.load_balancers.get(name)
        return sorted({int(one.instance_port) for one in balancer.listeners}) if balancer else []

    def classic_delay(self, name: str) -> float:
        """A classic load balancer's connection draining time in seconds; 0 when that is off."""
        balancer = self.classic.load_balancers.get(name)
        draining = (balancer.attributes.get("connection_draining") if balancer else None) or {}
        on = str(draining.get("enabled", draining.get("Enabled", False))).lower() == "true"
        return float(draining.get("timeout", draining.get("Timeout", 300)) or 300) if on else 0.0

    def _classic_listeners(self) -> Iterator[Listener]:
        for name, balancer in self.classic.load_balancers.items():
            for one in balancer.listeners:
                pool = classic_pool(name, int(one.instance_port))
                route = Route(Forward(((pool, 1),)))
                yield Listener(balancer.dns_name, int(one.load_balancer_port), (route,))

    def _classic_pools(self) -> Iterator[Pool]:
        for name, balancer in self.classic.load_balancers.items():
            for port in self.classic_ports(name):
                pool = classic_pool(name, port)
                yield Pool(pool, self._classic_probe(balancer.health_check, port), self._targets.endpoints(pool))

    def _classic_probe(self, check: Any, traffic: int) -> Probe:
        """A classic check such as HTTP:8000/up; one without a path is met by any answer."""
        if check is None:
            return Probe(path="/", port=traffic, success="100-599", interval=self._settings.probe_cap)
        _, _, rest = str(check.target).partition(":")
        port, slash, path = rest.partition("/")
        return Probe(
            path=f"/{path}" if slash else "/",
            port=int(port or traffic),
            success="200" if slash else "100-599",
            interval=min(float(check.interval), self._settings.probe_cap),
            timeout=min(float(check.timeout), 2.0),
            healthy_threshold=int(check.healthy_threshold),
            unhealthy_threshold=int(check.unhealthy_threshold),
        )


def priority(rule: Any) -> int:
    """Where a rule stands; the default rule is last."""
    return LAST if rule.priority == "default" else int(rule.priority)


def _route(rule: Any) -> Iterator[Route]:
    """A rule as the proxy has it; one with conditions that it can't check is left out and logged."""
    action = _action(rule.actions[-1].data)
    found: dict[str, Any] = {"paths": (), "hosts": (), "headers": ()}
    for condition in rule.conditions or ():
        field = condition.get("Field")
        if field == "path-pattern":
            found["paths"] = tuple(_values(condition, "PathPatternConfig"))
        elif field == "host-header":
            found["hosts"] = tuple(_values(condition, "HostHeaderConfig"))
        elif field == "http-header":
            config = condition["HttpHeaderConfig"]
            found["headers"] += ((config["HttpHeaderName"], tuple(config["Values"])),)
        else:
            log.warning("the embedded load balancer has no %s conditions: rule %s is left out", field, rule.arn)
            return
    yield Route(action, **found)


def _values(condition: dict[str, Any], config: str) -> list[str]:
    return list((condition.get(config) or {}).get("Values") or condition.get("Values") or ())


def _action(data: dict[str, Any]) -> Fixed | Forward | Redirect:
    if data["Type"] == "forward":
        if data.get("TargetGroupArn"):
            return Forward(((pool_name(data["TargetGroupArn"]), 1),))
        groups = data["ForwardConfig"]["TargetGroups"]
        return Forward(tuple((pool_name(one["TargetGroupArn"]), int(one.get("Weight", 1))) for one in groups))
    if data["Type"] == "fixed-response":
        config = data["FixedResponseConfig"]
        return Fixed(
            int(config["StatusCode"]), config.get("ContentType") or "text/plain", config.get("MessageBody") or ""
        )
    if data["Type"] == "redirect":
        config = {key: str(value) for key, value in data["RedirectConfig"].items()}
        status = int(config.pop("StatusCode").removeprefix("HTTP_"))
        return Redirect(status, **{key.lower(): value for key, value in config.items()})
    return Fixed(501, "text/plain", f"The embedded load balancer has no {data['Type']} actions.\n")
