"""The JSON Schema for editors takes what Fabscale takes, and marks what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from fabfile.config.json_schema import json_schema, json_schema_text
from fabfile.config.reference import described

ROOT = Path(__file__).resolve().parents[2]
FILES = ("fabulaws-config.yml", "examples/flask/fabulaws-config.yml", "tests/config/fabulaws-config.sample.yaml")
HEAD = "deployments: [demo]\nenvironments: {staging: , production: }\n"
VALIDATOR = Draft202012Validator(json_schema())


def complaints(text: str) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize(
    "line",
    [
        "region: Virginia",
        "ssh_user: 7",
        "app_port: 70000",
        "app_port: {staging: {web: many}}",
        "rollout: {poll: fast}",
        "rollout: {bach: 1}",
        "rollout: {staging: {bach: 1}}",
        "rollout: 5",
        "rollout: {batch: 101%}",
        "provider: locl",
        "application: {start: 8}",
        "application: {start: ''}",
        "application: {migrate: false}",
        "requirements_file: 3",
        "avail_zones: a",
        "avail_zones: [a, 2]",
        "tags: blue",
        "application: {secrets: {KEY: hunter}}",
        "subnets: 5",
        "regoin: us-east-1",
        "deployments: demo",
        "environments: {staging: {regoin: us-east-1}}",
        "environments: {staging: {deployments: [demo]}}",
        "environments: 5",
    ],
)
def test_a_wrong_value_is_wrong_in_an_editor_too(line: str) -> None:
    name = line.partition(":")[0]
    head = "".join(each for each in HEAD.splitlines(keepends=True) if not each.startswith(f"{name}:"))
    assert complaints(head) == []
    assert complaints(head + line) != []


@pytest.mark.parametrize(
    "line",
    [
        "app_port: {staging: {web: 8001}, default: 8000}",
        "rollout: {production: {batch: 25%}, default: {batch: 2}}",
        "application: {manage: none, start: [./server, '{port}'], migrate: {staging: none, default: ./migrate}}",
        "requirements_file: none",
        "load_balancers: one",
        "subnets: {a: subnet-1}",
        "tags: {production: {team: web}}",
        "extra: {anything: [1, {a: b}]}",
        "db_settings: {ignored: 1}",
        "minimum:",
    ],
)
def test_a_right_value_is_right_in_an_editor_too(line: str) -> None:
    assert complaints(HEAD + line) == []


@pytest.mark.parametrize("name", FILES)
def test_files_that_load_are_valid_in_an_editor(name: str) -> None:
    assert complaints((ROOT / name).read_text()) == []


def test_every_key_tells_an_editor_what_it_means() -> None:
    """And its default; what is ignored shows struck out."""
    text = json.dumps(json_schema(), ensure_ascii=False)
    assert all(json.dumps(key.setting.about, ensure_ascii=False) in text for key in described())
    assert json_schema()["properties"]["region"]["default"] == "us-east-1"
    assert json_schema()["properties"]["db_settings"]["deprecated"] is True
    Draft202012Validator.check_schema(json_schema())


def test_the_schema_beside_the_config_is_the_present_one() -> None:
    """If this fails: fab config_schema > fabulaws-config.schema.json"""
    assert (ROOT / "fabulaws-config.schema.json").read_text() == json_schema_text()
