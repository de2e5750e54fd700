"""One commit's files as a bundle: the same bytes whenever and wherever it is made."""

from __future__ import annotations

import hashlib
import json
import posixpath
import tarfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from ..errors import UsageError
from .archives import plain, written
from .source import Commit, Repository, last_line

_FORMAT = 1  # raise it when the same commit gives other bytes


def make_bundle(repository: Repository, commit: Commit, source: str, exclude: Sequence[str], cache: Path) -> Path:
    """Return the archive of the folder `source` of a commit, made now or found in `cache`.

    Only committed files are in it. Raises `UsageError` when the folder is not there, or when a file in it
    would land outside of the folder that a server unpacks it to.
    """
    folder = _folder(source)
    asked = json.dumps([_FORMAT, commit.sha, folder, sorted(exclude)])
    target = cache / f"{commit.sha}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}.tar.gz"
    if not target.exists():
        _make(repository, commit, folder, exclude, target)
    return target


def _folder(source: str) -> str:
    folder = posixpath.normpath(source or ".")
    if posixpath.isabs(folder) or folder.split("/")[0] == "..":
        raise UsageError(
            f"bundle {source!r}", "`application.source` is outside of the repository", "Give a folder in it"
        )
    return folder


def _make(repository: Repository, commit: Commit, folder: str, exclude: Sequence[str], target: Path) -> None:
    what = f"bundle {folder!r} of {commit.short}"
    with repository.archive(commit.sha, folder) as process, written(target) as bundle:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            files = _rewrite(process.stdout, bundle, commit, folder, exclude)
            process.stdout.read()  # the padding at the end: git fails when nobody takes it
        except tarfile.ReadError:
            files = 0
        if process.wait():
            raise UsageError(what, f"git said: {last_line(process.stderr.read())}")
        if not files:
            raise UsageError(what, "it has no files", "Check `application.source` and `application.exclude`")


def _rewrite(tar: IO[bytes], bundle: tarfile.TarFile, commit: Commit, folder: str, exclude: Sequence[str]) -> int:
    """Copy git's tar without the folder's own name, owners and umask; return the number of files."""
    prefix = "" if folder == "." else f"{folder}/"
    files = 0
    with tarfile.open(fileobj=tar, mode="r|") as opened:
        for member in opened:
            name = member.name.removeprefix(prefix)
            if member.isdir() or not member.name.startswith(prefix) or _excluded(name, exclude):
                continue
            check_member(member, name)
            content = opened.extractfile(member) if member.isreg() else None
            bundle.addfile(plain(member, name, commit.committed), content)
            files += 1
    return files


def check_member(member: tarfile.TarInfo, name: str) -> None:
    """Refuse what would land or point outside of the folder that it is unpacked to, as a server would."""
    what = f"bundle {name!r}"
    parts = name.split("/")
    if posixpath.isabs(name) or ".." in parts or "\\" in name:
        raise UsageError(what, "its name leads out of the release", "Rename it in the repository")
    if not (member.isreg() or member.issym()):
        raise UsageError(what, "it is neither a file nor a link", "Remove it from the repository")
    if member.issym():
        end = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        if posixpath.isabs(member.linkname) or end.split("/")[0] == "..":
            raise UsageError(
                what,
                f"it is a link to {member.linkname!r}, outside of the release",
                "Exclude it by `application.exclude`, or commit what it points to",
            )


def _excluded(name: str, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern matches the path or one of the folders that it is in."""
    parts = name.split("/")
    paths = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return any(fnmatchcase(path, pattern.rstrip("/")) for pattern in patterns for path in paths)
