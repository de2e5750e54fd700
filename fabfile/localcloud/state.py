"""The embedded cloud's folder: what is written where below `.fab/`, and how files there are replaced.

In: a checkout's `.fab/`. Out: paths, and the record of a running cloud. Never: processes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

# Every process of a cloud carries its folder in this variable, so that it can be found when nothing else
# knows it.
MARKER = "FABSCALE_CLOUD"


@dataclass(frozen=True)
class CloudFolder:
    """`.fab/local/` of one checkout."""

    root: Path

    @classmethod
    def of(cls, state: Path) -> CloudFolder:
        """Return the folder of the checkout whose `.fab/` is given (`Environment.state`)."""
        return cls(state.resolve() / "local")

    @property
    def record(self) -> Path:
        return self.root / "cloud.json"

    @property
    def settings(self) -> Path:
        return self.root / "settings.json"

    @property
    def network(self) -> Path:
        return self.root / "network.json"

    @property
    def log(self) -> Path:
        return self.root / "daemon.log"

    @property
    def lock(self) -> Path:
        return self.root / "daemon.lock"

    @property
    def envoy(self) -> Path:
        return self.root / "envoy"

    @property
    def tls(self) -> Path:
        """Certificates of the cloud's own authority; `ca.pem` is what clients verify against."""
        return self.root / "tls"

    @property
    def caches(self) -> Path:
        return self.root / "caches"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"


@dataclass(frozen=True)
class CloudRecord:
    """A cloud that came up: how it is reached, and which process it is."""

    endpoint: str
    pid: int
    network: str
    started: str  # ISO 8601, UTC
    versions: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)


def read_record(folder: CloudFolder) -> CloudRecord | None:
    """Return what the daemon wrote when it was ready, or None when no cloud is up."""
    try:
        return CloudRecord(**json.loads(folder.record.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None


def write_record(folder: CloudFolder, record: CloudRecord) -> None:
    replace(folder.record, json.dumps(asdict(record), indent=2) + "\n")


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old content or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)
