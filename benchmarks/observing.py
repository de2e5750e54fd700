"""How many calls one look at the world takes, for 4, 100 and 1,000 servers behind a target group."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fabfile.apply.aws_world import AwsWorld
from fabfile.apply.workers import NoWorkers
from fabfile.aws.session import Aws
from tests.aws.account import environment
from tests.localcloud.account import Account, open_account

from .figure import Figure

_SIZES = (4, 100, 1_000)
_MOST = 3


def measure() -> Iterator[Figure]:
    """Yield the calls of a look at each size, by action."""
    for size in _SIZES:
        with open_account() as account:
            calls, seen = _look(account, size)
        assert seen == size, f"{seen} of {size} servers were seen"
        yield Figure(
            "observing",
            f"calls of one look at {size:,} servers",
            float(calls.total()),
            "calls",
            float(_MOST),
            "a group of two zones behind a target group, no worker: one more call finds those",
            dict(calls),
        )


def _look(account: Account, size: int) -> tuple[Counter[str], int]:
    target_group = account.target_group()
    account.group(
        minimum=size, maximum=size, TargetGroupARNs=[target_group], VPCZoneIdentifier=",".join(_subnets(account))
    )
    account.until(lambda: len(account.ids()) == size)
    with tempfile.TemporaryDirectory(prefix="fabscale-bench-") as folder:
        aws = Aws(environment(Path(folder)), endpoint_url=account.url, read_only=True)
        world = AwsWorld(aws, "web", NoWorkers(), _NoEvidence())
        world.observe_group()  # connects, and finds out what does not change
        before = Counter(aws.calls)
        seen = world.observe_group()
    return Counter(aws.calls) - before, len(seen.members)


def _subnets(account: Account) -> Iterator[str]:
    """Yield new subnets of two zones that have room for the largest fleet."""
    vpc = account.ec2.describe_vpcs()["Vpcs"][0]
    network = vpc["CidrBlock"].rsplit(".", 2)[0]
    for zone, third in (("us-east-1a", 16), ("us-east-1b", 32)):
        made = account.ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=f"{network}.{third}.0/20", AvailabilityZone=zone)
        yield made["Subnet"]["SubnetId"]


class _NoEvidence:
    def gather(self, instances: tuple[str, ...]) -> tuple[str, ...]:
        return instances
