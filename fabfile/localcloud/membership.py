"""Put a group's members into its balancers, take them out, and ask whether the balancers find them healthy."""

from __future__ import annotations

from collections.abc import Sequence

from .balancing import Balancing, classic_pool, pool_name
from .classic import classic_health
from .groups import Group
from .instances import Instances
from .targets import Targets


class Membership:
    """A group's target groups and classic balancers as one; the control plane's lock guards every method."""

    def __init__(self, balancing: Balancing, targets: Targets, instances: Instances) -> None:
        self._balancing = balancing
        self._targets = targets
        self._instances = instances

    def add(self, group: Group, instance: str) -> None:
        """Register an instance with all balancers of its group that exist."""
        for arn in group.target_groups:
            record = self._balancing.elbv2.target_groups.get(arn)
            if record is not None:
                self._targets.register(pool_name(arn), instance, int(record.port))
        for name in group.balancers:
            if name in self._balancing.classic.load_balancers:
                self._balancing.classic.register_instances(name, [instance], from_autoscaling=True)

    def remove(self, group: Group, instance: str) -> None:
        """Let an instance drain from all balancers of its group."""
        self.remove_from(group.target_groups, group.balancers, instance)

    def remove_from(self, target_groups: list[str], balancers: list[str], instance: str) -> None:
        """Let an instance drain from these balancers."""
        for arn in target_groups:
            pool, delay = pool_name(arn), self._balancing.delay(arn)
            for target in self._targets.members(pool):
                if target.instance == instance:
                    self._targets.deregister(pool, instance, target.port, delay)
        for name in balancers:
            if name in self._balancing.classic.load_balancers:
                self._balancing.classic.deregister_instances(name, [instance], from_autoscaling=True)

    def missing(self, target_groups: Sequence[str], balancers: Sequence[str]) -> list[str]:
        """Those of the balancers that don't exist."""
        absent = [arn for arn in target_groups if arn not in self._balancing.elbv2.target_groups]
        return absent + [name for name in balancers if name not in self._balancing.classic.load_balancers]

    def draining(self, group: Group, instance: str) -> bool:
        """Whether an instance still drains from a balancer of its group."""
        pools = [pool_name(arn) for arn in group.target_groups]
        for name in group.balancers:
            pools += [classic_pool(name, port) for port in self._balancing.classic_ports(name)]
        return any(
            target.instance == instance and target.draining for pool in pools for target in self._targets.members(pool)
        )

    def unhealthy(self, group: Group, instance: str) -> bool:
        """Whether any balancer of the group has found the instance unhealthy; not yet checked is not unhealthy."""
        for arn in group.target_groups:
            pool = pool_name(arn)
            in_use = self._balancing.in_use(arn) if arn in self._balancing.elbv2.target_groups else False
            for target in self._targets.members(pool):
                if target.instance == instance:
                    health = self._targets.health(pool, instance, target.port, in_use=in_use)
                    if health.state == "unhealthy":
                        return True
        return any(
            classic_health(self._balancing, self._targets, name, instance)["State"] == "OutOfService"
            and not self._is_new(name, instance)
            for name in group.balancers
            if instance in self._instances_of(name)
        )

    def _is_new(self, name: str, instance: str) -> bool:
        return classic_health(self._balancing, self._targets, name, instance)["ReasonCode"] == "ELB"

    def _instances_of(self, name: str) -> list[str]:
        balancer = self._balancing.classic.load_balancers.get(name)
        return list(balancer.instance_ids) if balancer else []
