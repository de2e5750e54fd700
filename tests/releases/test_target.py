"""What a release is built for follows from the environment."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.config.environment import Environment, Provider, RoleSettings
from fabfile.errors import ConfigError
from fabfile.releases.target import target_of, this_machine


def on_aws(environment: Environment, python: str = "python3.12", **types: str) -> Environment:
    roles = {role: RoleSettings(1, name, 8, "gp3") for role, name in types.items()}
    return replace(environment, provider=Provider.AWS, python=python, roles=roles)


def test_servers_of_two_architectures_are_refused(environment: Environment) -> None:
    with pytest.raises(ConfigError, match=r"different processors \(web t3.small, worker t4g.small\)"):
        target_of(on_aws(environment, web="t3.small", worker="t4g.small"))


@pytest.mark.parametrize(
    ("instance_type", "machine"),
    [("t3.small", "x86_64"), ("g4dn.xlarge", "x86_64"), ("m7i-flex.large", "x86_64"), ("t4g.small", "aarch64"),
     ("im4gn.large", "aarch64"), ("x2gd.medium", "aarch64"), ("g5g.xlarge", "aarch64"), ("a1.large", "aarch64")],
)  # fmt: skip
def test_the_architecture_follows_from_the_instance_type(
    environment: Environment, instance_type: str, machine: str
) -> None:
    assert target_of(on_aws(environment, web=instance_type)).machine == machine


@pytest.mark.parametrize(
    ("python", "version", "interpreter"),
    [("python3.12", "3.12", "python3.12"), ("3.12", "3.12", "python3.12"), ("/bin/python3.9", "3.9", "/bin/python3.9")],
)  # fmt: skip
def test_the_version_follows_from_the_name_of_the_program(
    environment: Environment, python: str, version: str, interpreter: str
) -> None:
    target = target_of(on_aws(environment, python, web="t3.small"))
    assert (target.python, target.interpreter) == (version, interpreter)


def test_for_another_machine_pip_takes_wheels_only(environment: Environment) -> None:
    options = target_of(on_aws(environment, web="t4g.small")).pip_options
    assert options[:6] == ("--python-version", "3.12", "--implementation", "cp", "--only-binary", ":all:")
    assert "manylinux_2_28_aarch64" in options
    assert "manylinux2014_aarch64" in options


def test_an_embedded_environment_is_this_machine(environment: Environment) -> None:
    target = target_of(environment)
    assert target == this_machine()
    assert target.pip_options == ()
    assert target.runs_here
