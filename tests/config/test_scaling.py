"""How the group scales: what the file may say of it, and what is said of wrong values, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.config.environment import Maintenance, Scaling, ScheduledAction, TargetTracking
from fabfile.config.loading import load

from .test_messages import HEAD, problems

CRON = 'five cron fields in quotes ("0 8 * * 1-5": minute, hour, day, month, day of week)'


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("scaling: {target_tracking: {cpu: 0}}",
         "scaling.target_tracking.cpu: expected a number from 1 to 100 %, got the number 0"),
        ("scaling: {target_tracking: {requests_per_target: many}}", "scaling.target_tracking.requests_per_target: "
         "expected a number of 1 requests/min or more, got the text 'many'"),
        ("scaling: {target_tracking: {disable_scale_in: 1}}",
         "scaling.target_tracking.disable_scale_in: expected true or false, got the number 1"),
        ("scaling: {target_tracking: {warmup: -1}}",
         "scaling.target_tracking.warmup: expected a whole number of 0 or more, got the number -1"),
        ("scaling: {warmup: 1m}", "scaling.warmup: expected a whole number of 0 or more, got the text '1m'"),
        ("scaling: {maintenance: {minimum_healthy: 101, maximum_healthy: 110}}",
         "scaling.maintenance.minimum_healthy: expected a whole number from 0 to 100, got the number 101"),
        ("scaling: {maintenance: {minimum_healthy: 90, maximum_healthy: 99}}",
         "scaling.maintenance.maximum_healthy: expected a whole number from 100 to 200, got the number 99"),
        ("scaling: {maintenance: {minimum_healthy: 90}}",
         "scaling.maintenance (staging): expected maximum_healthy as well, got only the other one"),
        ("scaling: {maintenance: {minimum_healthy: 50, maximum_healthy: 200}}",
         "scaling.maintenance (staging): expected at most 100 between both, got 50 and 200"),
        ("scaling: {scheduled: [a]}",
         "scaling.scheduled: expected a mapping from names to settings, got a list"),
        ("scaling: {scheduled: {a-b: {start: 2026-12-24T18:00:00Z, desired: 1}}}",
         "scaling.scheduled.a-b: expected a name of letters and digits, got the text 'a-b'"),
        ("scaling: {scheduled: {a: daily}}",
         "scaling.scheduled.a: expected a mapping of settings, got the text 'daily'"),
        ("scaling: {scheduled: {a: {recurence: x}}}",
         "scaling.scheduled.a.recurence: unknown key; did you mean 'recurrence'?"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, time_zone: Berlin, desired: 1}}}",
         "scaling.scheduled.a.time_zone: expected a time zone (Europe/Berlin), got the text 'Berlin'"),
        ("scaling: {scheduled: {a: {start: 2026-12-24, desired: 1}}}", "scaling.scheduled.a.start: expected "
         "a time in UTC (2026-12-24T18:00:00Z), got the date 2026-12-24"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, end: soon, desired: 1}}}",
         "scaling.scheduled.a.end: expected a time in UTC (2026-12-24T18:00:00Z), got the text 'soon'"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, desired: few}}}",
         "scaling.scheduled.a.desired: expected a whole number of 0 or more, got the text 'few'"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, minimum: few}}}",
         "scaling.scheduled.a.minimum: expected a whole number of 0 or more, got the text 'few'"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, maximum: 0}}}",
         "scaling.scheduled.a.maximum: expected a whole number of 1 or more, got the number 0"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *}}}",
         "scaling.scheduled.a (staging): expected minimum, maximum or desired, got none of them"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, minimum: 4, desired: 3}}}",
         "scaling.scheduled.a (staging): expected minimum <= desired <= maximum, got 4 and 3"),
        ("scaling: {scheduled: {a: {desired: 3}}}",
         "scaling.scheduled.a (staging): expected recurrence or start, got neither"),
        ("scaling: {scheduled: {a: {start: 2026-12-24T18:00:00Z, end: 2026-12-25T18:00:00Z, desired: 3}}}",
         "scaling.scheduled.a (staging): expected recurrence with end, got none"),
        ("scaling: {scheduled: {a: {recurrence: 0 8 * * *, start: 2027-01-01T00:00:00Z, end: 2026-12-25T18:00:00Z, "
         "desired: 3}}}", "scaling.scheduled.a (staging): expected a start before the end 2026-12-25T18:00:00Z, "
         "got 2027-01-01T00:00:00Z"),
        ("scaling: {scheduled: {a: {start: 2026-12-24T18:00:00Z, time_zone: Europe/Berlin, desired: 3}}}",
         "scaling.scheduled.a (staging): expected recurrence with time_zone, got none; start is in UTC"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_met_with_its_line_and_what_was_read(tmp_path: Path, line: str, expected: str) -> None:
    assert problems(tmp_path, HEAD + line)[0] == f"3: {expected}"


@pytest.mark.parametrize(
    "line",
    [
        "61 8 * * *",
        "0 8 * *",
        "0 8 * * 8",
        "0 8 0 * *",
        "0 8 * 13 *",
        "@daily",
        "5-1 8 * * *",
        "*-5 8 * * *",
        "a 8 * * *",
    ],
)
def test_what_is_no_cron_line_is_refused(tmp_path: Path, line: str) -> None:
    text = f'{HEAD}scaling: {{scheduled: {{a: {{recurrence: "{line}", desired: 1}}}}}}'
    assert problems(tmp_path, text)[0] == f"3: scaling.scheduled.a.recurrence: expected {CRON}, got the text {line!r}"


def test_all_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "fabulaws-config.yml"
    path.write_text(
        f"""{HEAD}scaling:
  target_tracking: {{cpu: 50, requests_per_target: 1000, disable_scale_in: true, warmup: 60}}
  maintenance: {{minimum_healthy: 100, maximum_healthy: 110}}
  warmup: 120
  scheduled:
    morning: {{recurrence: "0,30 7-9/2 1,15 jan-MAR MON-FRI", time_zone: Europe/Berlin, minimum: 4, maximum: 12}}
    launch: {{start: 2026-12-24T18:00:00Z, desired: 10}}
"""
    )
    assert load(path).environment("demo", "staging").scaling == Scaling(
        tracking=TargetTracking(50, 1000, True, 60),
        scheduled=(
            ScheduledAction("morning", "0,30 7-9/2 1,15 jan-MAR MON-FRI", "Europe/Berlin", 4, 12),
            ScheduledAction("launch", desired=10, start="2026-12-24T18:00:00Z"),
        ),
        maintenance=Maintenance(100, 110),
        warmup=120,
    )


def test_environments_differ_and_what_says_nothing_scales_by_hand_alone(tmp_path: Path) -> None:
    path = tmp_path / "fabulaws-config.yml"
    path.write_text(f"{HEAD}scaling: {{production: {{target_tracking: {{cpu: 40}}}}}}\n")
    config = load(path)
    assert config.environment("demo", "staging").scaling == Scaling()
    assert config.environment("demo", "production").scaling.tracking == TargetTracking(cpu=40)
