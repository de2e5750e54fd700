"""A register in a file, for deploys that all start on one machine: JSON under `flock`."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

from ..errors import Unreachable
from .lease import Record


class FileRegister:
    """One record in the file `path`, whose folder is made when it is not there.

    Not for network file systems.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Record | None:
        with self._locked() as file:
            return _parse(file.read())

    def swap(self, expected: Record | None, new: Record) -> bool:
        with self._locked() as file:
            if _parse(file.read()) != expected:
                return False
            file.seek(0)
            file.truncate()
            file.write(json.dumps(asdict(new)))
            return True

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        """Open the file and hold its lock; closing it flushes, then lets go."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+", encoding="utf-8") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                yield file
        except OSError as error:
            raise Unreachable(f"lock with {self._path}", str(error), "Make the file writable") from error


def _parse(text: str) -> Record | None:
    """Read a record; a torn one (its writer was killed in mid-write) counts as none."""
    try:
        return Record(**json.loads(text))
    except (ValueError, TypeError):
        return None
