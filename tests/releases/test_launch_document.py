"""What a server is told: all that it needs, and no secret."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fabfile.config.environment import Environment
from fabfile.errors import ConfigError
from fabfile.releases.launch_document import launch_document
from fabfile.releases.manifest import Archive, Manifest
from fabfile.releases.server.document import parse
from fabfile.releases.user_data import render_user_data


def a_release(number: int, static: bool = True) -> Manifest:
    def archive(name: str) -> Archive:
        return Archive(f"opendebates/{name}{number}", f"{name}-sha-{number}", 1)

    return Manifest(
        id=f"20261121T080{number}Z-abcdef{number}",
        deployment="opendebates",
        environment="testing",
        commit=f"{number}" * 40,
        author="Ada <ada@example.com>",
        committed=1,
        subject="Change",
        changeset="main",
        built=2,
        tool="0.1.0",
        python="3.11",
        platform="linux-x86_64",
        bundle=archive("bundle"),
        dependencies=(archive("dependencies"), archive("server")),
        dependency_hash="hash",
        program=archive("program"),
        static=archive("static") if static else None,
    )


def test_a_secret_that_would_stand_in_user_data_is_refused_without_showing_it(environment: Environment) -> None:
    with pytest.raises(ConfigError) as refused:
        launch_document(environment, a_release(1), bucket="b", secrets={"DATABASE_PASSWORD": "hunter2"})
    assert "secrets.DATABASE_PASSWORD: expected ssm:/NAME or secretsmanager:ARN#KEY" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_server_is_told_what_to_fetch_and_how_to_run_it(environment: Environment) -> None:
    document = launch_document(environment, a_release(1), bucket="b", role="worker", group="g", hook="h")
    assert set(document) == {
        "deployment", "environment", "role", "region", "bucket", "program", "release", "dependencies", "static",
        "commands", "port", "health", "min_healthy_time", "gate_timeout", "environ", "secrets", "group", "hook",
        "python",
    }  # fmt: skip
    assert document["release"] == {
        "key": "opendebates/bundle1", "sha256": "bundle-sha-1", "id": "20261121T0801Z-abcdef1",
        "commit": "1" * 40,
    }  # fmt: skip
    assert document["dependencies"][0] == {"key": "opendebates/dependencies1", "sha256": "dependencies-sha-1"}
    assert (document["role"], document["group"], document["hook"]) == ("worker", "g", "h")
    assert document["commands"]["start"] == ["{python}", "main.py"]


def test_the_server_program_understands_the_document_and_it_fits_into_user_data(environment: Environment) -> None:
    sha256 = "0123456789abcdef" * 4
    manifest = replace(
        a_release(1),
        bundle=Archive("opendebates/bundles/x", sha256, 1),
        dependencies=(Archive("opendebates/dependencies/x", sha256, 1),),
        static=Archive("opendebates/static/x", sha256, 1),
    )
    document = launch_document(environment, manifest, bucket="b", secrets={"KEY": "ssm:/key"})
    understood = parse(json.loads(json.dumps(document)))
    assert (understood.release, understood.commit) == (manifest.id, manifest.commit)
    assert understood.health.timeout == environment.health.timeout
    assert render_user_data(document).startswith("#!/bin/bash")


def test_a_new_server_gets_the_live_releases_static_files_after_its_own(environment: Environment) -> None:
    document = launch_document(environment, a_release(2), bucket="b", live=a_release(1))
    assert [archive["key"] for archive in document["static"]] == ["opendebates/static2", "opendebates/static1"]


@pytest.mark.parametrize("live", [None, a_release(2), a_release(1, static=False)])
def test_static_files_are_named_once(environment: Environment, live: Manifest | None) -> None:
    document = launch_document(environment, a_release(2), bucket="b", live=live)
    assert [archive["key"] for archive in document["static"]] == ["opendebates/static2"]


def test_the_configs_settings_come_before_the_stacks_and_a_secret_has_no_plain_value_beside_it(
    environment: Environment,
) -> None:
    application = replace(environment.application, environ={"MODE": "x", "KEY": "plain"})
    document = launch_document(
        replace(environment, application=application),
        a_release(1),
        bucket="b",
        environ={"DATABASE_HOST": "db", "MODE": "of the stack"},
        secrets={"KEY": "ssm:/key"},
    )
    assert document["secrets"] == {"KEY": "ssm:/key"}
    assert document["environ"] == {"DATABASE_HOST": "db", "MODE": "x"}
