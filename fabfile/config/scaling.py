"""How the group of web servers scales: what the file may say of it, and what is wrong in it as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from .entries import Entries
from .environment import Maintenance, Scaling, ScheduledAction, TargetTracking
from .kinds import Flag, Number, Section, Setting, Text, Whole
from .nodes import Problem
from .schedules import Cron, Moment, TimeZone

_ACTION = Text("a name of letters and digits", r"[A-Za-z][A-Za-z0-9]*")

SCHEDULED_ACTION = Section(
    (
        Setting("recurrence", Cron(), "When, as cron says it."),
        Setting("time_zone", TimeZone(), "Where the recurrence's hours are; UTC if left out."),
        Setting("minimum", Whole(), "Fewest servers from then on."),
        Setting("maximum", Whole(1), "Most servers from then on."),
        Setting("desired", Whole(), "Servers from then on, until something else changes them."),
        Setting("start", Moment(), "First time, or the only one where there is no recurrence."),
        Setting("end", Moment(), "When it recurs no more."),
    )
)
TARGET_TRACKING = Section(
    (
        Setting("cpu", Number(1, "%", 100), "Average use of the servers' processors to keep, in per cent."),
        Setting("requests_per_target", Number(1, "requests/min"), "Requests a minute that each server is to get."),
        Setting("disable_scale_in", Flag(), "Only ever add servers.", "false"),
        Setting("warmup", Whole(), "Seconds until a new server counts; scaling.warmup if left out."),
    )
)
MAINTENANCE = Section(
    (
        Setting("minimum_healthy", Whole(0, 100), "Per cent of desired capacity that stays in service."),
        Setting("maximum_healthy", Whole(100, 200), "Per cent of desired capacity that may exist meanwhile."),
    )
)
SCALING = Section(
    (
        Setting("target_tracking", TARGET_TRACKING, "AWS adds and removes servers to keep these averages."),
        Setting(
            "scheduled",
            Entries(_ACTION, SCHEDULED_ACTION),
            "Sizes that change at a time: a name, and recurrence or start, and what they are to be.",
        ),
        Setting("maintenance", MAINTENANCE, "How AWS replaces servers by itself: unhealthy ones, for instance."),
        Setting("warmup", Whole(), "Seconds until a new server's figures count for scaling."),
    )
)
WIDEST_MAINTENANCE = 100  # per cent between both; InstanceMaintenancePolicy of the EC2 Auto Scaling API


class _Values(Protocol):
    def get(self, path: str) -> Any: ...

    def line(self, path: str) -> int: ...


def scaling(values: _Values) -> Scaling:
    """Return how an environment's web servers scale."""
    tracking = TargetTracking(
        cpu=values.get("scaling.target_tracking.cpu"),
        requests=values.get("scaling.target_tracking.requests_per_target"),
        disable_scale_in=bool(values.get("scaling.target_tracking.disable_scale_in")),
        warmup=values.get("scaling.target_tracking.warmup"),
    )
    least, most = (values.get(f"scaling.maintenance.{name}_healthy") for name in ("minimum", "maximum"))
    return Scaling(
        tracking=tracking if tracking.cpu is not None or tracking.requests is not None else None,
        scheduled=tuple(_action(name, given) for name, given in (values.get("scaling.scheduled") or {}).items()),
        maintenance=None if least is None or most is None else Maintenance(least, most),
        warmup=values.get("scaling.warmup"),
    )


def _action(name: str, given: Mapping[str, Any]) -> ScheduledAction:
    return ScheduledAction(
        name=name,
        recurrence=given.get("recurrence") or "",
        time_zone=given.get("time_zone") or "",
        minimum=given.get("minimum"),
        maximum=given.get("maximum"),
        desired=given.get("desired"),
        start=given.get("start") or "",
        end=given.get("end") or "",
    )


def problems(found: Scaling, values: _Values, environment: str) -> Iterator[Problem]:
    """Yield what several settings of the section get wrong together."""
    for action in found.scheduled:
        for text in _wrong(action):
            path = f"scaling.scheduled.{action.name} ({environment})"
            yield Problem(values.line("scaling.scheduled"), path, text)
    least, most = (values.get(f"scaling.maintenance.{name}_healthy") for name in ("minimum", "maximum"))
    line, path = values.line("scaling.maintenance"), f"scaling.maintenance ({environment})"
    if (least is None) != (most is None):
        missing = "minimum_healthy" if least is None else "maximum_healthy"
        yield Problem(line, path, f"expected {missing} as well, got only the other one")
    elif least is not None and most - least > WIDEST_MAINTENANCE:
        yield Problem(line, path, f"expected at most {WIDEST_MAINTENANCE} between both, got {least} and {most}")


def _wrong(action: ScheduledAction) -> Iterator[str]:
    sizes = [size for size in (action.minimum, action.desired, action.maximum) if size is not None]
    if not sizes:
        yield "expected minimum, maximum or desired, got none of them"
    if sizes != sorted(sizes):
        yield f"expected minimum <= desired <= maximum, got {' and '.join(map(str, sizes))}"
    if not action.recurrence and not action.start:
        yield "expected recurrence or start, got neither"
    if action.end and not action.recurrence:
        yield "expected recurrence with end, got none"
    if action.start and action.end and action.start >= action.end:
        yield f"expected a start before the end {action.end}, got {action.start}"
    if action.time_zone and not action.recurrence:
        yield "expected recurrence with time_zone, got none; start is in UTC"
