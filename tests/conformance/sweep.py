"""Remove what tests made, found by its tag, in the order in which AWS lets it go."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from botocore.exceptions import ClientError

from fabfile.errors import Unreachable
from tests.conformance.cloud import Cloud
from tests.conformance.kinds import KINDS, STAGES, Kind

WITHIN = 1800.0  # seconds; a group with instances behind a draining balancer takes some ten minutes


@dataclass(frozen=True)
class Made:
    """One thing that bears the tag."""

    kind: Kind
    id: str
    label: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


def made(cloud: Cloud, mine: Callable[[str], bool], kinds: Collection[Kind] = KINDS) -> list[Made]:
    """Return everything of these kinds whose label is `mine`."""
    return [
        Made(kind, identifier, label) for kind in kinds for identifier, label in kind.labelled(cloud) if mine(label)
    ]


def remove(
    cloud: Cloud, mine: Callable[[str], bool], kinds: Collection[Kind] = KINDS, within: float = WITHIN
) -> tuple[Made, ...]:
    """Remove everything of these kinds whose label is `mine` and return what that was, once none of it is left.

    Raises `Unreachable` with what is still there after `within` seconds.
    """
    removed: dict[Made, str] = {}
    end = cloud.now() + within
    while left := _next_stage(cloud, mine, kinds):
        for one in left:
            removed[one] = _begin_removal(cloud, one)
        if cloud.now() >= end:
            refusals = ", ".join(f"{one}{removed[one]}" for one in left)
            raise Unreachable(
                "remove what the conformance tests made", f"still there: {refusals}", "Run make conformance-sweep"
            )
        cloud.wait()
    return tuple(removed)


def _next_stage(cloud: Cloud, mine: Callable[[str], bool], kinds: Collection[Kind]) -> list[Made]:
    for stage in STAGES:
        if left := made(cloud, mine, [kind for kind in stage if kind in kinds]):
            return left
    return []


def _begin_removal(cloud: Cloud, one: Made) -> str:
    """Ask for the removal; the answer is why it was refused, which is tried again as long as there is time."""
    try:
        one.kind.remove(cloud, one.id)
    except ClientError as refused:
        return f" ({refused.response['Error']['Code']}: {refused.response['Error']['Message']})"
    return ""
