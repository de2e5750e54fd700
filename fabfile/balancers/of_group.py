"""The balancers that an autoscaling group knows, and registers and drains its servers in by itself."""

from __future__ import annotations

from ..aws.autoscaling import GroupRecord
from ..aws.session import Aws
from .classic import ClassicBalancer
from .contract import Balancer
from .target_group import TargetGroupBalancer


def balancers_of(aws: Aws, record: GroupRecord) -> tuple[Balancer, ...]:
    """Return a group's own balancers, of whichever kind."""
    target_groups = (TargetGroupBalancer(aws, arn) for arn in record.target_groups)
    return (*target_groups, *(ClassicBalancer(aws, name) for name in record.classic_balancers))
