"""Commands of the application that run where a release is built: in a checkout of the commit, knowing no secret."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config.environment import Application
from ..errors import UsageError
from .target import plain_python

_SECONDS = 900
_TAIL = 4
# All that a command gets of this process's environment: no secrets, no developer's own settings.
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT")
_UNKNOWN = "not-known-while-building"
# What servers get from their environment's stack; settings that insist on it must be readable at build, too.
_OF_THE_STACK = {
    **dict.fromkeys(("SECRET_KEY", "DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD"), _UNKNOWN),
    "DATABASE_PORT": "5432",
}


@dataclass(frozen=True)
class BuildCommand:
    """A command, the key of `application` that it is given by, and what it does, for errors."""

    key: str
    words: tuple[str, ...]
    what: str


def run_at_build(command: BuildCommand, application: Application, checkout: Path, told: Mapping[str, str]) -> None:
    """Run a command in a checkout, with `told` among its variables.

    Raises `UsageError` with its last lines when it fails, is not there, or takes more than a quarter of an hour.
    """
    filled = {"{python}": plain_python(), "{release}": str(checkout), "{shared}": str(checkout.parent)}
    words = [_fill(word, filled) for word in command.words]
    try:
        done = subprocess.run(
            words,
            cwd=checkout,
            env=_environ(application, told),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (FileNotFoundError, PermissionError) as error:
        hint = f"Check `application.{command.key}`"
        raise UsageError(command.what, f"there is no program {words[0]!r}", hint) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(command.what, f"`{' '.join(words)}` did not end within {_SECONDS} s") from error
    if done.returncode:
        said = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise UsageError(
            command.what,
            f"`{' '.join(command.words)}` ended with {done.returncode}: {' / '.join(said[-_TAIL:])}",
            "Try it in a fresh clone of the commit",
        )


def _environ(application: Application, told: Mapping[str, str]) -> Mapping[str, str]:
    return {
        **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        **_OF_THE_STACK,
        **dict.fromkeys(application.secrets, _UNKNOWN),
        **application.environ,
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **told,
    }


def _fill(argument: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace(name, value)
    return argument
