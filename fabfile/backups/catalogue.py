"""Which backups there are: a dump and its manifest each; one without a manifest was never finished."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..releases.store import Store


@dataclass(frozen=True)
class Backup:
    """A complete dump; `made` in seconds since the epoch, `size` in bytes, `server` is PostgreSQL's version."""

    id: str
    deployment: str
    environment: str
    sha256: str
    size: int
    server: str
    made: float

    @property
    def key(self) -> str:
        return f"{folder_of(self.deployment, self.environment)}{self.id}.dump"

    @property
    def amount(self) -> str:
        """Its size as people read it: 1536 bytes are 1.5 KiB."""
        return f"{self.size / 2**20:.1f} MiB" if self.size >= 2**20 else f"{self.size / 2**10:.1f} KiB"


def folder_of(deployment: str, environment: str) -> str:
    """Return what the keys of an environment's backups begin with; servers' roles are denied it."""
    return f"{deployment}/backups/{environment}/"


class Catalogue:
    """One environment's backups in a store."""

    def __init__(self, store: Store, deployment: str, environment: str) -> None:
        self._store = store
        self._place = f"{deployment},{environment}"
        self.folder = folder_of(deployment, environment)

    def complete(self, limit: int = 0) -> tuple[Backup, ...]:
        """Return the backups, the newest first; `limit` reads no more than so many manifests."""
        names = sorted((key for key in self._store.list(self.folder) if key.endswith(".json")), reverse=True)
        return tuple(self._read(key) for key in (names[:limit] if limit else names))

    def find(self, name: str) -> Backup:
        """Return the backup of an id, or of its key; raises `UsageError` for another environment's, or none."""
        what = f"take the backup {name}"
        if "/" in name and not name.startswith(self.folder):
            raise UsageError(what, f"it is neither a file here nor a backup of {self._place}")
        identifier = name.removeprefix(self.folder).removesuffix(".dump")
        key = f"{self.folder}{identifier}.json"
        if self._store.find(key) is None:
            unfinished = self._store.find(f"{self.folder}{identifier}.dump") is not None
            seen = "it was never finished" if unfinished else f"{self._place} has none of that name, nor is it a file"
            raise UsageError(what, seen, f"Run fab dbbackups:{self._place}")
        return self._read(key)

    def newest(self) -> Backup:
        """Return the newest backup; raises `UsageError` where there is none."""
        found = self.complete(1)
        if not found:
            raise UsageError(
                f"take a backup of {self._place}", "there is none", f"Run fab dbbackup:{self._place} first"
            )
        return found[0]

    def add(self, backup: Backup) -> None:
        """Write a backup's manifest, after its dump: from here on it is one."""
        content = json.dumps(asdict(backup), sort_keys=True).encode()
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            key = f"{self.folder}{backup.id}.json"
            self._store.put_new(key, Path(file.name), sha256(content).hexdigest())

    def _read(self, key: str) -> Backup:
        raw: Mapping[str, Any] = json.loads(self._store.get(key))
        return Backup(**{name: raw[name] for name in Backup.__dataclass_fields__})
