"""`server.json`: what a server is to run. It holds no secret, only where secrets are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failures import ServerError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stored:
    """An object of the bundle store."""

    key: str
    sha256: str


@dataclass(frozen=True)
class Health:
    """The server's own check, in the balancer's terms; `success` is an ALB matcher such as "200,301" or "200-299"."""

    path: str
    headers: Mapping[str, str]
    success: str
    timeout: float


@dataclass(frozen=True)
class Document:
    """A validated server.json; times in seconds."""

    raw: Mapping[str, Any]
    role: str
    region: str
    bucket: str
    release: str
    commit: str
    bundle: Stored
    large: Stored | None  # more files of the release, in the same folder
    dependencies: tuple[Stored, ...]
    static: tuple[Stored, ...]  # the release's own first: of two files with one name the first stays
    commands: Mapping[str, tuple[str, ...]]
    port: int
    health: Health
    min_healthy_time: float
    gate_timeout: float
    stop_seconds: float
    environ: Mapping[str, str]
    secrets: Mapping[str, str]
    group: str
    hook: str
    python: str
    keep: int

    @property
    def program(self) -> str:
        """The name of the one program that this server runs: "web" or "worker"."""
        return "worker" if self.role == "worker" else "web"


def read(path: Path) -> Document:
    """Read and validate a server.json; raises ServerError naming what is missing or wrong."""
    try:
        return parse(json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise ServerError(f"read {path}", str(error)) from error


def parse(raw: Mapping[str, Any]) -> Document:
    """Validate a server.json's content; raises ServerError."""
    try:
        return _parse(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServerError("understand server.json", f"{type(error).__name__}: {error}") from error


def _parse(raw: Mapping[str, Any]) -> Document:
    health = raw.get("health") or {}
    role = str(raw["role"])
    release = raw["release"]
    return Document(
        raw=raw,
        role=role,
        region=str(raw["region"]),
        bucket=str(raw["bucket"]),
        release=_matching(_ID, release["id"]),
        commit=str(release.get("commit") or release["id"].rpartition("-")[2]),
        bundle=_stored(release),
        large=_stored(release["large"]) if release.get("large") else None,
        dependencies=tuple(map(_stored, raw.get("dependencies", ()))),
        static=tuple(map(_stored, raw.get("static", ()))),
        commands={name: tuple(map(str, command)) for name, command in raw["commands"].items()},
        port=int(raw.get("port", 8000)),
        health=Health(
            path=str(health.get("path", "/")),
            headers={str(name): str(value) for name, value in (health.get("headers") or {}).items()},
            success=str(health.get("success", "200")),
            timeout=float(health.get("timeout", 5.0)),
        ),
        min_healthy_time=float(raw.get("min_healthy_time", 10.0)),
        gate_timeout=float(raw.get("gate_timeout", 600.0)),
        stop_seconds=float(raw.get("stop_seconds", 3600.0 if role == "worker" else 60.0)),
        environ={str(name): str(value) for name, value in raw.get("environ", {}).items()},
        secrets={str(name): str(value) for name, value in raw.get("secrets", {}).items()},
        group=str(raw.get("group") or ""),
        hook=str(raw.get("hook") or ""),
        python=str(raw.get("python") or "python3"),
        keep=int(raw.get("keep", 5)),
    )


def _stored(raw: Mapping[str, Any]) -> Stored:
    return Stored(str(raw["key"]), _matching(_SHA256, raw["sha256"]))


def _matching(pattern: re.Pattern[str], value: object) -> str:
    text = str(value)
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} does not look like {pattern.pattern}")
    return text
