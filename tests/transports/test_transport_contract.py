"""Every transport keeps the contract's promises: in memory, and by SSH to a real server."""

from __future__ import annotations

import getpass
import hashlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fabfile.transports.contract import Transport
from fabfile.transports.memory import MemoryTransport
from fabfile.transports.ssh import SshTransport
from tests.transports.sshd import sshd


def shell(argv: Sequence[str], given: bytes | None) -> tuple[int, str, str]:
    """Stand for a host: run it here."""
    done = subprocess.run(argv, input=given or b"", capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module", params=["memory", "ssh"])
def transport(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transport]:
    if request.param == "memory":
        yield MemoryTransport({"real": shell, "real-2": shell})
        return
    with sshd(tmp_path_factory.mktemp("sshd")) as config:
        yield SshTransport(getpass.getuser(), config)


def test_a_host_that_is_gone_is_a_result_beside_the_others(transport: Transport) -> None:
    real, gone, other = transport.run(["real", "gone", "real-2"], ["echo", "hello"])
    assert (real.out, other.out) == ("hello\n", "hello\n")
    assert (gone.host, gone.exit, gone.ok) == ("gone", -1, False)
    assert gone.error


def test_a_failing_command_gives_its_exit_code_and_both_outputs(transport: Transport) -> None:
    (result,) = transport.run(["real"], ["sh", "-c", "echo seen; echo why >&2; exit 7"])
    assert (result.exit, result.out, result.err, result.ok) == (7, "seen\n", "why\n", False)


@pytest.mark.parametrize("argument", ["a b", "$HOME", "`id`", "'", '"', "*", "a\nb", "", "-n; false", "é☃"])
def test_arguments_arrive_as_they_were_given(transport: Transport, argument: str) -> None:
    (result,) = transport.run(["real"], ["printf", "[%s]", argument])
    assert result.out == f"[{argument}]"


def test_input_reaches_the_command_byte_by_byte(transport: Transport) -> None:
    given = bytes(range(256)) * 2000
    (result,) = transport.run(["real"], ["sha256sum"], input=given)
    assert result.out.split()[0] == hashlib.sha256(given).hexdigest()


def test_a_file_is_put_whole_and_its_folder_made(transport: Transport, tmp_path: Path) -> None:
    content = bytes(range(256)) * 300
    path = tmp_path / "new folder" / "it's.bin"
    results = transport.put(["real", "gone"], content, str(path))
    assert [result.ok for result in results] == [True, False]
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == ["it's.bin"]


def test_no_hosts_give_no_results(transport: Transport) -> None:
    assert transport.run([], ["true"]) == []


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshTransport]:
    with sshd(tmp_path_factory.mktemp("sshd")) as config:
        yield SshTransport(getpass.getuser(), config)


def test_a_host_whose_key_is_not_known_is_not_talked_to(ssh: SshTransport) -> None:
    (result,) = ssh.run(["unknown-key"], ["true"])
    assert "not found in known_hosts" in result.error


def test_a_command_that_does_not_end_is_given_up(ssh: SshTransport) -> None:
    (result,) = ssh.run(["real"], ["sleep", "600"], timeout=1.0)
    assert result.error == "it had not ended after 1 s"
