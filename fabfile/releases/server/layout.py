"""Where everything lies on a server, and how files there change: whole, or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import document
from .failures import ServerError

LOCK_PATIENCE = 900.0  # seconds: an installation that somebody else began may take as long
RECORD = ".fabscale.json"  # a release's own server.json, in its folder


@dataclass(frozen=True)
class Layout:
    """The paths below `root`, which is "/" on a machine of its own.

    `cache` is a folder of unpacked dependencies that outlives or serves several servers: an image may bring one, and
    the embedded cloud's machines share theirs, as they share a disk.
    """

    root: Path
    cache: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> Layout:
        cache = environ.get("FABSCALE_DEPENDENCIES")
        return cls(Path(environ.get("FABSCALE_ROOT") or "/"), Path(cache) if cache else None)

    @property
    def program(self) -> Path:
        return self.root / "opt/fabscale/server.py"

    @property
    def launched_with(self) -> Path:
        """The server.json that user data wrote."""
        return self.root / "opt/fabscale/server.json"

    @property
    def app(self) -> Path:
        return self.root / "srv/app"

    @property
    def switched_to(self) -> Path:
        """The server.json of a release that a deploy put here later; without it `launched_with` counts."""
        return self.app / "server.json"

    @property
    def releases(self) -> Path:
        return self.app / "releases"

    @property
    def dependencies(self) -> Path:
        return self.cache or self.app / "dependencies"

    @property
    def current(self) -> Path:
        return self.app / "current"

    @property
    def previous(self) -> Path:
        return self.app / "previous"

    @property
    def shared(self) -> Path:
        return self.app / "shared"

    @property
    def static(self) -> Path:
        return self.shared / "static"

    @property
    def run(self) -> Path:
        return self.shared / "run"

    @property
    def log(self) -> Path:
        return self.shared / "log"

    @property
    def env(self) -> Path:
        return self.shared / "env"

    @property
    def migrations(self) -> Path:
        return self.shared / "migrations"

    @property
    def config(self) -> Path:
        """Files that an operator put here appear in every release under the same name."""
        return self.shared / "config"

    def make(self) -> None:
        """Make the folders; the ones that hold secrets or a socket are their owner's only."""
        for folder in (self.releases, self.dependencies, self.static, self.log, self.migrations, self.config):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.env, self.run):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def release(self, release: str) -> Path:
        return self.releases / release

    def wanted(self) -> document.Document:
        """Return what this server is to run."""
        return document.read(self.switched_to if self.switched_to.exists() else self.launched_with)

    def record(self, release: str) -> document.Document:
        """Return the server.json that a release was installed with; raises ServerError when it is not here."""
        return document.read(self.release(release) / RECORD)

    def installed(self) -> tuple[str, ...]:
        """Return the releases that are complete on this server, oldest name first."""
        return tuple(sorted(path.parent.name for path in self.releases.glob(f"*/{RECORD}")))

    def linked(self, link: Path) -> str:
        """Return the release that `current` or `previous` points to, "" for none."""
        return Path(os.readlink(link)).name if link.is_symlink() else ""

    @contextmanager
    def locked(self, name: str = "install") -> Iterator[None]:
        """Hold one of this server's locks; a second one waits, and raises ServerError after 15 minutes."""
        self.make()
        with (self.run / f"{name}.lock").open("a") as file:
            until = time.monotonic() + LOCK_PATIENCE
            while not _taken(file.fileno()):
                if time.monotonic() > until:
                    raise ServerError(f"take this server's {name} lock", "another command has held it all the time")
                time.sleep(0.05)
            yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write(path: Path, content: str, mode: int = 0o644) -> None:
    """Replace a file by a whole new one, never readable for more than `mode` says."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return a file's JSON object, {} when it is not there or was never finished."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def point(link: Path, target: Path) -> None:
    """Let a link point elsewhere, at once for everybody who follows it."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(os.path.relpath(target, link.parent))
    temporary.replace(link)
