"""Instance maintenance policies: kept with the group within AWS's limits, and cleared by -1.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceMaintenancePolicy.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .refusal import invalid

_WIDEST = 100


def maintenance(given: Mapping[str, Any]) -> dict[str, int] | None:
    """Return the policy, None where it is to be cleared."""
    values = [given.get(key) for key in ("MinHealthyPercentage", "MaxHealthyPercentage")]
    if None in values:
        raise invalid("MinHealthyPercentage and MaxHealthyPercentage must both be specified.")
    least, most = (int(str(value)) for value in values)
    if (least, most) == (-1, -1):
        return None
    if not 0 <= least <= 100 <= most <= 200:
        raise invalid("MinHealthyPercentage must be from 0 to 100 and MaxHealthyPercentage from 100 to 200.")
    if most - least > _WIDEST:
        raise invalid(f"MaxHealthyPercentage must not exceed MinHealthyPercentage by more than {_WIDEST}.")
    return {"MinHealthyPercentage": least, "MaxHealthyPercentage": most}
