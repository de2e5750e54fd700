"""A classic load balancer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..aws import elb
from ..aws.session import Aws
from ..rollout.model import TargetState


class ClassicBalancer:
    """A classic load balancer by its name."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._aws = aws
        self.name = name

    def states(self) -> Mapping[str, TargetState]:
        return elb.instance_health(self._aws, self.name)

    def register(self, instances: Collection[str]) -> None:
        elb.register(self._aws, self.name, instances)

    def deregister(self, instances: Collection[str]) -> None:
        elb.deregister(self._aws, self.name, instances)
