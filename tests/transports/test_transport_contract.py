"""Every transport keeps the contract's promises: in memory, and by SSH to a real server."""

from __future__ import annotations

import getpass
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from fabfile.apply.program import shell_command
from fabfile.transports.contract import Line, Result, Said, Transport
from fabfile.transports.memory import MemoryTransport
from fabfile.transports.ssh import SshTransport
from tests.transports.sshd import sshd

Following = MemoryTransport | SshTransport


def shell(argv: Sequence[str], given: bytes | None) -> tuple[int, str, str]:
    """Stand for a host: run it here."""
    done = subprocess.run(argv, input=given or b"", capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module", params=["memory", "ssh"])
def transport(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Following]:
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


def ended(said: Sequence[Said]) -> dict[str, Result]:
    return {each.host: each for each in said if isinstance(each, Result)}


def test_lines_of_a_command_that_is_followed_come_before_its_result(transport: Following) -> None:
    said = list(transport.follow(["real"], ["sh", "-c", "echo one; echo two; echo why >&2; exit 3"]))
    lines = [each for each in said if isinstance(each, Line)]
    assert [line.text for line in lines if not line.error] == ["one", "two"]
    assert [line.text for line in lines if line.error] == ["why"]
    result = said[-1]
    assert isinstance(result, Result)
    assert (result.host, result.exit, result.out, result.err, result.reached) == (
        "real",
        3,
        "one\ntwo\n",
        "why\n",
        True,
    )


def test_a_host_that_is_gone_is_a_result_beside_the_others_that_are_followed(transport: Following) -> None:
    results = ended(list(transport.follow(["real", "gone", "real-2"], ["printf", "%s\n", "it's $HOME"], at_once=2)))
    assert (results["real"].out, results["real-2"].out) == ("it's $HOME\n", "it's $HOME\n")
    assert (results["gone"].exit, results["gone"].reached, bool(results["gone"].error)) == (-1, False, True)


def test_no_hosts_are_followed_to_no_end(transport: Following) -> None:
    assert list(transport.follow([], ["true"])) == []


def test_what_a_followed_command_is_given_comes_before_its_input_ends(ssh: SshTransport) -> None:
    said = list(ssh.follow(["real"], ["sh", "-c", "read -r line; echo got $line"], input=b"it\n"))
    assert ended(said)["real"].out == "got it\n"


def test_a_followed_command_that_does_not_end_is_ended_and_has_a_code_of_its_own(ssh: SshTransport) -> None:
    (result,) = ended(list(ssh.follow(["real"], shell_command("echo begun; sleep 600", 600), timeout=1.0))).values()
    assert (result.exit, result.reached, result.error) == (124, True, "it had not ended after 1 s")


def test_a_shell_command_ends_with_whoever_followed_it(ssh: SshTransport, tmp_path: Path) -> None:
    """All that it started goes: the shell notes its process group, which has no member left."""
    noted = tmp_path / "group"
    said = ssh.follow(["real"], shell_command(f"sleep 600 & echo $$ > {noted}; echo begun; wait", 600))
    assert next(each for each in said if each is not None) == Line("real", "begun")
    said.close()
    group = int(noted.read_text())
    until = time.monotonic() + 60
    while _lives(group):
        assert time.monotonic() < until, f"process group {group} goes on"
        time.sleep(0.05)


def test_a_shell_command_is_the_users_own_string_and_keeps_its_exit_code(ssh: SshTransport) -> None:
    (result,) = ended(
        list(ssh.follow(["real"], shell_command("x='a  b'; echo \"$x\" | tr a-z A-Z; exit 7", 60)))
    ).values()
    assert (result.out, result.exit, result.error) == ("A  B\n", 7, "")


def test_no_more_hosts_than_were_said_run_a_command_at_a_time(ssh: SshTransport, tmp_path: Path) -> None:
    """Each makes a folder that is there only while it runs."""
    busy = f"mkdir {tmp_path}/busy || exit 9; sleep 0.2; rmdir {tmp_path}/busy"
    results = ended(list(ssh.follow(["real", "real-2"], ["sh", "-c", busy], at_once=1)))
    assert [result.exit for result in results.values()] == [0, 0]


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
