"""The commented fabulaws-config.yml is the reference of the schema."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fabfile.config.loading import load
from fabfile.config.reference import Described, described

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "fabulaws-config.yml").read_text()
LINES = [re.sub(r"^[\s#]*", "", line) for line in REFERENCE.splitlines()]


@pytest.mark.parametrize("key", list(described()), ids=lambda key: key.path)
def test_every_key_of_the_schema_stands_in_the_reference_below_what_it_means(key: Described) -> None:
    """A key without a comment, or with another one than the schema's, would be a second truth."""
    about = [number for number, line in enumerate(LINES) if line == key.setting.about]
    here = [number for number, line in enumerate(LINES) if line.startswith(f"{key.setting.name}:")]
    assert about, f"the comment of {key.path} is missing: {key.setting.about}"
    assert any(0 < number - comment < 10 for number in here for comment in about), f"{key.path} is missing"


@pytest.mark.parametrize("key", [key for key in described() if key.setting.default], ids=lambda key: key.path)
def test_every_default_is_shown_unless_the_demo_sets_another_value(key: Described) -> None:
    """Somebody who reads `# region: us-east-1` gets that region without writing it."""
    shown = f"{key.setting.name}: {key.setting.default}"
    active = [line for line in REFERENCE.splitlines() if line.strip().startswith(f"{key.setting.name}:")]
    assert shown in LINES or active


def test_the_reference_is_the_demo_and_loads() -> None:
    """`make demo` runs with this very file."""
    config = load(ROOT / "fabulaws-config.yml")
    demo = config.environment("opendebates", "local")
    assert config.environments == ("local", "testing", "staging", "production")
    assert (demo.minimum, demo.desired, demo.maximum) == (4, 4, 8)
    assert (demo.app_port, demo.listener_port) == (8000, 8080)
    assert (demo.roles["web"].count, demo.roles["worker"].count) == (4, 1)
    assert (demo.rollout.min_healthy_time, demo.rollout.slot_deadline, demo.rollout.poll) == (6, 60, 0.2)
    assert (demo.rollout.probe_rate, demo.rollout.deregistration_delay) == (75, 1)
    assert (demo.local.boot, demo.local.drain, demo.local.health_interval) == (1, 1, 0.5)
    assert demo.application.worker == ("{python}", "manage.py", "run_worker")


def test_a_new_projects_file_is_about_twenty_lines(tmp_path: Path) -> None:
    """The example at the head of the reference is a whole configuration."""
    example = REFERENCE.split("of it:\n#\n")[1].split("#\n")[0]
    text = "".join(line.removeprefix("#").removeprefix("     ") for line in example.splitlines(keepends=True))
    path = tmp_path / "fabulaws-config.yml"
    path.write_text(text)
    assert len(text.splitlines()) <= 20
    assert load(path).environment("myproject", "production").production
