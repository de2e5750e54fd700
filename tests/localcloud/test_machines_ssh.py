"""SSH into machines, with Fabric and with OpenSSH, by the generated configuration."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fabric
import paramiko
import pytest

from fabfile.localcloud.machine.addresses import listening
from fabfile.localcloud.machine.processes import parents
from fabfile.localcloud.machines import ProcessMachines
from fabfile.localcloud.ssh import PORT

from .machines_bench import ENDPOINT, addresses, eventually, pid_in, spec

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.skipif(sys.platform != "linux", reason="machines need Linux"),
]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessMachines]:
    with ProcessMachines(tmp_path_factory.mktemp("a cloud") / "state", endpoint_url=ENDPOINT) as machines:
        yield machines


def up(cloud: ProcessMachines, machine: str) -> str:
    """Start a machine and return its address once SSH answers there."""
    address = next(addresses())
    cloud.start(spec(machine, address))
    eventually(lambda: PORT in listening(address), f"SSH on {address}")
    return address


@pytest.fixture(scope="module")
def address(cloud: ProcessMachines) -> str:
    return up(cloud, "i-ssh")


def connected(cloud: ProcessMachines, address: str) -> fabric.Connection:
    config = fabric.Config(runtime_ssh_path=str(cloud.state / "ssh_config"))
    connection = fabric.Connection(address, config=config)
    connection.client.load_host_keys(str(cloud.state / "ssh" / "known_hosts"))
    connection.client.set_missing_host_key_policy(paramiko.RejectPolicy())
    return connection


@pytest.fixture
def connection(cloud: ProcessMachines, address: str) -> Iterator[fabric.Connection]:
    with connected(cloud, address) as connection:
        yield connection


def openssh(cloud: ProcessMachines, *arguments: str) -> subprocess.CompletedProcess[str]:
    if not shutil.which("ssh"):
        pytest.skip("no ssh: apt-get install openssh-client")
    command = ["ssh", "-F", str(cloud.state / "ssh_config"), "-o", "BatchMode=yes", *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)


def test_another_key_is_refused(cloud: ProcessMachines, address: str) -> None:
    client = paramiko.SSHClient()
    client.load_host_keys(str(cloud.state / "ssh" / "known_hosts"))
    key = paramiko.ECDSAKey.generate()
    with client, pytest.raises(paramiko.AuthenticationException):
        client.connect(address, PORT, pkey=key, allow_agent=False, look_for_keys=False)


def test_a_host_that_is_not_one_of_the_machines_is_not_trusted(cloud: ProcessMachines, address: str) -> None:
    refused = openssh(cloud, "-o", "UserKnownHostsFile=/dev/null", address, "true")
    assert refused.returncode == 255
    assert "Host key verification failed" in refused.stderr


def test_a_command_dies_with_its_machine_and_does_not_succeed(cloud: ProcessMachines) -> None:
    address = up(cloud, "i-dies")
    with ThreadPoolExecutor(1) as background:
        command = background.submit(openssh, cloud, address, "echo $$ > pid; exec sleep 1000")
        pid = eventually(lambda: pid_in(cloud.folder("i-dies") / "root-home" / "pid"), "the command")
        cloud.stop("i-dies")
        assert pid not in parents()
        assert command.result().returncode != 0
    assert PORT not in listening(address)


def test_every_exit_status_arrives(connection: fabric.Connection) -> None:
    def status(number: int) -> int:
        return int(connection.run(f"exit {number}", warn=True, hide=True, in_stream=False).return_code)

    assert [status(number) for number in range(50)] == list(range(50))


def test_the_two_outputs_stay_apart(connection: fabric.Connection) -> None:
    result = connection.run("echo out; echo err >&2", hide=True, in_stream=False)
    assert (result.stdout, result.stderr) == ("out\n", "err\n")


def test_a_large_output_arrives_whole(connection: fabric.Connection) -> None:
    result = connection.run("head -c 3000000 /dev/zero | tr '\\0' x", hide=True, in_stream=False)
    assert result.stdout == "x" * 3_000_000


def test_input_reaches_the_command(cloud: ProcessMachines, address: str) -> None:
    client = paramiko.SSHClient()
    client.load_host_keys(str(cloud.state / "ssh" / "known_hosts"))
    with client:
        client.connect(address, PORT, key_filename=str(cloud.state / "ssh" / "id_ed25519"), allow_agent=False)
        stdin, stdout, _ = client.exec_command("sha256sum")
        stdin.write(b"y" * 1_000_000)
        stdin.channel.shutdown_write()
        assert stdout.read().split()[0].decode() == hashlib.sha256(b"y" * 1_000_000).hexdigest()


def test_a_command_runs_in_the_machines_own_environment(cloud: ProcessMachines, connection: fabric.Connection) -> None:
    result = connection.run("pwd; echo $FABSCALE_MACHINE; command -v systemctl", hide=True, in_stream=False)
    folder = cloud.folder("i-ssh")
    home = str((folder / "root-home").resolve())
    assert result.stdout.splitlines() == [home, "i-ssh", str(folder / "bin" / "systemctl")]


def test_a_terminal_is_given_when_asked_for(connection: fabric.Connection) -> None:
    result = connection.run("test -t 0 && tty; exit 4", pty=True, warn=True, hide=True, in_stream=False)
    assert result.return_code == 4
    assert result.stdout.startswith("/dev/pts/")


def test_sudo_runs_commands_as_the_user_that_there_is(connection: fabric.Connection) -> None:
    result = connection.run("sudo -n -u root -H -- env X=1 id -u; sudo Y=2 printenv Y", hide=True, in_stream=False)
    assert result.stdout.split()[1] == "2"


def test_files_go_to_the_machines_home_and_come_back(cloud: ProcessMachines, connection: fabric.Connection) -> None:
    connection.put(io.BytesIO(b"content"), remote="sent.txt")
    assert (cloud.folder("i-ssh") / "root-home" / "sent.txt").read_bytes() == b"content"
    back = io.BytesIO()
    connection.get("sent.txt", local=back)
    assert back.getvalue() == b"content"
    assert connection.sftp().normalize(".") == str((cloud.folder("i-ssh") / "root-home").resolve())


def test_a_detached_process_outlives_its_session(cloud: ProcessMachines, connection: fabric.Connection) -> None:
    connection.run("nohup setsid sleep 1000 >/dev/null 2>&1 & echo $! > detached", hide=True, in_stream=False)
    connection.close()
    pid = pid_in(cloud.folder("i-ssh") / "root-home" / "detached")
    assert pid in parents()


def test_twenty_connect_at_once(cloud: ProcessMachines, address: str) -> None:
    def status(number: int) -> int:
        with connected(cloud, address) as connection:
            return int(connection.run(f"exit {number}", warn=True, hide=True, in_stream=False).return_code)

    with ThreadPoolExecutor(20) as clients:
        assert list(clients.map(status, range(20))) == list(range(20))


def test_openssh_connects_by_the_generated_configuration(cloud: ProcessMachines, address: str) -> None:
    result = openssh(cloud, address, "echo here; exit 7")
    assert (result.stdout, result.returncode) == ("here\n", 7), result.stderr


def test_ssh_answers_again_after_a_reboot(cloud: ProcessMachines) -> None:
    address = up(cloud, "i-again")
    cloud.reboot("i-again")
    eventually(lambda: cloud.console("i-again").count("boot finished") == 2, "the second boot")
    eventually(lambda: openssh(cloud, address, "exit 7").returncode == 7, "SSH after the reboot")
    cloud.stop("i-again")


def test_keys_are_readable_by_their_owner_only(cloud: ProcessMachines) -> None:
    modes = [(cloud.state / "ssh" / name).stat().st_mode & 0o777 for name in ("id_ed25519", "host_ed25519")]
    assert modes == [0o600, 0o600]


def test_the_server_starts_again_when_it_was_killed(cloud: ProcessMachines, address: str, tmp_path: Path) -> None:
    for pid in parents():
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and f"localcloud.ssh\0{cloud.state}".encode() in command.read_bytes():
            subprocess.run(["kill", "-9", str(pid)], check=True)
    eventually(lambda: openssh(cloud, address, "exit 7").returncode == 7, "SSH again")
