"""User data: small, clean for ShellCheck, and it brings a machine to its server program."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fabfile.errors import UsageError
from fabfile.releases import server
from fabfile.releases.user_data import LIMIT, build_server_program, render_user_data

from .cloud import Cloud
from .machine import Machine

RELEASE = "20261121T0114Z-1a2b3c4"
SYSTEMCTL = '#!/bin/sh\necho "$@" >>"$SYSTEMCTL_LOG"\n'


def document(machine: Machine, cloud: Cloud, **changes: Any) -> dict[str, Any]:
    return machine.document(RELEASE, program=cloud.put("server.pyz", build_server_program()), **changes)


def run(machine: Machine, script: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "systemctl").write_text(SYSTEMCTL)
    (programs / "systemctl").chmod(0o755)
    environment = {
        **machine.environment,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "SYSTEMCTL_LOG": str(tmp_path / "systemctl.log"),
    }
    (tmp_path / "user-data").write_text(script)
    return subprocess.run(
        ["bash", str(tmp_path / "user-data")], env=environment, capture_output=True, text=True, check=False
    )


def test_a_server_program_with_another_checksum_is_not_installed_and_the_launch_abandoned(
    machine: Machine, cloud: Cloud, tmp_path: Path
) -> None:
    script = render_user_data(document(machine, cloud))
    cloud.objects["server.pyz"] += b"tampered"
    machine.program.unlink()
    result = run(machine, script, tmp_path)
    assert result.returncode == 1
    assert "its SHA-256 is" in result.stderr
    assert "user data failed at line" in result.stderr
    assert cloud.results == ["ABANDON"]
    assert not machine.program.exists()
    assert not (tmp_path / "systemctl.log").exists()


def test_more_than_ec2_takes_is_refused(machine: Machine, cloud: Cloud) -> None:
    environ = {f"KEY{number}": hashlib.sha256(bytes([number])).hexdigest() for number in range(200)}
    with pytest.raises(UsageError, match="EC2 takes 16384"):
        render_user_data(document(machine, cloud, environ=environ))


def test_a_package_name_that_is_none_is_refused(machine: Machine, cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="no Debian package"):
        render_user_data(document(machine, cloud, packages=["libpq5", "x; reboot"]))


def test_it_fetches_the_program_and_starts_the_service(machine: Machine, cloud: Cloud, tmp_path: Path) -> None:
    machine.program.unlink()
    wanted = document(machine, cloud)
    result = run(machine, render_user_data(wanted), tmp_path)
    assert result.returncode == 0, result.stderr
    assert machine.program.read_bytes() == build_server_program()
    assert json.loads((machine.root / "opt/fabscale/server.json").read_text()) == wanted
    unit = (machine.root / "etc/systemd/system/fabscale.service").read_text()
    assert f'Environment="FABSCALE_ROOT={machine.root}"' in unit
    assert f'Environment="AWS_ENDPOINT_URL={cloud.url}"' in unit
    assert (tmp_path / "systemctl.log").read_text() == "daemon-reload\nenable --now fabscale\n"
    assert machine.ask("status")["release"] == ""


def test_shellcheck_finds_nothing_and_there_is_room_left(machine: Machine, cloud: Cloud, tmp_path: Path) -> None:
    script = render_user_data(document(machine, cloud, packages=["libpq5", "libjpeg62-turbo"]))
    assert len(script) < LIMIT - 1000
    (tmp_path / "user-data.sh").write_text(script)
    result = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), tmp_path / "user-data.sh"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_the_server_program_is_the_same_bytes_every_time_and_python_3_9() -> None:
    assert build_server_program() == build_server_program()
    for path in Path(server.__file__).parent.glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))
