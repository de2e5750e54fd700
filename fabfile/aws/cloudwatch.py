"""CloudWatch: the alarms of an environment."""

from __future__ import annotations

from dataclasses import dataclass

from .session import Aws


@dataclass(frozen=True)
class Alarm:
    """An alarm; `state` is OK, ALARM or INSUFFICIENT_DATA."""

    name: str
    state: str
    reason: str


def alarms(aws: Aws, prefix: str) -> tuple[Alarm, ...]:
    """Return all alarms whose names begin with `prefix`, all pages of them."""
    with aws.calling(f"describe the alarms {prefix}…"):
        pages = aws.client("cloudwatch").get_paginator("describe_alarms")
        return tuple(
            Alarm(each["AlarmName"], each["StateValue"], each.get("StateReason", ""))
            for page in pages.paginate(AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"])
            for each in page["MetricAlarms"]
        )
