"""A target group of an application or network load balancer."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..aws import elbv2
from ..aws.session import Aws
from ..rollout.model import TargetState


class TargetGroupBalancer:
    """A target group by its ARN."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self._aws = aws
        self._arn = arn

    @property
    def name(self) -> str:
        return elbv2.target_group_name(self._arn)

    def states(self) -> Mapping[str, TargetState]:
        return elbv2.target_health(self._aws, self._arn)

    def register(self, instances: Collection[str]) -> None:
        elbv2.register(self._aws, self._arn, instances)

    def deregister(self, instances: Collection[str]) -> None:
        elbv2.deregister(self._aws, self._arn, instances)
