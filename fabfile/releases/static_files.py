"""Static files, collected when a release is built, in an archive that servers of other releases take, too."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config.environment import Application
from ..errors import UsageError
from .archives import pack_folder
from .target import plain_python

_FORMAT = 1
_SECONDS = 900
_TAIL = 4
# All that the command gets of this process's environment: no secrets, no developer's own settings.
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")
_UNKNOWN = "not-known-while-building"
# What servers get from their environment's stack; settings that insist on it must be readable at build, too.
_OF_THE_STACK = {
    **dict.fromkeys(("SECRET_KEY", "DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD"), _UNKNOWN),
    "DATABASE_PORT": "5432",
}


@dataclass(frozen=True)
class Collecting:
    """All that collected static files depend on."""

    application: Application
    commit: str
    bundle: str  # SHA-256
    dependencies: str  # hash

    @property
    def identity(self) -> str:
        application = self.application
        settings = (application.static, application.static_root, sorted(application.environ.items()))
        asked = json.dumps([_FORMAT, settings, self.commit, self.bundle, self.dependencies])
        return hashlib.sha256(asked.encode()).hexdigest()


def collect(
    collecting: Collecting, checkout: Callable[[], Path], dependencies: Callable[[], Path], cache: Path
) -> Path | None:
    """Return the archive of a release's static files, or None when it has none.

    The `static` command runs in a checkout, with STATIC_ROOT naming an empty folder; one that ignores it
    is expected to write to `static_root`. `checkout` and `dependencies` are asked for only if something is to do.
    """
    if not collecting.application.static:
        return None
    target = cache / f"{collecting.identity}.tar.gz"
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix="fabscale-static-") as collected:
            folder = checkout()
            _run(collecting, folder, dependencies(), Path(collected))
            own = folder / collecting.application.static_root
            found = own if not any(Path(collected).iterdir()) and own.is_dir() else Path(collected)
            pack_folder(found, target)
    return target


def _run(collecting: Collecting, checkout: Path, dependencies: Path, static_root: Path) -> None:
    application = collecting.application
    filled = {"{python}": plain_python(), "{release}": str(checkout), "{shared}": str(static_root.parent)}
    command = [_fill(argument, filled) for argument in application.static]
    what = f"collect the static files of {collecting.commit[:7]}"
    try:
        done = subprocess.run(
            command,
            cwd=checkout,
            env=_environ(collecting, checkout, dependencies, static_root),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise UsageError(what, f"there is no program {command[0]!r}", "Check `application.static`") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(what, f"`{' '.join(command)}` did not end within {_SECONDS} s") from error
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise UsageError(
            what,
            f"`{' '.join(application.static)}` ended with {done.returncode}: {' / '.join(said[-_TAIL:])}",
            "Try it in a fresh clone of the commit",
        )


def _environ(collecting: Collecting, checkout: Path, dependencies: Path, static_root: Path) -> Mapping[str, str]:
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **_OF_THE_STACK,
        **dict.fromkeys(collecting.application.secrets, _UNKNOWN),
        **collecting.application.environ,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join((str(checkout), str(dependencies))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "STATIC_ROOT": str(static_root),
        "RELEASE_COMMIT": collecting.commit,
    }


def _fill(argument: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace(name, value)
    return argument
