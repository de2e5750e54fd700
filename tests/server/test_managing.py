"""The application's own commands on a server: with its environment and secrets, and gone with whoever asked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .cloud import Cloud
from .machine import Machine, wait_for

RELEASE = "20261121T0114Z-1a2b3c4"
SAY = "import os, sys; print(os.environ['PASSWORD'], os.environ['RELEASE'], os.getcwd(), sys.argv[1:]); sys.exit(3)"
LINGER = "import os, pathlib, subprocess, sys, time; child = subprocess.Popen(['sleep', '600']); \
pathlib.Path(sys.argv[1]).write_text(str(child.pid)); print('begun', flush=True); time.sleep(600)"


def running(machine: Machine, cloud: Cloud) -> Machine:
    cloud.parameters["/password"] = "swordfish-7731"
    machine.launch_with(machine.document(RELEASE, secrets={"PASSWORD": "ssm:/password"}))
    machine.boot()
    wait_for(lambda: "is ready" in machine.console, "the site serves")
    return machine


def managing(machine: Machine, code: str, arguments: Sequence[str], seconds: float = 60) -> subprocess.Popen[bytes]:
    """Start a command as a deployer does: the request in the first line, and an input that stays open."""
    process = subprocess.Popen(
        [sys.executable, str(machine.program), "manage"],
        env=machine.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    request = {"manage": ["{python}", "-c", code], "arguments": list(arguments), "seconds": seconds}
    assert process.stdin is not None
    process.stdin.write(json.dumps(request).encode() + b"\n")
    process.stdin.flush()
    return process


def outputs(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Read both to their ends, with the input left open."""
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = process.stdout.read(), process.stderr.read()
    process.wait(60)
    return out, err


def ended(pid_file: Path) -> bool:
    """Whether the process is gone; one that nobody has waited for yet is."""
    status = Path(f"/proc/{pid_file.read_text()}/status")
    try:
        return "State:\tZ" in status.read_text()
    except OSError:
        return True


def test_a_server_without_a_release_says_so(machine: Machine) -> None:
    (machine.app / "shared/run").mkdir(parents=True)
    with managing(machine, SAY, []) as process:
        out, err = outputs(process)
    assert (process.returncode, out) == (125, b"")
    assert err == b"fabscale: cannot run a command: no release is installed on this server.\n"


def test_a_command_has_the_releases_environment_secrets_and_folder_and_its_own_exit_code(
    machine: Machine, cloud: Cloud
) -> None:
    running(machine, cloud)
    arguments = ["a b", "$HOME", "{port}", "it's"]
    with managing(machine, SAY, arguments) as process:
        out, err = outputs(process)
    folder = machine.app / "releases" / RELEASE
    assert (process.returncode, err) == (3, b"")
    assert out.decode() == f"swordfish-7731 {RELEASE} {folder} {arguments}\n"


def test_a_command_ends_with_whoever_asked_and_so_does_what_it_started(
    machine: Machine, cloud: Cloud, tmp_path: Path
) -> None:
    running(machine, cloud)
    with managing(machine, LINGER, [str(tmp_path / "pid")]) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(60) == 143
    wait_for(lambda: ended(tmp_path / "pid"), "what it started ends")


def test_a_command_that_takes_too_long_is_ended_there_too(machine: Machine, cloud: Cloud, tmp_path: Path) -> None:
    running(machine, cloud)
    with managing(machine, LINGER, [str(tmp_path / "pid")], seconds=0.5) as process:
        assert process.wait(60) == 124
