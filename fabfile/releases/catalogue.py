"""Which releases an environment has: their manifests in the bundle store."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from ..config.environment import Environment
from ..errors import UsageError
from .archives import sha256_of
from .manifest import Manifest
from .store import Store

_SAME_MINUTE = 100
_SUFFIX = ".json"


def load_manifest(environment: Environment, store: Store, release: str) -> Manifest:
    """Read a release's manifest; raises `UsageError`, naming the newest releases, when there is none."""
    key = f"{_prefix(environment.deployment, environment.name)}{release}{_SUFFIX}"
    if store.find(key) is None:
        newest = [Path(known).stem for known in _newest(environment, store, 5)]
        raise UsageError(
            f"use the release {release!r} of {environment.deployment} {environment.name}",
            "there is no such release",
            f"The newest are: {', '.join(newest)}" if newest else "None was built yet",
        )
    return Manifest.from_json(store.get(key))


def list_releases(environment: Environment, store: Store, limit: int = 20) -> tuple[Manifest, ...]:
    """Return the environment's releases, the newest first."""
    return tuple(Manifest.from_json(store.get(key)) for key in _newest(environment, store, limit))


def store_manifest(manifest: Manifest, store: Store) -> Manifest:
    """Store a manifest under the first free id and return it as stored.

    The same content built twice in one minute, by two CI jobs of one commit, is one release.
    """
    first = manifest.id
    for number in range(1, _SAME_MINUTE):
        manifest = replace(manifest, id=first if number == 1 else f"{first}-{number}")
        key = f"{_prefix(manifest.deployment, manifest.environment)}{manifest.id}{_SUFFIX}"
        with tempfile.TemporaryDirectory(prefix="fabscale-manifest-") as workplace:
            path = Path(workplace, "manifest")
            path.write_text(manifest.to_json())
            if store.put_new(key, path, sha256_of(path)):
                return manifest
        there = Manifest.from_json(store.get(key))
        if there.same_content(manifest):
            return there
    raise UsageError(f"store the release {first}", "too many were built in this minute", "Wait a minute")


def _newest(environment: Environment, store: Store, limit: int) -> tuple[str, ...]:
    """Return manifests' keys; an id begins with its time, so their order is that of the releases."""
    keys = store.list(_prefix(environment.deployment, environment.name))
    return tuple(reversed(keys))[:limit]


def _prefix(deployment: str, environment: str) -> str:
    return f"{deployment}/releases/{environment}/"
