"""The keys of the embedded cloud, and the files by which OpenSSH and Fabric find and trust its machines."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from . import PORT


@dataclass(frozen=True)
class SshFiles:
    """Where they lie below the embedded cloud's state folder."""

    state: Path

    @property
    def config(self) -> Path:
        return self.state / "ssh_config"

    @property
    def user_key(self) -> Path:
        return self.state / "ssh" / "id_ed25519"

    @property
    def host_key(self) -> Path:
        return self.state / "ssh" / "host_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.state / "ssh" / "known_hosts"

    def create(self) -> None:
        """Make the keys unless they are there, and write the configuration."""
        self.user_key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for key in (self.user_key, self.host_key):
            if not key.exists():
                _make_key(key)
        self.know(())
        _write(self.config, self._config())

    def know(self, addresses: Iterable[str]) -> None:
        """Trust the machines at these addresses and no others.

        A line for each: Paramiko knows no patterns in known_hosts.
        """
        key = self.host_key.with_suffix(".pub").read_text().strip()
        _write(self.known_hosts, "".join(f"[{address}]:{PORT} {key}\n" for address in sorted(addresses)))

    def _config(self) -> str:
        return "\n".join(
            (
                "Host 127.*",
                f"    Port {PORT}",
                f"    User {getpass.getuser()}",
                f"    IdentityFile {_quoted(self.user_key)}",
                "    IdentitiesOnly yes",
                f"    UserKnownHostsFile {_quoted(self.known_hosts)}",
                "    GlobalKnownHostsFile /dev/null",
                "    StrictHostKeyChecking yes",
                "    PasswordAuthentication no",
                "",
            )
        )


def _make_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    _write(path.with_suffix(".pub"), f"{public}\n")
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode())


def _write(path: Path, text: str) -> None:
    """Write a file for its owner only, so that who reads it meanwhile sees the old or the new one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.touch(mode=0o600)
    new.write_text(text)
    new.replace(path)


def _quoted(path: Path) -> str:
    return f'"{str(path).replace("%", "%%")}"'
