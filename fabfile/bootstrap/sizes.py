"""Whose sizes hold: the config's or those that an operator, a schedule or a deploy gave the group since. Pure.

Desired capacity is never the config's business once the group is filled. Of minimum and maximum the last who changed
them wins: a size that the config has changed since the stack's last update is set, and any other is left alone, by
AWS's IgnoreUnmodifiedGroupSizeProperties. So `fab scale` at night outlives a `create_environment` in the morning.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatepolicy.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..rollout.model import Group, Intent
from ..rollout.sizing import raised_by_us

MINIMUM = "WebMinimum"
MAXIMUM = "WebMaximum"


def maximum(configured: int, before: Mapping[str, str], desired: int) -> int:
    """Return the maximum for the stack's parameters, which were `before` at its last update.

    One that the config has lowered stays no less than desired capacity: AWS would terminate the servers above it.
    """
    if before.get(MAXIMUM) in (None, str(configured)):
        return configured
    return max(configured, desired)


def remarks(
    configured: tuple[int, int], before: Mapping[str, str], group: Group, unfinished: Mapping[str, Intent]
) -> Iterator[str]:
    """Say where the group's minimum and maximum are not the config's, and what becomes of them.

    `unfinished` are the intents of deploys that have not ended, by id.
    """
    for deploy, intent in unfinished.items():
        if intent.maximum_before is not None and raised_by_us(group.maximum, intent):
            yield (
                f"the maximum is {group.maximum} for the surge of the deploy {deploy}, which has not ended, "
                f"and goes back to {intent.maximum_before} with it"
            )
            return
    for name, parameter, wanted, seen in (
        ("minimum", MINIMUM, configured[0], group.minimum),
        ("maximum", MAXIMUM, configured[1], group.maximum),
    ):
        if seen == wanted:
            continue
        if before.get(parameter) == str(wanted):
            yield f"the {name} is {seen}, set by hand or by a schedule: it stays until the config's changes ({wanted})"
        elif parameter == MAXIMUM and group.desired > wanted:
            yield f"the maximum becomes {group.desired}, what runs: the config's is less ({wanted})"
        else:
            yield f"the {name} becomes {wanted}, which the config says now: it was {seen}"
