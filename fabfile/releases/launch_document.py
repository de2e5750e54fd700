"""What a server is told at launch: server.json, all that it needs to know and no secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..config.environment import Environment
from ..errors import ConfigError
from .manifest import Archive, Manifest
from .target import target_of

_SOURCES = ("ssm:/", "secretsmanager:")


def launch_document(
    environment: Environment,
    manifest: Manifest,
    *,
    bucket: str,
    role: str = "web",
    live: Manifest | None = None,
    group: str = "",
    hook: str = "",
    environ: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the document for one role's servers of a release.

    `live` is the release that serves now: its static files come too, so that new servers have them for its pages.
    `environ` and `secrets` (a variable → where the server fetches it) are the environment's own, such as its
    database; the application's from the config come before them. Raises `ConfigError` for a secret that would
    stand in the document itself.
    """
    application = environment.application
    fetched = {**(secrets or {}), **application.secrets}
    _check_secrets(environment, fetched)
    told = {**(environ or {}), **application.environ}
    return {
        "deployment": environment.deployment,
        "environment": environment.name,
        "role": role,
        "region": environment.region,
        "bucket": bucket,
        "program": _fetched(manifest.program),
        "release": _release(manifest),
        "dependencies": [_fetched(archive) for archive in manifest.dependencies],
        "static": _static(manifest, live),
        "commands": {
            "start": list(application.start),
            "worker": list(application.worker),
            **{f"worker-{name}": list(words) for name, words in application.workers.items()},
            "migrate": list(application.migrate),
            "post_migrate": list(application.post_migrate),
        },
        "port": environment.app_port,
        "health": {
            "path": environment.health.path,
            "headers": dict(environment.health.headers),
            "success": environment.health.success,
            "timeout": environment.health.timeout,
        },
        "min_healthy_time": environment.rollout.min_healthy_time,
        "gate_timeout": environment.rollout.slot_deadline,
        "environ": {name: value for name, value in told.items() if name not in fetched},
        "secrets": fetched,
        "group": group,
        "hook": hook,
        "python": target_of(environment).interpreter,
    }


def _release(manifest: Manifest) -> dict[str, Any]:
    large = {"large": _fetched(manifest.large)} if manifest.large else {}
    return {**_fetched(manifest.bundle), **large, "id": manifest.id, "commit": manifest.commit}


def _static(manifest: Manifest, live: Manifest | None) -> list[dict[str, str]]:
    """The release's own files first: where both have a name, a server keeps what it unpacked first."""
    archives = [manifest.static, live.static if live else None]
    return [_fetched(archive) for archive in dict.fromkeys(archives) if archive]


def _fetched(archive: Archive) -> dict[str, str]:
    return {"key": archive.key, "sha256": archive.sha256}


def _check_secrets(environment: Environment, secrets: Mapping[str, str]) -> None:
    plain = tuple(name for name, source in secrets.items() if not source.startswith(_SOURCES))
    if plain:
        raise ConfigError(
            f"launch servers of {environment.deployment} {environment.name}",
            "a secret would stand in their user data, which anybody on a server can read",
            "Store it in Parameter Store or Secrets Manager, and give its place",
            tuple(f"secrets.{name}: expected ssm:/NAME or secretsmanager:ARN#KEY" for name in plain),
        )
