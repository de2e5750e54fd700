"""Make a backup: the server dumps, is given an address to send it to, and then the manifest says that it is there."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from ..errors import UsageError
from ..releases.archives import sha256_of
from ..releases.store import Store
from .asking import DatabaseServer
from .catalogue import Backup, Catalogue

_MAGIC = b"PGDMP"  # what pg_dump's custom format begins with


class Addresses(Protocol):
    """Addresses of one object each, signed by the deployer, that whoever has one may use for an hour."""

    def upload(self, key: str, sha256: str) -> tuple[str, Mapping[str, str]]:
        """Return where to PUT a new object with that SHA-256, and the headers to send."""
        ...

    def download(self, key: str) -> str:
        """Return where to GET an object."""
        ...


def new_backup_id(now: float) -> str:
    """Return an id that sorts by time and that no two backups share."""
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def make_backup(
    place: tuple[str, str], server: DatabaseServer, addresses: Addresses, catalogue: Catalogue, now: float
) -> Backup:
    """Make a backup of a deployment's environment (`place`).

    Dying in between leaves at most a dump without a manifest, which is no backup, and a file on the server, which
    the next dump there removes after a day.
    """
    name = new_backup_id(now)
    told = server.ask("dump", {"id": name})
    backup = Backup(name, *place, str(told["sha256"]), int(told["size"]), str(told["server"]), now)
    url, headers = addresses.upload(backup.key, backup.sha256)
    server.ask("send", {"id": name, "url": url, "headers": dict(headers)})
    catalogue.add(backup)
    return backup


def adopt_file(place: tuple[str, str], path: Path, store: Store, catalogue: Catalogue, now: float) -> Backup:
    """Put a dump of one's own among an environment's backups; raises `UsageError` for what is no dump."""
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            seen = "it is no dump in PostgreSQL's custom format"
            raise UsageError(f"restore {path}", seen, "Make one by pg_dump --format=custom")
    backup = Backup(new_backup_id(now), *place, sha256_of(path), path.stat().st_size, "", now)
    store.put_new(backup.key, path, backup.sha256)
    catalogue.add(backup)
    return backup
