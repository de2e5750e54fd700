"""A commit's files after the application's own build command ran in them: compiled, or with modules of Node.js."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from pathlib import Path

from ..config.environment import Application
from .archives import pack_folder
from .build_commands import BuildCommand, run_at_build
from .bundle import Bundle, check_member
from .source import Commit

_FORMAT = 1  # raise it when the same commit and command give other bytes


def make_built(bundle: Bundle, application: Application, commit: Commit, cache: Path) -> Bundle:
    """Return one archive of all that is there once the command has run, made now or found in `cache`.

    Raises `UsageError` when the command fails, or makes a link that leads out of the release.
    """
    made_from = [path.name for path in (bundle.files, bundle.large) if path]
    asked = json.dumps([_FORMAT, made_from, application.build, sorted(application.environ.items())])
    target = cache / f"{commit.sha}-built-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.tar.gz"
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix="fabscale-build-") as workplace:
            folder = Path(workplace, "release")
            bundle.unpack(folder)
            command = BuildCommand("build", application.build, f"build {commit.short}")
            run_at_build(command, application, folder, {"RELEASE_COMMIT": commit.sha})
            _check_links(folder)
            pack_folder(folder, target)
    return Bundle(target, None)


def _check_links(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_symlink():
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.type, member.linkname = tarfile.SYMTYPE, os.readlink(path)
            check_member(member, member.name)
