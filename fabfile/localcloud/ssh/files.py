"""SFTP into a machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import asyncssh


class MachineFiles(asyncssh.SFTPServer):
    """Relative paths are below the machine's home; absolute ones are what they are for the machine's commands."""

    def __init__(self, channel: asyncssh.SSHServerChannel[Any], home: Path) -> None:
        super().__init__(channel)
        self._home = os.fsencode(home)

    def map_path(self, path: bytes) -> bytes:
        return os.path.join(self._home, path)
