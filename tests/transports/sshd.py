"""Debian's SSH server on a free loopback port, for one test module."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SSHD = Path("/usr/sbin/sshd")
DEADLINE = 60.0


@contextmanager
def sshd(folder: Path) -> Iterator[Path]:
    """Run the server with keys of its own; yields an ssh_config in which it is the host `real`."""
    if not SSHD.exists():
        if os.environ.get("CI"):
            pytest.fail("/usr/sbin/sshd is not installed: apt-get install openssh-server")
        pytest.skip("/usr/sbin/sshd is not installed: apt-get install openssh-server")
    keygen = shutil.which("ssh-keygen") or "ssh-keygen"
    for name in ("host", "user"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = folder / "sshd_config"
    settings.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder / 'host'}\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder / 'authorized'}\nPidFile none\nPermitRootLogin yes\nMaxStartups 100\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", settings], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield _ssh_config(folder, port)
    finally:
        server.terminate()
        server.wait(DEADLINE)


def _ssh_config(folder: Path, port: int) -> Path:
    known = folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "nobody").write_text("")
    common = f"  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {folder / 'user'}\n"
    config = folder / "ssh_config"
    config.write_text(
        f"Host real real-2\n{common}  UserKnownHostsFile {known}\n"
        f"Host unknown-key\n{common}  UserKnownHostsFile {folder / 'nobody'}\n"
        "Host gone\n  HostName 127.0.0.1\n  Port 9\n"
    )
    return config


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"sshd does not listen on {port}")
