"""Python scripts that commands run are to be in the release: better said while it is built than by a server."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ..config.environment import Application
from ..errors import UsageError
from .source import Commit, Repository


def check_scripts(repository: Repository, commit: Commit, application: Application) -> None:
    """Raise `UsageError` for a commit without a script (manage.py) that one of the commands runs."""
    if application.build:
        return  # it may make them
    missing: dict[str, list[str]] = {}
    for name, script in _scripts(application):
        path = posixpath.normpath(posixpath.join(application.source or ".", script))
        if not repository.has(commit.sha, path):
            missing.setdefault(script, []).append(f"application.{name}")
    for script, names in missing.items():
        raise UsageError(
            f"release {commit.short}",
            f"it has no {script}, which {', '.join(names)} would run",
            "Commit it, or say what the application has instead (manage: none if it is not Django's)",
        )


def _scripts(application: Application) -> Iterator[tuple[str, str]]:
    """Yield the command and the script of each that reads `{python} a_file.py …`."""
    for name in ("start", "worker", "migrate", "post_migrate", "static"):
        words: tuple[str, ...] = getattr(application, name)
        if len(words) > 1 and words[0] == "{python}" and words[1].endswith(".py") and "{" not in words[1]:
            yield name, words[1]
